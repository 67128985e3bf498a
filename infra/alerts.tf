# The action group that every Activity Log alert calls: the function `actiongroup-alert`, and mail as a second way. What
# says that the app itself does not work is in watch.tf and never calls the app.

# The function key, once the app is published. The answer is in the state, as it would be through the address anyway;
# only this one key is kept of it, not the master key.
data "azapi_resource_action" "keys" {
  count = local.webhook_enabled && var.alert_webhook_key == null ? 1 : 0

  type                   = "Microsoft.Web/sites@2023-12-01"
  resource_id            = azapi_resource.function_app.id
  action                 = "host/default/listkeys"
  method                 = "POST"
  response_export_values = ["functionKeys.default"]
}

locals {
  webhook_enabled = local.delivering && local.reachable && contains(local.functions, "actiongroup-alert")

  # azapi 1 gives a data source's answer as JSON text, azapi 2 as an object.
  read_key = try(
    data.azapi_resource_action.keys[0].output.functionKeys.default,
    jsondecode(data.azapi_resource_action.keys[0].output).functionKeys.default,
    null,
  )
  webhook_key   = var.alert_webhook_key != null ? var.alert_webhook_key : local.read_key
  webhook_query = local.webhook_key == null ? "" : "?code=${local.webhook_key}"
}

resource "azurerm_monitor_action_group" "main" {
  name                = "ag-${var.name}"
  resource_group_name = local.group.name
  location            = "global" # service health alerts accept no other
  short_name          = var.name
  tags                = local.tags

  dynamic "webhook_receiver" {
    for_each = local.webhook_enabled ? ["actiongroup-alert"] : []
    content {
      name                    = webhook_receiver.value
      service_uri             = "https://${local.app_host_name}/api/actiongroup-alert${local.webhook_query}"
      use_common_alert_schema = true

      dynamic "aad_auth" {
        for_each = var.secure_webhook == null ? [] : [var.secure_webhook]
        content {
          object_id      = aad_auth.value.object_id
          identifier_uri = aad_auth.value.identifier_uri
          tenant_id      = local.tenant_id
        }
      }
    }
  }

  dynamic "email_receiver" {
    for_each = var.alert_emails
    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

# A warning and no error: the alerts are in place either way, and the next apply repairs it.
check "the_webhook_has_its_key" {
  assert {
    condition     = !local.webhook_enabled || local.webhook_key != null
    error_message = "The app gave no function key, so action groups will get 401. Publish the functions (output next_command), wait a minute, and apply again."
  }
}

# The seed rule keyvault-secret-delete watches Azure's management plane. A secret that is deleted through the vault shows
# only in the vault's own audit log.
resource "azurerm_monitor_scheduled_query_rules_alert_v2" "secret_delete" {
  count = var.secret_delete_query_alert_enabled ? 1 : 0

  name                  = "keyvault-secret-delete-data-plane"
  resource_group_name   = local.group.name
  location              = local.group.location
  description           = "A secret was deleted or purged through a key vault whose audit log is in this workspace."
  scopes                = [local.workspace.id]
  severity              = 1
  evaluation_frequency  = "PT5M"
  window_duration       = "PT5M"
  skip_query_validation = true # the table comes into being with its first row
  tags                  = local.tags

  criteria {
    query                   = <<-KQL
      AZKVAuditLogs
      | where OperationName in~ ("SecretDelete", "SecretPurge")
      | where ResultType =~ "Success"
    KQL
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0
  }

  action {
    action_groups = [azurerm_monitor_action_group.main.id]
  }
}
