# Every validation, tripped once: infra/check fails `go test` when a variable with a validation has no run here.

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

run "wrong_values_1" {
  command = plan

  variables {
    name                            = "Audit-Bell"
    location                        = "West Europe"
    resource_group_name             = "rg-auditbell."
    tags                            = { t0 = "x", t1 = "x", t2 = "x", t3 = "x", t4 = "x", t5 = "x", t6 = "x", t7 = "x", t8 = "x", t9 = "x", t10 = "x", t11 = "x", t12 = "x", t13 = "x", t14 = "x", t15 = "x", t16 = "x", t17 = "x", t18 = "x", t19 = "x", t20 = "x", t21 = "x", t22 = "x", t23 = "x", t24 = "x", t25 = "x", t26 = "x", t27 = "x", t28 = "x", t29 = "x", t30 = "x", t31 = "x", t32 = "x", t33 = "x", t34 = "x", t35 = "x", t36 = "x", t37 = "x", t38 = "x", t39 = "x", t40 = "x", t41 = "x", t42 = "x", t43 = "x", t44 = "x", t45 = "x", t46 = "x", t47 = "x" }
    functions                       = ["0-starts-with-a-digit"]
    scopes                          = ["tenant", "managementGroups/contoso", "0b1f6471-1bf0-4dda-aec3-cb9272f09590"]
    reconciled_subscriptions        = ["/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590"]
    existing_system_topic           = { name = "t", resource_group_name = "rg", principal_id = "the-topic" }
    ignored_operations              = ["Microsoft.Resources/*"]
    delivery                        = "storage_queue"
    max_events_per_batch            = 5001
    preferred_batch_kilobytes       = 2048
    reader_role                     = "owner"
    instance_memory_mb              = 1024
    maximum_instances               = 0
    always_ready                    = { "timer" = 1 }
    custom_runtime_version          = "latest"
    inbound_access                  = "friends"
    schedules                       = { deliver = "*/5 * * * *" }
    slack_channel                   = "security alerts"
    digest_timestamp_url            = "freetsa.org/tsr"
    app_settings                    = { SLACK_BOT_TOKEN = "xoxb" }
    operator_object_ids             = ["me@example.com"]
    email                           = { data_location = "Europe", alert_to = ["soc@example.com,oncall@example.com"] }
    watch_action_group_ids          = ["ag-oncall"]
    category_alerts                 = ["Alert"]
    resource_notifications          = ["resources"]
    secure_webhook                  = { object_id = "3d9a6b7c-1e2f-4a5b-8c6d-7e8f9a0b1c2d", identifier_uri = "auditbell" }
    alert_webhook_key               = "short"
    cosmos_throughput_mode          = "provisioned"
    cosmos_autoscale_max_throughput = 1500
    audit_replication               = "GEO"
    audit_immutability_state        = "On"
    audit_immutability_days         = 0
    audit_retention_days            = 0
    audit_soft_delete_days          = 366
    archive_immutability_days       = 0
    log_retention_days              = 7
    event_hub                       = { sku = "Basic" }
    budget                          = { amount = 0, start_date = "2026-12-01T00:00:00Z", emails = ["a@example.com"] }
    network = {
      integration_subnet_id = "snet-app"
      endpoint_subnet_id    = "snet-endpoints"
      private_dns_zone_ids  = { blob = "b", table = "t", cosmos = "c", vault = "v" }
    }
    operator_ip_ranges = ["home"]
    existing_workspace = { id = "log-central", customer_id = "5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a10" }
    existing_key_vault = { id = "kv-central", vault_uri = "https://kv-central.vault.azure.net/" }
    existing_identity  = { id = "id-auditbell", client_id = "5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a10", principal_id = "5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a11" }
    delivery_objective = { share = 1 }
  }

  expect_failures = [
    var.name,
    var.location,
    var.resource_group_name,
    var.tags,
    var.functions,
    var.scopes,
    var.reconciled_subscriptions,
    var.existing_system_topic,
    var.ignored_operations,
    var.delivery,
    var.max_events_per_batch,
    var.preferred_batch_kilobytes,
    var.reader_role,
    var.instance_memory_mb,
    var.maximum_instances,
    var.always_ready,
    var.custom_runtime_version,
    var.inbound_access,
    var.schedules,
    var.slack_channel,
    var.digest_timestamp_url,
    var.app_settings,
    var.operator_object_ids,
    var.email,
    var.watch_action_group_ids,
    var.category_alerts,
    var.resource_notifications,
    var.secure_webhook,
    var.alert_webhook_key,
    var.cosmos_throughput_mode,
    var.cosmos_autoscale_max_throughput,
    var.audit_replication,
    var.audit_immutability_state,
    var.audit_immutability_days,
    var.audit_retention_days,
    var.audit_soft_delete_days,
    var.archive_immutability_days,
    var.log_retention_days,
    var.event_hub,
    var.budget,
    var.network,
    var.operator_ip_ranges,
    var.existing_workspace,
    var.existing_key_vault,
    var.existing_identity,
    var.delivery_objective,
  ]
}

run "wrong_values_2" {
  command = plan

  variables {
    ignored_operations = ["Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write", "Microsoft.Web/sites/write"]
    event_hub          = { partition_count = 0 }
    email              = { data_location = "Mars" }
    budget             = { amount = 10, start_date = "2026-12-15T00:00:00Z", emails = ["a@example.com"] }
    network = {
      integration_subnet_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/one"
      endpoint_subnet_id    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/one"
      private_dns_zone_ids  = { blob = "b", table = "t", cosmos = "c", vault = "v" }
    }
  }

  expect_failures = [
    var.ignored_operations,
    var.event_hub,
    var.email,
    var.budget,
    var.network,
  ]
}

