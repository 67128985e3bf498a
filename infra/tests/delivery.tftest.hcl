# When events are delivered, what the app is given, and who watches it.

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

run "first_stage_sends_nothing_yet" {
  command = plan

  assert {
    condition     = length(azurerm_monitor_action_group.main.webhook_receiver) == 0
    error_message = "before the functions are published no action group may call them"
  }
  assert {
    condition     = strcontains(output.next_command, "deploy INFRA=\"$PWD\"")
    error_message = "after the first apply the next command is the one that goes on from there"
  }
  assert {
    condition     = length(output.alert_names) == 15
    error_message = "five alerts of the guidance and the CIS set are 15"
  }
}

# What is deployed decides, not who applies: no argument has to be remembered.
run "published_functions_turn_delivery_on" {
  command = plan

  override_data {
    target = data.azurerm_resources.app
    values = { resources = [{ name = "func", id = "func", resource_group_name = "rg-auditbell", type = "Microsoft.Web/sites", location = "westeurope", tags = {} }] }
  }
  override_data {
    target = data.azapi_resource_list.functions
    values = { output = "{\"value\":[{\"name\":\"func-auditbell-1a2b3c/deliver\"},{\"name\":\"func-auditbell-1a2b3c/eventgrid-activity\"}]}" }
  }
  variables {
    alert_webhook_key = "dGhpcy1pcy1ub3QtYS1yZWFsLWtleQ=="
  }

  assert {
    condition     = length(azurerm_monitor_action_group.main.webhook_receiver) == 1 && module.home[0].delivered && length(azurerm_monitor_scheduled_query_rules_alert_v2.watch) == 5
    error_message = "once the functions are published, a plain apply delivers and watches"
  }
}

run "another_function_than_the_target_is_not_enough" {
  command = plan

  override_data {
    target = data.azurerm_resources.app
    values = { resources = [{ name = "func", id = "func", resource_group_name = "rg-auditbell", type = "Microsoft.Web/sites", location = "westeurope", tags = {} }] }
  }
  override_data {
    target = data.azapi_resource_list.functions
    values = { output = "{\"value\":[{\"name\":\"func-auditbell-1a2b3c/WarmUp\"}]}" }
  }

  assert {
    condition     = !module.home[0].delivered
    error_message = "Event Grid refuses a function that is not there"
  }
}

run "a_host_that_lists_no_function_does_not_stop_delivery" {
  command = plan

  override_data {
    target = data.azurerm_resources.app
    values = { resources = [{ name = "func", id = "func", resource_group_name = "rg-auditbell", type = "Microsoft.Web/sites", location = "westeurope", tags = {} }] }
  }
  override_data {
    target = data.azapi_resource_list.functions
    values = { output = "{\"value\":[]}" }
  }
  override_data {
    target = data.azurerm_resources.topic
    values = { resources = [{ name = "evgt", id = "evgt", resource_group_name = "rg-auditbell", type = "Microsoft.EventGrid/systemTopics", location = "global", tags = {} }] }
  }
  override_data {
    target = data.azapi_resource_list.event_subscriptions
    values = { output = "{\"value\":[{\"name\":\"auditbell\"}]}" }
  }
  variables {
    alert_webhook_key = "dGhpcy1pcy1ub3QtYS1yZWFsLWtleQ=="
  }

  assert {
    condition     = module.home[0].delivered
    error_message = "an event subscription that is there stays there"
  }
}

run "second_stage_delivers" {
  command = plan

  variables {
    event_delivery_enabled = true
    alert_webhook_key      = "dGhpcy1pcy1ub3QtYS1yZWFsLWtleQ=="
  }

  assert {
    condition     = one(azurerm_monitor_action_group.main.webhook_receiver[*].use_common_alert_schema)
    error_message = "the function is to get the common alert schema"
  }
  assert {
    condition     = !strcontains(output.next_command, "deploy")
    error_message = "after the second apply there is nothing to publish"
  }
}

run "a_missing_key_is_a_warning_that_says_what_to_do" {
  command = plan

  variables {
    event_delivery_enabled = true
  }

  expect_failures = [check.the_webhook_has_its_key]
}

run "who_watches_the_app_does_not_call_it" {
  command = plan

  variables {
    event_delivery_enabled = true
    alert_webhook_key      = "dGhpcy1pcy1ub3QtYS1yZWFsLWtleQ=="
  }

  assert {
    condition     = length(azurerm_monitor_action_group.watch.webhook_receiver) == 0 && length(azurerm_monitor_action_group.watch.email_receiver) == 1
    error_message = "a dead app cannot answer its own webhook"
  }
  assert {
    condition     = alltrue([for a in azurerm_monitor_scheduled_query_rules_alert_v2.watch : length(a.action[0].action_groups) == 1])
    error_message = "each watch goes to the watchers, and to no group that calls the app"
  }
}

