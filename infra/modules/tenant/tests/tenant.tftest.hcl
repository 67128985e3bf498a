# Ids as Azure writes them: the provider checks their form, so that wiring mistakes show in a plan without Azure.
mock_provider "azapi" {}
mock_provider "azurerm" {
  mock_resource "azurerm_role_definition" {
    defaults = {
      role_definition_resource_id = "/providers/Microsoft.Authorization/roleDefinitions/7c1b8a52-3d94-4e0f-8b6a-5e2f9d0c1a37"
    }
  }
  mock_resource "azurerm_policy_definition" {
    defaults = {
      id = "/providers/Microsoft.Management/managementGroups/landing/providers/Microsoft.Authorization/policyDefinitions/auditbell-activity-log-1a2b3c"
    }
  }
  mock_resource "azurerm_management_group_policy_assignment" {
    defaults = {
      id       = "/providers/Microsoft.Management/managementGroups/landing/providers/Microsoft.Authorization/policyAssignments/auditbell-1a2b3c"
      identity = { principal_id = "e4a1d2c3-5b6f-4708-91a2-b3c4d5e6f708", tenant_id = "9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19" }
    }
  }
}

variables {
  management_groups = ["contoso", "landing"]
  core = {
    name                   = "auditbell"
    suffix                 = "1a2b3c"
    functions              = ["eventgrid-activity", "eventhub-activity"]
    function_app_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c"
    event_delivery_enabled = true
    delivery               = "function"
    ignored_operations     = ["Microsoft.Resources/deployments/write"]
    app_principal_id       = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b"
    workspace_id           = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/workspaces/log-auditbell-1a2b3c"
    audit_storage_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellaudit1a2b3c"
    action_group_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell"
    event_hub = {
      name                  = "insights-activity-logs"
      authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/authorizationRules/diagnostic-settings"
    }
  }
}

run "one_block_watches_the_tenant_and_the_groups" {
  command = plan

  assert {
    condition     = output.scopes == ["tenant", "managementGroups/contoso", "managementGroups/landing"]
    error_message = "the app polls the tenant and both groups"
  }
  assert {
    condition     = azurerm_role_assignment.tenant_reader[0].scope == "/providers/Microsoft.Insights" && length(azurerm_role_assignment.group_reader) == 2
    error_message = "it may read all three logs"
  }
  assert {
    condition = alltrue([for name, d in azurerm_monitor_diagnostic_setting.group :
      toset([for log in d.enabled_log : log.category]) == toset(["Administrative", "Policy"]) && d.eventhub_name == "insights-activity-logs" && d.storage_account_id == var.core.audit_storage_id
    ]) && length(azurerm_monitor_diagnostic_setting.group) == 2
    error_message = "both groups export both categories to the hub and to the evidence account"
  }
  assert {
    condition     = alltrue([for name, r in azurerm_role_definition.group_reader : alltrue([for a in r.permissions[0].actions : endswith(a, "/read") && !startswith(a, "*")])])
    error_message = "the custom role reads, and not everything"
  }
  assert {
    condition     = length(azapi_resource.elevate_access) == 0 && length(azurerm_policy_definition.activity_log) == 0
    error_message = "neither the preview nor a policy is there unless it is asked for"
  }
}

run "without_a_hub_and_without_elevated_access" {
  command = plan
  variables {
    read_tenant = false
    core = {
      name                   = "auditbell"
      suffix                 = "1a2b3c"
      functions              = ["eventgrid-activity", "eventhub-activity"]
      function_app_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c"
      event_delivery_enabled = true
      delivery               = "function"
      ignored_operations     = ["Microsoft.Resources/deployments/write"]
      app_principal_id       = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b"
      workspace_id           = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/workspaces/log-auditbell-1a2b3c"
      audit_storage_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellaudit1a2b3c"
      action_group_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell"
    }
  }

  assert {
    condition     = length(azurerm_role_assignment.tenant_reader) == 0 && output.scopes == ["managementGroups/contoso", "managementGroups/landing"]
    error_message = "a scope that may not be read is not polled"
  }
  assert {
    condition     = alltrue([for name, d in azurerm_monitor_diagnostic_setting.group : d.eventhub_name == null && d.log_analytics_workspace_id == var.core.workspace_id])
    error_message = "the groups are exported to workspace and evidence account"
  }
}

run "the_preview_alert" {
  command = plan
  variables {
    tenant_alerts = { tenant_id = "9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19" }
  }

  assert {
    condition     = azapi_resource.elevate_access[0].body.properties.condition.allOf[1].equals == "Microsoft.Authorization/elevateAccess/action" && azapi_resource.elevate_access[0].parent_id == "/providers/Microsoft.Management/managementGroups/9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19"
    error_message = "the rule is about elevateAccess, at the root group"
  }
  assert {
    condition     = azapi_resource.elevate_access[0].body.properties.actions.actionGroups[0].actionGroupId == var.core.action_group_id
    error_message = "it calls the app's action group"
  }
}

run "onboarding_by_policy" {
  command = apply
  variables {
    onboard_by_policy = { management_groups = ["landing"], location = "westeurope" }
  }

  assert {
    condition     = length(jsondecode(azurerm_policy_definition.activity_log["landing"].policy_rule).then.details.deployment.properties.template.resources[0].properties.logs) == 8
    error_message = "the setting has all eight categories"
  }
  assert {
    condition     = azurerm_role_assignment.exporter["landing"].scope == "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell" && azurerm_role_assignment.policy["landing"].scope == "/providers/Microsoft.Management/managementGroups/landing"
    error_message = "the policy may make settings below the group that lead here"
  }
  assert {
    condition     = strcontains(output.remediation_commands[0], "--management-group landing")
    error_message = "subscriptions that are there already need a remediation"
  }
}