run "wrong_values_3" {
  command = plan

  variables {
    event_hub = { retention_in_hours = 1000 }
    email     = { data_location = "Europe", sender = "a@b" }
  }

  expect_failures = [
    var.event_hub,
    var.email,
  ]
}

run "secret_settings_unknown" {
  command = plan

  variables {
    secret_settings = ["SLACK_WEBHOOK"]
  }

  expect_failures = [var.secret_settings]
}

run "secret_settings_nobody_hears" {
  command = plan

  variables {
    secret_settings = []
  }

  expect_failures = [var.secret_settings]
}

run "secret_settings_both_ways_to_slack" {
  command = plan

  variables {
    secret_settings = ["SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL"]
  }

  expect_failures = [var.secret_settings]
}

run "secret_settings_unsigned_webhook" {
  command = plan

  variables {
    secret_settings = ["WEBHOOK_URL"]
  }

  expect_failures = [var.secret_settings]
}

run "alert_emails" {
  command = plan

  variables {
    alert_emails = ["security"]
  }

  expect_failures = [var.alert_emails]
}

run "alert_emails_nobody" {
  command = plan

  variables {
    alert_emails = []
  }

  expect_failures = [var.alert_emails]
}

run "resource_group_exists" {
  command = plan

  variables {
    resource_group_exists = true
  }

  expect_failures = [var.resource_group_exists]
}

run "existing_event_hub" {
  command = plan

  variables {
    existing_event_hub = { id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem", authorization_rule_id = "", consumer_group = "" }
  }

  expect_failures = [var.existing_event_hub]
}

run "existing_event_hub_with_a_rule_of_the_hub" {
  command = plan

  variables {
    existing_event_hub = {
      id                    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem/eventhubs/activity"
      authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem/eventhubs/activity/authorizationRules/send"
      consumer_group        = "auditbell"
    }
  }

  expect_failures = [var.existing_event_hub]
}

run "existing_event_hub_with_the_default_group" {
  command = plan

  variables {
    existing_event_hub = {
      id                    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem/eventhubs/activity"
      authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem/authorizationRules/export"
      consumer_group        = "$Default"
    }
  }

  expect_failures = [var.existing_event_hub]
}

run "an_existing_event_hub_beside_a_new_one" {
  command = plan

  variables {
    event_hub = {}
    existing_event_hub = {
      id                    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem/eventhubs/activity"
      authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-siem/providers/Microsoft.EventHub/namespaces/evhns-siem/authorizationRules/export"
      consumer_group        = "auditbell"
    }
  }

  expect_failures = [var.existing_event_hub]
}

run "a_log_key_without_its_vault_key" {
  command = plan

  variables {
    transparency_log = { name = "auditbell.contoso.com/log", key = "d3JhcHBlZA==" }
  }

  expect_failures = [var.transparency_log]
}

run "a_quorum_of_witnesses_that_are_not_there" {
  command = plan

  variables {
    transparency_log = { name = "auditbell.contoso.com/log", quorum = 1 }
  }

  expect_failures = [var.transparency_log]
}

# Their validations look at other inputs, which must be right for it.
run "wrong_values_beside_right_ones" {
  command = plan

  variables {
    telemetry     = { endpoint = "collector:4318" }
    second_region = "North Europe"
  }

  expect_failures = [
    var.telemetry,
    var.second_region,
  ]
}

run "a_collectors_key_over_plain_http" {
  command = plan

  variables {
    secret_settings = ["SLACK_WEBHOOK_URL", "OTEL_EXPORTER_OTLP_HEADERS"]
    telemetry       = { endpoint = "http://collector.example:4318" }
  }

  expect_failures = [var.telemetry]
}

run "the_same_region_twice" {
  command = plan

  variables {
    second_region = "westeurope"
  }

  expect_failures = [var.second_region]
}

# What no single input shows to be wrong.

run "slack_bot_needs_a_channel" {
  command = plan

  variables {
    secret_settings = ["SLACK_BOT_TOKEN"]
  }

  expect_failures = [azapi_resource.function_app]
}

run "slack_buttons_need_an_open_door" {
  command = plan

  variables {
    secret_settings = ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]
    slack_channel   = "#security-alerts"
  }

  expect_failures = [azapi_resource.function_app]
}

run "the_ringing_functions_are_needed" {
  command = plan

  variables {
    functions = ["digest"]
  }

  expect_failures = [azapi_resource.function_app]
}

run "always_ready_names_a_published_function" {
  command = plan

  variables {
    always_ready = { "function:nothing" = 1 }
  }

  expect_failures = [azapi_resource.function_app]
}

run "app_settings_are_read_by_the_app" {
  command = plan

  variables {
    app_settings = { LOG_LEVLE = "debug" }
  }

  expect_failures = [azapi_resource.function_app]
}

run "app_settings_do_not_shadow_ours" {
  command = plan

  variables {
    app_settings = { COSMOS_DATABASE = "mine" }
  }

  expect_failures = [azapi_resource.function_app]
}

run "an_event_hub_in_a_private_network_needs_its_zone" {
  command = plan

  variables {
    event_hub = {}
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

  expect_failures = [azurerm_private_endpoint.main]
}
