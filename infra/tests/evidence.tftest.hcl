# What is kept, who may read and delete it, and what is optional.

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
  target = azapi_resource.function_app
  values = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c", identity = { principal_id = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b", tenant_id = "9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19" } }
}

variables {
  alert_emails    = ["security@example.com"]
  location        = "westeurope"
  secret_settings = ["SLACK_WEBHOOK_URL"]
}

run "who_reads_or_deletes_evidence_is_logged" {
  command = plan

  assert {
    condition     = join(",", sort(keys(azurerm_monitor_diagnostic_setting.blobs))) == "archive,audit" && alltrue([for d in azurerm_monitor_diagnostic_setting.blobs : length(d.enabled_log) == 3])
    error_message = "reads, writes and deletions of both accounts are logged"
  }
  assert {
    condition     = contains([for l in azurerm_monitor_diagnostic_setting.cosmos[0].enabled_log : l.category], "DataPlaneRequests")
    error_message = "requests to the store are logged"
  }
  assert {
    condition     = length(azurerm_monitor_scheduled_query_rules_alert_v2.deletions) == 2 && alltrue([for a in azurerm_monitor_scheduled_query_rules_alert_v2.deletions : length(a.action[0].action_groups) == 2])
    error_message = "deletions, and attempts, reach the app and those outside"
  }
}