run "one_list_of_ignored_operations" {
  command = plan

  variables {
    ignored_operations     = ["Microsoft.Resources/deployments/write", "Microsoft.Web/sites/write"]
    event_delivery_enabled = true
    alert_webhook_key      = "dGhpcy1pcy1ub3QtYS1yZWFsLWtleQ=="
  }

  assert {
    condition     = contains([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}"], "RECONCILE_IGNORE=Microsoft.Resources/deployments/write,Microsoft.Web/sites/write") && tolist(module.home[0].ignored_operations) == tolist(var.ignored_operations)
    error_message = "what Event Grid drops and what reconciliation does not expect are the same"
  }
}

run "settings_follow_the_published_functions" {
  command = plan

  variables {
    functions = ["eventgrid-activity", "actiongroup-alert", "deliver", "digest", "eventhub-activity"]
    event_hub = {}
  }

  assert {
    condition     = length(setsubtract(["DIGEST_SCHEDULE", "EVENT_HUB_NAME", "DELIVER_SCHEDULE"], [for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : s.name])) == 0
    error_message = "a published function gets its settings"
  }
  assert {
    condition     = !contains([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : s.name], "ROLLUP_SCHEDULE")
    error_message = "a function that is not published gets none"
  }
}

run "every_subscription_that_may_be_read_is_reconciled" {
  command = plan

  variables {
    functions                = ["eventgrid-activity", "deliver", "eventhub-activity", "reconcile"]
    event_hub                = {}
    reconciled_subscriptions = ["AAAAAAAA-1bf0-4dda-aec3-cb9272f09590"]
  }

  assert {
    condition     = length(regexall("RECONCILE_SUBSCRIPTIONS=[0-9a-f-]{36},[0-9a-f-]{36};", join("", [for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value};" if s.name == "RECONCILE_SUBSCRIPTIONS"]))) == 1
    error_message = "the home subscription and the named one are compared"
  }
  assert {
    condition     = contains([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}" if s.name == "RECONCILE_FEEDS"], "RECONCILE_FEEDS=eventhub")
    error_message = "what is set up is what records are expected of"
  }
}

run "who_may_not_be_read_is_not_reconciled" {
  command = plan

  variables {
    functions   = ["eventgrid-activity", "deliver", "reconcile"]
    reader_role = "none"
  }

  assert {
    condition     = contains([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}"], "RECONCILE_SUBSCRIPTIONS=")
    error_message = "without the right to read, every run would fail"
  }
}

run "without_a_hub_its_function_is_switched_off" {
  command = plan

  variables {
    functions = ["eventgrid-activity", "deliver", "eventhub-activity"]
  }

  assert {
    condition     = contains([for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}"], "AzureWebJobs.eventhub-activity.Disabled=true")
    error_message = "a trigger without its connection makes the host complain at every start"
  }
}

run "mail_by_other_ways" {
  command = plan

  variables {
    secret_settings = ["SMTP_PASSWORD"]
    app_settings = {
      MAIL_PROVIDER = "smtp"
      MAIL_FROM     = "auditbell@example.com"
      MAIL_TO       = "soc@example.com"
      SMTP_ADDRESS  = "mail.example.com:587"
      SMTP_USER     = "auditbell"
    }
  }

  assert {
    condition     = length(azurerm_communication_service.main) == 0 && length(setsubtract(["MAIL_PROVIDER=smtp", "MAIL_TO=soc@example.com"], [for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}" if startswith(s.name, "MAIL_")])) == 0
    error_message = "a mail server of one's own needs nothing made, and whom it mails hears the bell"
  }
}

run "a_service_level_that_is_used_up_too_fast_is_mailed" {
  command = plan

  variables {
    event_delivery_enabled = true
    alert_webhook_key      = "dGhpcy1pcy1ub3QtYS1yZWFsLWtleQ=="
    delivery_objective     = { share = 0.999, seconds = 60 }
  }

  assert {
    condition     = strcontains(azurerm_monitor_scheduled_query_rules_alert_v2.watch["slo-delivery-fast-burn"].criteria[0].query, "> 60000") && strcontains(azurerm_monitor_scheduled_query_rules_alert_v2.watch["slo-delivery-fast-burn"].criteria[0].query, "0.0144 * Messages")
    error_message = "14.4 times a thousandth of the messages of an hour"
  }
  assert {
    condition     = strcontains(azurerm_monitor_scheduled_query_rules_alert_v2.watch["slo-delivery-slow-burn"].criteria[0].query, "0.0060 * Messages")
    error_message = "6 times a thousandth of the messages of six hours"
  }
}

run "traces_go_to_the_collector_that_is_named" {
  command = plan

  variables {
    secret_settings = ["SLACK_WEBHOOK_URL", "OTEL_EXPORTER_OTLP_HEADERS"]
    telemetry       = { endpoint = "https://collector.example:4318" }
  }

  assert {
    condition = length(setsubtract(
      ["OTEL_EXPORTER_OTLP_ENDPOINT=https://collector.example:4318", "OTEL_SERVICE_NAME=auditbell"],
      [for s in azapi_resource.function_app.body.properties.siteConfig.appSettings : "${s.name}=${s.value}" if contains(["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"], s.name)]
    )) == 0
    error_message = "the app sends to the collector"
  }
  assert {
    condition     = output.secret_commands["OTEL_EXPORTER_OTLP_HEADERS"] != null
    error_message = "the collector's key is in Key Vault"
  }
}