run "events_by_policy" {
  command = apply
  variables {
    onboard_by_policy = { management_groups = ["landing"], location = "westeurope" }
  }

  assert {
    condition = alltrue([for r in [jsondecode(azurerm_policy_definition.events["landing"].policy_rule).then.details.deployment.properties.template.resources[0]] :
      length(r.properties.filter.includedEventTypes) == 9 && contains(r.properties.filter.includedEventTypes, "Microsoft.Resources.ResourceActionCancel") &&
      r.properties.filter.advancedFilters[0].values == ["Microsoft.Resources/deployments/write"] && r.properties.eventDeliverySchema == "CloudEventSchemaV1_0" &&
      r.properties.destination.properties.resourceId == "${var.core.function_app_id}/functions/eventgrid-activity" && r.properties.retryPolicy.eventTimeToLiveInMinutes == 1440
    ])
    error_message = "every write, delete and action that is not ignored goes to the function, and is tried again for a day"
  }
  assert {
    condition     = jsondecode(azurerm_policy_definition.events["landing"].policy_rule).then.details.existenceScope == "subscription" && jsondecode(azurerm_policy_definition.events["landing"].policy_rule).then.details.name == "auditbell"
    error_message = "it is made once in each subscription"
  }
  assert {
    condition     = azurerm_role_assignment.events["landing"].scope == "/providers/Microsoft.Management/managementGroups/landing" && azurerm_role_assignment.subscriber["landing"].scope == var.core.function_app_id
    error_message = "the policy may subscribe below the group, and have this app called"
  }
  assert {
    condition     = alltrue([for a in azurerm_role_definition.subscriber[0].permissions[0].actions : startswith(a, "Microsoft.Web/sites/functions/")])
    error_message = "of the app it may write functions, and neither settings nor code"
  }
  assert {
    condition     = length(output.remediation_commands) == 2 && azurerm_management_group_policy_assignment.events["landing"].policy_definition_id == azurerm_policy_definition.events["landing"].id
    error_message = "subscriptions that are there already need a remediation of each policy"
  }
}

run "no_events_to_a_function_that_is_not_there" {
  command = plan
  variables {
    onboard_by_policy = { management_groups = ["landing"], location = "westeurope" }
    core = {
      name                   = "auditbell"
      suffix                 = "1a2b3c"
      functions              = ["eventgrid-activity", "eventhub-activity"]
      function_app_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c"
      event_delivery_enabled = false
      delivery               = "function"
      ignored_operations     = ["Microsoft.Resources/deployments/write"]
      app_principal_id       = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b"
      workspace_id           = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/workspaces/log-auditbell-1a2b3c"
      audit_storage_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellaudit1a2b3c"
      action_group_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell"
      event_hub = {
        name                  = "insights-activity-logs"
        authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/authorizationRules/diagnostic-settings"
      }
    }
  }

  assert {
    condition     = length(azurerm_policy_definition.events) + length(azurerm_role_assignment.subscriber) + length(azurerm_role_definition.subscriber) == 0 && length(azurerm_policy_definition.activity_log) == 1
    error_message = "the export is made, the event subscription is not: Event Grid would find no function"
  }
}

run "no_events_to_a_hub_without_a_topic" {
  command = plan
  variables {
    onboard_by_policy = { management_groups = ["landing"], location = "westeurope" }
    core = {
      name                   = "auditbell"
      suffix                 = "1a2b3c"
      functions              = ["eventgrid-activity", "eventhub-activity"]
      function_app_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Web/sites/func-auditbell-1a2b3c"
      event_delivery_enabled = true
      delivery               = "event_hub"
      ignored_operations     = ["Microsoft.Resources/deployments/write"]
      app_principal_id       = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b"
      workspace_id           = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.OperationalInsights/workspaces/log-auditbell-1a2b3c"
      audit_storage_id       = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Storage/storageAccounts/stauditbellaudit1a2b3c"
      action_group_id        = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.Insights/actionGroups/ag-auditbell"
      event_hub = {
        name                  = "insights-activity-logs"
        authorization_rule_id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-auditbell/providers/Microsoft.EventHub/namespaces/evhns-auditbell-1a2b3c/authorizationRules/diagnostic-settings"
      }
    }
  }

  assert {
    condition     = length(azurerm_policy_definition.events) == 0 && length(azurerm_policy_definition.activity_log) == 1
    error_message = "Event Grid has no identity to send to the hub with"
  }
}

run "a_path_is_no_name" {
  command = plan
  variables {
    management_groups = ["/providers/Microsoft.Management/managementGroups/contoso"]
  }
  expect_failures = [var.management_groups]
}

run "a_tenant_is_a_uuid" {
  command = plan
  variables {
    tenant_alerts = { tenant_id = "contoso.onmicrosoft.com" }
  }
  expect_failures = [var.tenant_alerts]
}

run "a_policy_needs_a_group" {
  command = plan
  variables {
    onboard_by_policy = { management_groups = [], location = "westeurope" }
  }
  expect_failures = [var.onboard_by_policy]
}
