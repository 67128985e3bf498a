# Who reads, writes and deletes evidence. The Activity Log does not say: these are calls to the accounts, not to Azure
# Resource Manager. The rows go to the workspace; deletion attempts are alerts, refused ones included.

locals {
  evidence_blobs = var.evidence_access_logs.storage ? local.evidence_accounts : {}
  evidence_names = join("\", \"", [for id in values(local.evidence_accounts) : basename(id)])
}

resource "azurerm_monitor_diagnostic_setting" "blobs" {
  for_each = local.evidence_blobs

  name                       = "access"
  target_resource_id         = "${each.value}/blobServices/default"
  log_analytics_workspace_id = local.workspace.id

  dynamic "enabled_log" {
    for_each = ["StorageRead", "StorageWrite", "StorageDelete"]
    content {
      category = enabled_log.value
    }
  }
}

resource "azurerm_monitor_diagnostic_setting" "cosmos" {
  count = var.evidence_access_logs.cosmos ? 1 : 0

  name                           = "access"
  target_resource_id             = azurerm_cosmosdb_account.main.id
  log_analytics_workspace_id     = local.workspace.id
  log_analytics_destination_type = "Dedicated" # the tables CDBDataPlaneRequests and CDBControlPlaneRequests

  dynamic "enabled_log" {
    for_each = ["DataPlaneRequests", "ControlPlaneRequests"]
    content {
      category = enabled_log.value
    }
  }
}

locals {
  # The lifecycle rule of the audit account deletes what is older than its retention; the service does that as itself and
  # names no requester's address (CallerIpAddress is empty), so it does not match.
  deletions = merge(
    var.evidence_access_logs.storage ? {
      evidence-blob-delete = {
        description = "An identity deleted, or tried to delete, a blob or a container of the audit or archive account. The dead letters that were replayed are deleted by the operator who replayed them and are in this too."
        query       = <<-KQL
          StorageBlobLogs
          | where AccountName in~ ("${local.evidence_names}")
          | where OperationName in~ ("DeleteBlob", "DeleteContainer", "BatchDelete", "DeleteFile", "DeleteDirectory", "DeleteBlobImmutabilityPolicy", "DeleteContainerImmutabilityPolicy")
          | where isnotempty(CallerIpAddress)
        KQL
      }
    } : {},
    var.evidence_access_logs.cosmos ? {
      evidence-item-delete = {
        description = "An identity deleted, or tried to delete, an item or a container of the store. Auditbell's own identity may delete notes in the container rollups and nothing else; these are left out."
        query       = <<-KQL
          CDBDataPlaneRequests
          | where AccountName =~ "${azurerm_cosmosdb_account.main.name}"
          | where OperationName has "Delete"
          | where not(AadPrincipalId =~ "${local.app_principal_id}" and CollectionName =~ "rollups")
        KQL
      }
    } : {},
  )
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "deletions" {
  for_each = local.deletions

  name                  = each.key
  resource_group_name   = local.group.name
  location              = local.group.location
  description           = each.value.description
  scopes                = [local.workspace.id]
  severity              = 1
  evaluation_frequency  = "PT15M"
  window_duration       = "PT15M"
  skip_query_validation = true # the table comes into being with its first row
  tags                  = local.tags

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0
  }

  # To the app, which makes a message of it, and to those outside: who deletes evidence may have stopped the app first.
  action {
    action_groups = concat([azurerm_monitor_action_group.main.id], local.watchers)
  }
}
