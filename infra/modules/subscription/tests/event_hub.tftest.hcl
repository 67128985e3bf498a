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
    functions              = ["eventhub-activity", "deliver"]
    function_app_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c"
    app_principal_id       = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b"
    event_delivery_enabled = true
    delivery               = "event_hub"
    workspace_id           = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/workspaces/log-auditbell-1a2b3c"
    audit_storage_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellaudit1a2b3c"
    dead_letters = {
      storage_account_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellarch1a2b3c"
      container_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellarch1a2b3c/blobServices/default/containers/dead-letters"
      container_name     = "dead-letters"
    }
    action_group_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell"
    watch_action_group_ids = ["/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell-watch"]
    ignored_operations     = ["Microsoft.Resources/deployments/write"]
    event_hub = {
      id                    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/eventhubs/insights-activity-logs"
      name                  = "insights-activity-logs"
      authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/authorizationRules/diagnostic-settings"
    }
    tags = {}
  }
}

run "the_hub_is_the_one_destination" {
  command = plan

  assert {
    condition     = length(azurerm_eventgrid_system_topic_event_subscription.main["activity"].azure_function_endpoint) == 0 && azurerm_eventgrid_system_topic_event_subscription.main["activity"].eventhub_id == var.core.event_hub.id
    error_message = "Event Grid sends to the hub and calls nobody"
  }
  assert {
    condition     = length(azurerm_role_assignment.event_hub_sender) == 1
    error_message = "the topic may send to it"
  }
  assert {
    condition     = azurerm_monitor_diagnostic_setting.activity_log.eventhub_name == "insights-activity-logs"
    error_message = "the export goes to the hub too"
  }
}

run "notifications_go_to_the_hub_too" {
  command = plan

  variables {
    resource_notifications = ["Resources"]
  }

  assert {
    condition     = azurerm_eventgrid_system_topic_event_subscription.main["Resources"].eventhub_id == var.core.event_hub.id && length(azurerm_role_assignment.notifications_sender) == 1
    error_message = "their topic may send to the hub, and calls no function"
  }
}

run "the_function_that_pulls_is_needed" {
  command = plan

  variables {
    core = {
      name                   = "auditbell"
      suffix                 = "1a2b3c"
      functions              = ["eventgrid-activity", "actiongroup-alert", "deliver"]
      function_app_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c"
      app_principal_id       = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b"
      event_delivery_enabled = true
      delivery               = "event_hub"
      workspace_id           = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/workspaces/log-auditbell-1a2b3c"
      audit_storage_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellaudit1a2b3c"
      dead_letters = {
        storage_account_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellarch1a2b3c"
        container_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellarch1a2b3c/blobServices/default/containers/dead-letters"
        container_name     = "dead-letters"
      }
      action_group_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell"
      watch_action_group_ids = ["/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell-watch"]
      ignored_operations     = ["Microsoft.Resources/deployments/write"]
      event_hub = {
        id                    = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/eventhubs/insights-activity-logs"
        name                  = "insights-activity-logs"
        authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/authorizationRules/diagnostic-settings"
      }
      tags = {}
    }
  }

  expect_failures = [azurerm_eventgrid_system_topic_event_subscription.main]
}
