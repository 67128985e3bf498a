# Ids as Azure writes them: the provider checks their form, so that wiring mistakes show in a plan without Azure.
mock_provider "azurerm" {
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
  subscription_id     = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
  resource_group_name = "rg-auditbell"
  core = {
    name                   = "auditbell"
    suffix                 = "1a2b3c"
    functions              = ["eventgrid-activity", "actiongroup-alert", "deliver"]
    function_app_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c"
    app_principal_id       = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b"
    event_delivery_enabled = true
    delivery               = "function"
    workspace_id           = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/workspaces/log-auditbell-1a2b3c"
    audit_storage_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellaudit1a2b3c"
    audit_copies           = { second = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellaud21a2b3c" }
    dead_letters = {
      storage_account_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellarch1a2b3c"
      container_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellarch1a2b3c/blobServices/default/containers/dead-letters"
      container_name     = "dead-letters"
    }
    action_group_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell"
    watch_action_group_ids = ["/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell-watch"]
    ignored_operations     = ["Microsoft.Resources/deployments/write"]
    tags                   = {}
  }
}

run "all_eight_categories_to_log_analytics_and_storage" {
  command = plan

  assert {
    condition     = toset([for l in azurerm_monitor_diagnostic_setting.activity_log.enabled_log : l.category]) == toset(["Administrative", "Security", "ServiceHealth", "Alert", "Recommendation", "Policy", "Autoscale", "ResourceHealth"])
    error_message = "the export has exactly the eight categories of the Activity Log"
  }
  assert {
    condition     = azurerm_monitor_diagnostic_setting.activity_log.storage_account_id == var.core.audit_storage_id && azurerm_monitor_diagnostic_setting.activity_log.log_analytics_workspace_id == var.core.workspace_id
    error_message = "to where it is searched and to where it is kept"
  }
}

run "a_copy_has_all_eight_categories_too" {
  command = plan

  assert {
    condition     = azurerm_monitor_diagnostic_setting.copies["second"].storage_account_id == var.core.audit_copies.second && length(azurerm_monitor_diagnostic_setting.copies["second"].enabled_log) == 8
    error_message = "the account in the second region gets what the first one gets"
  }
  assert {
    condition     = azurerm_monitor_diagnostic_setting.copies["second"].name != azurerm_monitor_diagnostic_setting.activity_log.name
    error_message = "a second setting, not another form of the first one"
  }
}

run "events_reach_the_function_and_never_vanish" {
  command = plan

  assert {
    condition     = azurerm_eventgrid_system_topic_event_subscription.main["activity"].azure_function_endpoint[0].function_id == "${var.core.function_app_id}/functions/eventgrid-activity"
    error_message = "the destination is the function eventgrid-activity, in this very spelling"
  }
  assert {
    condition     = azurerm_eventgrid_system_topic_event_subscription.main["activity"].event_delivery_schema == "CloudEventSchemaV1_0" && length(azurerm_eventgrid_system_topic_event_subscription.main["activity"].included_event_types) == 9
    error_message = "CloudEvents, of the nine types"
  }
  assert {
    condition     = azurerm_eventgrid_system_topic_event_subscription.main["activity"].storage_blob_dead_letter_destination[0].storage_blob_container_name == "dead-letters" && azurerm_eventgrid_system_topic_event_subscription.main["activity"].dead_letter_identity[0].type == "SystemAssigned"
    error_message = "what cannot be delivered is kept, by the topic's identity"
  }
}

run "an_existing_topic_is_used" {
  command = plan

  variables {
    existing_system_topic = { name = "subscription-topic", resource_group_name = "Default-EventGrid", principal_id = "a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d" }
  }

  assert {
    condition     = length(azurerm_eventgrid_system_topic.main) == 0 && azurerm_eventgrid_system_topic_event_subscription.main["activity"].system_topic == "subscription-topic" && azurerm_eventgrid_system_topic_event_subscription.main["activity"].resource_group_name == "Default-EventGrid"
    error_message = "Event Grid allows one system topic a subscription, so an existing one is joined"
  }
  assert {
    condition     = azurerm_role_assignment.dead_letters.principal_id == "a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d"
    error_message = "its identity writes the dead letters"
  }
}

run "notifications_have_topics_of_their_own" {
  command = plan

  variables {
    resource_notifications = ["Resources", "HealthResources"]
  }

  assert {
    condition     = azurerm_eventgrid_system_topic.notifications["Resources"].topic_type == "Microsoft.ResourceNotifications.Resources" && azurerm_eventgrid_system_topic.notifications["HealthResources"].topic_type == "Microsoft.ResourceNotifications.HealthResources"
    error_message = "one system topic for each kind, beside that of the subscription"
  }
  assert {
    condition     = alltrue([for kind in var.resource_notifications : alltrue([for s in [azurerm_eventgrid_system_topic_event_subscription.main[kind]] : s.azure_function_endpoint[0].function_id == "${var.core.function_app_id}/functions/eventgrid-activity" && length(s.included_event_types) == 2 && length(s.advanced_filter) == 0 && s.retry_policy[0].event_time_to_live == 60])])
    error_message = "the same function takes both event types of each"
  }
  assert {
    condition     = length(azurerm_eventgrid_system_topic_event_subscription.main["activity"].included_event_types) == 9 && azurerm_eventgrid_system_topic_event_subscription.main["activity"].retry_policy[0].event_time_to_live == 1440
    error_message = "the records' subscription is as it was"
  }
}

run "no_notifications_unless_asked_for" {
  command = plan

  assert {
    condition     = length(azurerm_eventgrid_system_topic.notifications) == 0 && keys(azurerm_eventgrid_system_topic_event_subscription.main) == ["activity"]
    error_message = "off by default"
  }
}

run "fifteen_alerts_with_the_exact_names" {
  command = plan

  assert {
    condition     = length(output.alert_names) == 15 && azurerm_monitor_activity_log_alert.operation["role-assignment-alert"].criteria[0].operation_name == "Microsoft.Authorization/roleAssignments/write"
    error_message = "scanners compare operation names exactly"
  }
  assert {
    condition     = alltrue([for n in ["role-assignment-alert", "policy-assignment-alert", "keyvault-secret-delete", "nsg-rule-write", "diagnostic-setting-delete"] : azurerm_monitor_activity_log_alert.operation[n].criteria[0].status == "Succeeded"])
    error_message = "the guidance's five ring for what succeeded"
  }
  assert {
    condition     = alltrue([for a in azurerm_monitor_activity_log_alert.operation : a.action[0].action_group_id == var.core.action_group_id])
    error_message = "every alert calls the action group"
  }
}

run "whole_categories_come_on_top" {
  command = plan

  variables {
    category_alerts = ["Security", "ResourceHealth"]
  }

  assert {
    condition     = length(azurerm_monitor_activity_log_alert.category) == 2 && length(output.alert_names) == 15
    error_message = "category alerts are beside the fifteen"
  }
}

run "the_reader_reads_the_log_and_what_is_judged_and_nothing_else" {
  command = plan

  assert {
    condition     = contains(azurerm_role_definition.reader[0].permissions[0].actions, "Microsoft.Insights/eventtypes/values/read")
    error_message = "the log is read; go test ./infra/check holds the types to what the handler asks for"
  }
  assert {
    condition     = alltrue([for a in azurerm_role_definition.reader[0].permissions[0].actions : endswith(a, "/read") && !strcontains(a, "*")])
    error_message = "reading, of named things only"
  }
}

run "no_right_without_a_use" {
  command = plan

  variables {
    reader_role = "none"
  }

  assert {
    condition     = length(azurerm_role_assignment.reader) == 0 && length(azurerm_role_definition.reader) == 0
    error_message = "with reader_role = none nothing may be read"
  }
}

run "category_alerts" {
  command = plan

  variables {
    category_alerts = ["Alert"]
  }

  expect_failures = [var.category_alerts]
}

run "subscription_id" {
  command = plan

  variables {
    subscription_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590"
  }

  expect_failures = [var.subscription_id]
}

run "max_events_per_batch" {
  command = plan

  variables {
    max_events_per_batch = 0
  }

  expect_failures = [var.max_events_per_batch]
}

run "preferred_batch_kilobytes" {
  command = plan

  variables {
    preferred_batch_kilobytes = 1025
  }

  expect_failures = [var.preferred_batch_kilobytes]
}

run "reader_role" {
  command = plan

  variables {
    reader_role = "contributor"
  }

  expect_failures = [var.reader_role]
}

run "dead_letters_go_past_the_app_on_a_topic_of_others_too" {
  command = plan

  variables {
    existing_system_topic = {
      name                = "evgt-existing"
      resource_group_name = "Default-EventGrid"
      principal_id        = "e4a1d2c3-5b6f-4708-91a2-b3c4d5e6f708"
    }
  }

  assert {
    condition     = one(azurerm_monitor_metric_alert.dead_letters[0].scopes) == "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/Default-EventGrid/providers/Microsoft.EventGrid/systemTopics/evgt-existing"
    error_message = "a topic that was there already is watched as well"
  }
  assert {
    condition     = join(",", [for a in azurerm_monitor_metric_alert.dead_letters[0].action : a.action_group_id]) == join(",", var.core.watch_action_group_ids)
    error_message = "the app did not answer, so the alert must not call it"
  }
}

run "notifications_are_named_as_azure_does" {
  command = plan

  variables {
    resource_notifications = ["resources"]
  }

  expect_failures = [var.resource_notifications]
}
