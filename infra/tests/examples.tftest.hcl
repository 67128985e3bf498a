# Every example plans: what a newcomer copies must work.

# Mocks, from mocks.hcl.
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
# End of mocks.

override_resource { # not a mock of every azapi_resource: only the app has an identity, and OpenTofu refuses one for a resource without that block
  target = module.auditbell.azapi_resource.function_app
  values = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c", identity = { principal_id = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b", tenant_id = "9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19" } }
}

mock_provider "azurerm" {
  alias = "second"
  mock_resource "azurerm_resource_group" {
    defaults = {
      id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell"
    }
  }
  mock_resource "azurerm_role_definition" {
    defaults = {
      role_definition_resource_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/providers/Microsoft.Authorization/roleDefinitions/7c1b8a52-3d94-4e0f-8b6a-5e2f9d0c1a37"
    }
  }
  mock_resource "azurerm_eventgrid_system_topic" {
    defaults = {
      id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventGrid/systemTopics/evgt-auditbell-0b1f6471"
      identity = {
        principal_id = "e4a1d2c3-5b6f-4708-91a2-b3c4d5e6f708"
        tenant_id    = "9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19"
      }
    }
  }
}

variables {
  alert_emails = ["security@example.com"]
}

run "minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }

  assert {
    condition     = strcontains(output.next_command, "deploy INFRA=")
    error_message = "the first apply ends with what to type next"
  }
}

run "complete" {
  command = plan

  module {
    source = "./examples/complete"
  }

  assert {
    condition     = strcontains(output.next_command, "deploy INFRA=")
    error_message = "the first apply ends with what to type next"
  }
}

run "multi_subscription" {
  command = plan

  module {
    source = "./examples/multi-subscription"
  }

  variables {
    second_subscription_id = "7d4c2b1a-9e8f-4a6b-8c5d-3e2f1a0b9c8d"
  }

  assert {
    condition     = strcontains(output.next_command, "deploy INFRA=")
    error_message = "the first apply ends with what to type next"
  }
}

run "private_network" {
  command = plan

  module {
    source = "./examples/private-network"
  }

  # The mocks give every subnet one id; the module rightly wants two.
  override_resource {
    target = azurerm_subnet.endpoints
    values = {
      id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell-network/providers/Microsoft.Network/virtualNetworks/vnet-auditbell/subnets/snet-endpoints"
    }
  }

  assert {
    condition     = strcontains(output.next_command, "deploy INFRA=")
    error_message = "the first apply ends with what to type next"
  }
}