run "no_key_opens_anything" {
  command = plan

  assert {
    condition     = alltrue([for a in [azurerm_storage_account.host, azurerm_storage_account.audit["home"], azurerm_storage_account.archive["home"]] : !a.shared_access_key_enabled])
    error_message = "no storage account may accept a shared key"
  }
  assert {
    condition     = alltrue([for a in [azurerm_storage_account.host, azurerm_storage_account.audit["home"], azurerm_storage_account.archive["home"]] : !a.allow_nested_items_to_be_public && a.min_tls_version == "TLS1_2"])
    error_message = "no blob may be public, and no connection older than TLS 1.2"
  }
  assert {
    condition     = !azurerm_cosmosdb_account.main.local_authentication_enabled
    error_message = "Cosmos DB may accept Entra identities only (disableLocalAuth)"
  }
  assert {
    condition     = !azurerm_application_insights.main.local_authentication_enabled && !azurerm_log_analytics_workspace.main[0].local_authentication_enabled
    error_message = "telemetry and logs may be written by identity only"
  }
  assert {
    condition     = alltrue([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : s.name != "AzureWebJobsStorage"])
    error_message = "AzureWebJobsStorage itself must not be set: beside it the identity's settings are ignored"
  }
  assert {
    condition     = contains([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}"], "AzureWebJobsStorage__credential=managedidentity")
    error_message = "without __credential the apply is green and the host is dead"
  }
}

run "the_store_is_what_the_code_expects" {
  command = plan

  assert {
    condition     = alltrue([for c in jsondecode(file("containers.json")).containers : azurerm_cosmosdb_sql_container.main[c.name].default_ttl == c.default_ttl_seconds && azurerm_cosmosdb_sql_container.main[c.name].partition_key_paths[0] == c.partition_key_path])
    error_message = "keys and TTL of the containers are those of containers.json"
  }
  assert {
    condition     = length(azurerm_cosmosdb_account.main.geo_location) == 1 && !azurerm_cosmosdb_account.main.multiple_write_locations_enabled
    error_message = "an alert is claimed by one conditional write: there may be one write region"
  }
  assert {
    condition     = contains(azurerm_cosmosdb_account.main.capabilities[*].name, "EnableServerless")
    error_message = "serverless is the default"
  }
}

run "autoscale_is_no_serverless" {
  command = plan

  variables {
    cosmos_throughput_mode          = "autoscale"
    cosmos_autoscale_max_throughput = 4000
  }

  assert {
    condition     = length(azurerm_cosmosdb_account.main.capabilities) == 0 && alltrue([for c in azurerm_cosmosdb_sql_container.main : c.autoscale_settings[0].max_throughput == 4000])
    error_message = "with autoscale every container has the limit and the account is not serverless"
  }
}

run "the_audit_account_is_the_guidance_one" {
  command = plan

  assert {
    condition     = azurerm_storage_account.audit["home"].account_replication_type == "GRS" && azurerm_storage_account.audit["home"].blob_properties[0].versioning_enabled && azurerm_storage_account.audit["home"].blob_properties[0].delete_retention_policy[0].days == 365
    error_message = "GRS, versioning and a year of soft delete"
  }
  assert {
    condition     = azurerm_storage_account.audit["home"].immutability_policy[0].state == "Unlocked" && azurerm_storage_account.audit["home"].immutability_policy[0].allow_protected_append_writes && azurerm_storage_account.audit["home"].immutability_policy[0].period_since_creation_in_days == 365
    error_message = "created unlocked, with protected appends, for a year: Azure refuses Locked at creation"
  }
  assert {
    condition     = azurerm_storage_account.audit["home"].network_rules[0].default_action == "Deny"
    error_message = "nobody but Azure Monitor writes to the audit account"
  }
}

run "the_log_is_silent_until_its_key_is_wrapped" {
  command = plan

  variables {
    transparency_log = { name = "auditbell.contoso.com/log" }
  }

  assert {
    condition     = azapi_resource.log_key[0].body.properties.keyOps == ["wrapKey", "unwrapKey"] && length([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : s if startswith(s.name, "TLOG_")]) == 0
    error_message = "the vault has the key, and the app no setting that it could not use"
  }
}

run "the_log_has_its_key_and_witnesses" {
  command = plan

  variables {
    transparency_log = {
      name      = "auditbell.contoso.com/log"
      key       = "d3JhcHBlZA=="
      vault_key = "https://kv-auditbell-1a2b3c.vault.azure.net/keys/auditbell-log/0123456789abcdef"
      witnesses = [{ address = "https://witness.example", key = "witness.example+1234abcd+BEx" }]
      quorum    = 1
    }
  }

  assert {
    condition = length(setsubtract(
      ["TLOG_NAME=auditbell.contoso.com/log", "TLOG_KEY=d3JhcHBlZA==", "TLOG_WITNESSES=https://witness.example witness.example+1234abcd+BEx", "TLOG_QUORUM=1"],
      [for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}" if startswith(s.name, "TLOG_")]
    )) == 0
    error_message = "the app logs, and has the witnesses sign"
  }
  assert {
    condition     = endswith(azurerm_role_assignment.log_key[0].role_definition_id, "e147488a-f6f5-4113-8e2d-b22465e65bf6")
    error_message = "the app may wrap and unwrap, and read no secret with this right"
  }
}

run "evidence_is_kept_in_a_second_region" {
  command = plan

  variables {
    second_region          = "northeurope"
    cosmos_throughput_mode = "autoscale"
  }

  assert {
    condition     = azurerm_storage_account.audit["second"].location == "northeurope" && azurerm_storage_account.audit["second"].immutability_policy[0].state == azurerm_storage_account.audit["home"].immutability_policy[0].state && azurerm_storage_account.audit["second"].network_rules[0].default_action == "Deny"
    error_message = "the copy of the exported log is guarded as the first one"
  }
  assert {
    condition     = azurerm_storage_object_replication.digests[0].rules != null && azurerm_storage_account.archive["home"].blob_properties[0].change_feed_enabled && alltrue([for a in azurerm_storage_account.archive : a.blob_properties[0].versioning_enabled])
    error_message = "digests are copied, for which Azure asks for versions and a change feed"
  }
  assert {
    condition     = azurerm_storage_container_immutability_policy.digests["second"].immutability_period_in_days == var.archive_immutability_days
    error_message = "a copied digest cannot be changed either"
  }
  assert {
    condition     = sort([for l in azurerm_cosmosdb_account.main.geo_location : "${l.failover_priority} ${l.location}"]) == tolist(["0 westeurope", "1 northeurope"]) && !azurerm_cosmosdb_account.main.multiple_write_locations_enabled
    error_message = "the store can be read there, and is written in one region"
  }
  assert {
    condition     = length(azurerm_management_lock.main) == 5 && length(azurerm_monitor_diagnostic_setting.blobs) == 4
    error_message = "copies are locked, and who reads them is logged"
  }
}

run "a_serverless_store_stays_in_its_region" {
  command = plan

  variables {
    second_region = "northeurope"
  }

  assert {
    condition     = length(azurerm_cosmosdb_account.main.geo_location) == 1
    error_message = "Azure refuses a serverless account with two regions"
  }
}

run "without_a_second_region_nothing_is_copied" {
  command = plan

  assert {
    condition     = length(azurerm_storage_account.audit) == 1 && length(azurerm_storage_object_replication.digests) == 0 && length(azurerm_management_lock.main) == 3
    error_message = "what was not asked for is not made"
  }
}

run "private_network_closes_the_doors" {
  command = plan

  variables {
    network = {
      integration_subnet_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet-app"
      endpoint_subnet_id    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet-endpoints"
      private_dns_zone_ids = {
        blob   = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
        table  = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.table.core.windows.net"
        cosmos = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.documents.azure.com"
        vault  = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
      }
    }
  }

  assert {
    condition     = length(azurerm_private_endpoint.main) == 5
    error_message = "host blobs and tables, archive, Cosmos DB and vault have an endpoint each"
  }
  assert {
    condition     = !azurerm_cosmosdb_account.main.public_network_access_enabled && !azurerm_key_vault.main[0].public_network_access_enabled && azurerm_storage_account.host.network_rules[0].default_action == "Deny"
    error_message = "with private endpoints the public ones are closed"
  }
}

run "an_app_without_an_entrance_has_an_endpoint_and_no_webhook" {
  command = plan

  variables {
    delivery               = "event_hub"
    event_hub              = {}
    event_delivery_enabled = true
    network = {
      integration_subnet_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet-app"
      endpoint_subnet_id    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet-endpoints"
      private_dns_zone_ids = {
        blob      = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
        table     = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.table.core.windows.net"
        cosmos    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.documents.azure.com"
        vault     = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
        event_hub = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.servicebus.windows.net"
        sites     = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
      }
    }
  }

  assert {
    condition     = azapi_resource.function_app.body.properties.publicNetworkAccess == "Disabled" && azurerm_private_endpoint.main["sites"].private_service_connection[0].subresource_names[0] == "sites"
    error_message = "no public entrance, and one for who publishes from inside the network"
  }
  assert {
    condition     = length(azurerm_monitor_action_group.main.webhook_receiver) == 0
    error_message = "action groups cannot call an app without a public entrance"
  }
  assert {
    condition     = azurerm_eventhub_namespace.main[0].network_rulesets[0].default_action == "Deny" && azurerm_eventhub_namespace.main[0].network_rulesets[0].trusted_service_access_enabled
    error_message = "the hub takes Azure's trusted services and the app's endpoint, and no one else"
  }
}

# Applied, because addresses of what is made are known only then.
run "everything_optional_at_once" {
  command = apply

  variables {
    event_hub                         = {}
    email                             = { data_location = "Europe", alert_to = ["soc@example.com", "oncall@example.com"] }
    budget                            = { amount = 50, start_date = "2026-12-01T00:00:00Z", emails = ["finance@example.com"] }
    secret_delete_query_alert_enabled = true
    secure_webhook                    = { object_id = "3d9a6b7c-1e2f-4a5b-8c6d-7e8f9a0b1c2d", identifier_uri = "api://auditbell" }
    event_delivery_enabled            = true
    alert_webhook_key                 = "dGhpcy1pcy1ub3QtYS1yZWFsLWtleQ=="
  }

  assert {
    condition     = length(azurerm_monitor_scheduled_query_rules_alert_v2.watch) == 5
    error_message = "a mail past the app says that it watches no more"
  }
  assert {
    condition     = length(azurerm_eventhub.main) == 1 && length(azurerm_role_assignment.email) == 1 && length(azurerm_consumption_budget_resource_group.main) == 1
    error_message = "what is switched on is made"
  }
  assert {
    condition = length(setsubtract(
      ["MAIL_PROVIDER=acs", "MAIL_TO=oncall@example.com,soc@example.com", "MAIL_FROM=${output.email_sender}", "ACS_ENDPOINT=${output.email_endpoint}"],
      [for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}"]
    )) == 0 && startswith(output.email_sender, "auditbell@") && startswith(output.email_endpoint, "https://")
    error_message = "the app is told how to mail, from whom and to whom"
  }
}

run "what_others_made_is_used_and_not_made_again" {
  command = plan

  variables {
    resource_group_exists = true
    resource_group_name   = "rg-security"
    existing_workspace    = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log-central", customer_id = "5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a10" }
    existing_key_vault    = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-security/providers/Microsoft.KeyVault/vaults/kv-central", vault_uri = "https://kv-central.vault.azure.net/" }
    existing_identity     = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-security/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-auditbell", client_id = "5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a10", principal_id = "5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a11" }
    existing_event_hub = {
      id                    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem/eventhubs/activity"
      authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem/authorizationRules/export"
      consumer_group        = "auditbell"
    }
    groups_exported        = true
    alert_emails           = []
    watch_action_group_ids = ["/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-oncall/providers/Microsoft.Insights/actionGroups/ag-oncall"]
    zone_redundant         = true
  }

  assert {
    condition     = length(azurerm_resource_group.main) + length(azurerm_log_analytics_workspace.main) + length(azurerm_key_vault.main) == 0
    error_message = "what is there already is not made"
  }
  assert {
    condition     = azurerm_role_assignment.host_blobs.principal_id == var.existing_identity.principal_id && azapi_resource.function_app.body.properties.keyVaultReferenceIdentity == var.existing_identity.id
    error_message = "rights go to the identity that was named, and it resolves the secrets"
  }
  assert {
    condition     = contains([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}" if s.name == "AZURE_CLIENT_ID"], "AZURE_CLIENT_ID=5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a10")
    error_message = "the handler must know which identity is meant"
  }
  assert {
    condition     = length(azurerm_eventhub_namespace.main) == 0 && azurerm_role_assignment.event_hub[0].scope == var.existing_event_hub.id && output.core.event_hub.authorization_rule_id == var.existing_event_hub.authorization_rule_id
    error_message = "the hub that was named is written to and read"
  }
  assert {
    condition = length(setsubtract(
      ["EVENT_HUB_CONNECTION__fullyQualifiedNamespace=evhns-siem.servicebus.windows.net", "EVENT_HUB_NAME=activity", "EVENT_HUB_CONSUMER_GROUP=auditbell", "RECONCILE_FEEDS=eventhub,eventhub-group"],
      [for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}"]
    )) == 0
    error_message = "the app reads the hub that was named, and knows which feeds it brings"
  }
  assert {
    condition     = alltrue([for d in azurerm_monitor_diagnostic_setting.blobs : d.log_analytics_workspace_id == var.existing_workspace.id])
    error_message = "logs go to the workspace that was named"
  }
  assert {
    condition     = one(azurerm_cosmosdb_account.main.geo_location).zone_redundant && azurerm_service_plan.main.zone_balancing_enabled
    error_message = "the store and the app are spread over the zones"
  }
}

run "retention_is_not_shorter_than_immutability" {
  command = plan

  variables {
    audit_retention_days = 30
  }

  expect_failures = [azurerm_storage_account.audit["home"]]
}

run "locking_the_audit_account_comes_last" {
  command = plan

  variables {
    audit_immutability_state = "Locked"
  }

  expect_failures = [azurerm_storage_account.audit["home"]]
}

run "locking_the_archive_comes_last" {
  command = plan

  variables {
    archive_immutability_locked = true
  }

  expect_failures = [azurerm_storage_container_immutability_policy.digests["home"]]
}
