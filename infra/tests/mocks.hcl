# Ids as Azure writes them: the provider checks their form, so that wiring mistakes show in a plan without Azure. OpenTofu
# shares no mocks between files, so that each file of tests has a copy: go run ./infra/check/refresh mocks writes them.
mock_provider "azurerm" {
  mock_data "azurerm_client_config" {
    defaults = { subscription_id = "0b1f6471-1bf0-4dda-aec3-cb9272f09590", tenant_id = "9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19" }
  }
  mock_resource "azurerm_resource_group" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell" }
  }
  mock_resource "azurerm_storage_account" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellhost1a2b3c", primary_blob_endpoint = "https://stauditbellhost1a2b3c.blob.core.windows.net/" }
  }
  mock_resource "azurerm_storage_container" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellarch1a2b3c/blobServices/default/containers/digests" }
  }
  mock_resource "azurerm_log_analytics_workspace" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/workspaces/log-auditbell-1a2b3c", workspace_id = "5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a10" }
  }
  mock_resource "azurerm_application_insights" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/components/appi-auditbell-1a2b3c", connection_string = "InstrumentationKey=00000000-0000-0000-0000-000000000001" }
  }
  mock_resource "azurerm_log_analytics_query_pack" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/queryPacks/pack-auditbell-1a2b3c" }
  }
  mock_resource "azurerm_service_plan" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/serverFarms/plan-auditbell-1a2b3c" }
  }
  mock_resource "azurerm_cosmosdb_account" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.DocumentDB/databaseAccounts/cosmos-auditbell-1a2b3c", endpoint = "https://cosmos-auditbell-1a2b3c.documents.azure.com:443/" }
  }
  mock_resource "azurerm_cosmosdb_sql_role_definition" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.DocumentDB/databaseAccounts/cosmos-auditbell-1a2b3c/sqlRoleDefinitions/2f6f9c4e-8d5b-4c37-9f0a-6b1d7e3c5a42" }
  }
  mock_resource "azurerm_key_vault" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.KeyVault/vaults/kv-auditbell-1a2b3c", vault_uri = "https://kv-auditbell-1a2b3c.vault.azure.net/" }
  }
  mock_resource "azurerm_role_definition" {
    defaults = { role_definition_resource_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/providers/Microsoft.Authorization/roleDefinitions/7c1b8a52-3d94-4e0f-8b6a-5e2f9d0c1a37" }
  }
  mock_resource "azurerm_monitor_action_group" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell" }
  }
  mock_resource "azurerm_eventgrid_system_topic" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventGrid/systemTopics/evgt-auditbell-0b1f6471", identity = { principal_id = "e4a1d2c3-5b6f-4708-91a2-b3c4d5e6f708", tenant_id = "9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19" } }
  }
  mock_resource "azurerm_eventhub_namespace" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c" }
  }
  mock_resource "azurerm_eventhub" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/eventhubs/insights-activity-logs" }
  }
  mock_resource "azurerm_eventhub_namespace_authorization_rule" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/authorizationRules/diagnostic-settings" }
  }
  mock_resource "azurerm_communication_service" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Communication/communicationServices/acs-auditbell-1a2b3c", hostname = "acs-auditbell-1a2b3c.europe.communication.azure.com" }
  }
  mock_resource "azurerm_email_communication_service" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Communication/emailServices/email-auditbell-1a2b3c" }
  }
  mock_resource "azurerm_email_communication_service_domain" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Communication/emailServices/email-auditbell-1a2b3c/domains/AzureManagedDomain", from_sender_domain = "3f5b1c2d.azurecomm.net" }
  }
  mock_resource "azurerm_subnet" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Network/virtualNetworks/vnet-auditbell/subnets/snet-app" }
  }
  mock_resource "azurerm_virtual_network" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Network/virtualNetworks/vnet-auditbell" }
  }
  mock_resource "azurerm_private_dns_zone" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net" }
  }
}

mock_provider "azapi" {
  mock_resource "azapi_resource" {
    defaults = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c" }
  }
}
