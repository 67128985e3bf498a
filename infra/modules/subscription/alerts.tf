# Fifteen Activity Log alerts: five that the guidance for audit and compliance names, and the set that CIS Microsoft
# Azure Foundations v6.0.0 asks for in 6.1.2.1 to 6.1.2.11 (policyAssignments/write is in both).
#
# The five ring when the operation succeeded. The benchmark's text names the operation alone, so its rules have no status:
# they fire for the start and for the end of an operation, and the handler makes one message of both. Azure allows 100
# rules a subscription.

locals {
  alerts = {
    role-assignment-alert = {
      operation   = "Microsoft.Authorization/roleAssignments/write"
      status      = "Succeeded"
      description = "A role was assigned."
    }
    policy-assignment-alert = {
      operation   = "Microsoft.Authorization/policyAssignments/write"
      status      = "Succeeded"
      description = "A policy assignment was created or changed (CIS 6.1.2.1)."
    }
    keyvault-secret-delete = {
      operation   = "Microsoft.KeyVault/vaults/secrets/delete"
      status      = "Succeeded"
      description = "A secret was deleted through Azure Resource Manager. Deletions through the vault itself are not in the Activity Log."
    }
    nsg-rule-write = {
      operation   = "Microsoft.Network/networkSecurityGroups/securityRules/write"
      status      = "Succeeded"
      description = "A network security rule was created or changed."
    }
    diagnostic-setting-delete = {
      operation   = "Microsoft.Insights/diagnosticSettings/delete"
      status      = "Succeeded"
      description = "A diagnostic setting was deleted."
    }
    policy-assignment-delete = {
      operation   = "Microsoft.Authorization/policyAssignments/delete"
      status      = null
      description = "A policy assignment was deleted (CIS 6.1.2.2)."
    }
    nsg-write = {
      operation   = "Microsoft.Network/networkSecurityGroups/write"
      status      = null
      description = "A network security group was created or changed (CIS 6.1.2.3)."
    }
    nsg-delete = {
      operation   = "Microsoft.Network/networkSecurityGroups/delete"
      status      = null
      description = "A network security group was deleted (CIS 6.1.2.4)."
    }
    security-solution-write = {
      operation   = "Microsoft.Security/securitySolutions/write"
      status      = null
      description = "A security solution was created or changed (CIS 6.1.2.5)."
    }
    security-solution-delete = {
      operation   = "Microsoft.Security/securitySolutions/delete"
      status      = null
      description = "A security solution was deleted (CIS 6.1.2.6)."
    }
    sql-firewall-rule-write = {
      operation   = "Microsoft.Sql/servers/firewallRules/write"
      status      = null
      description = "A firewall rule of a SQL server was created or changed (CIS 6.1.2.7)."
    }
    sql-firewall-rule-delete = {
      operation   = "Microsoft.Sql/servers/firewallRules/delete"
      status      = null
      description = "A firewall rule of a SQL server was deleted (CIS 6.1.2.8)."
    }
    public-ip-write = {
      operation   = "Microsoft.Network/publicIPAddresses/write"
      status      = null
      description = "A public IP address was created or changed (CIS 6.1.2.9)."
    }
    public-ip-delete = {
      operation   = "Microsoft.Network/publicIPAddresses/delete"
      status      = null
      description = "A public IP address was deleted (CIS 6.1.2.10)."
    }
  }
}

resource "azurerm_monitor_activity_log_alert" "operation" {
  for_each = local.alerts

  name                = each.key
  resource_group_name = var.resource_group_name
  location            = "global"
  scopes              = [local.scope]
  description         = each.value.description
  tags                = var.core.tags

  criteria {
    category       = "Administrative"
    operation_name = each.value.operation
    status         = each.value.status
  }
  action {
    action_group_id = var.core.action_group_id
  }
}

resource "azurerm_monitor_activity_log_alert" "service_health" {
  name                = "service-health"
  resource_group_name = var.resource_group_name
  location            = "global"
  scopes              = [local.scope]
  description         = "Azure has an incident, plans maintenance, or gives advice that concerns this subscription (CIS 6.1.2.11)."
  tags                = var.core.tags

  criteria {
    category = "ServiceHealth"
  }
  action {
    action_group_id = var.core.action_group_id
  }
}

# Optional, beyond the fifteen: whole categories, for subscriptions without an Event Hub.
resource "azurerm_monitor_activity_log_alert" "category" {
  for_each = var.category_alerts

  name                = "category-${lower(each.key)}"
  resource_group_name = var.resource_group_name
  location            = "global"
  scopes              = [local.scope]
  description         = "Every event of the category ${each.key}; the app's rules decide what of it rings."
  tags                = var.core.tags

  criteria {
    category = each.key
  }
  action {
    action_group_id = var.core.action_group_id
  }
}

# An event in the dead-letter container is an event that Auditbell did not handle. The app is what did not answer, so it is
# not called: the mail goes past it.
resource "azurerm_monitor_metric_alert" "dead_letters" {
  count = var.core.event_delivery_enabled ? 1 : 0

  name                = "event-dead-lettered-${local.name}"
  resource_group_name = var.resource_group_name
  scopes              = [local.topic_id]
  description         = "Event Grid gave up on an event and put it into the dead-letter container; handler replay handles it late. See docs/operations.md."
  severity            = 1
  frequency           = "PT5M"
  window_size         = "PT15M"
  tags                = var.core.tags

  criteria {
    metric_namespace = "Microsoft.EventGrid/systemTopics"
    metric_name      = "DeadLetteredCount"
    aggregation      = "Total"
    operator         = "GreaterThan"
    threshold        = 0

    # A topic that was there already may have subscriptions of others.
    dimension {
      name     = "EventSubscriptionName"
      operator = "Include"
      values   = [azurerm_eventgrid_system_topic_event_subscription.main["activity"].name]
    }
  }

  dynamic "action" {
    for_each = var.core.watch_action_group_ids
    content {
      action_group_id = action.value
    }
  }
}
