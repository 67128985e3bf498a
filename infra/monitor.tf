# Where the Activity Log can be searched, where the app's own telemetry goes, and what helps to read both.

resource "azurerm_log_analytics_workspace" "main" {
  count = var.existing_workspace == null ? 1 : 0

  name                           = "log-${var.name}-${local.suffix}"
  resource_group_name            = local.group.name
  location                       = local.group.location
  sku                            = "PerGB2018"
  retention_in_days              = var.log_retention_days
  local_authentication_enabled   = false
  internet_ingestion_access_type = "Enabled" # Azure Monitor writes here, by identity
  internet_query_access_type     = "Enabled" # people read as themselves
  tags                           = local.tags
}

moved {
  from = azurerm_log_analytics_workspace.main
  to   = azurerm_log_analytics_workspace.main[0]
}

locals {
  workspace = var.existing_workspace != null ? var.existing_workspace : {
    id          = azurerm_log_analytics_workspace.main[0].id
    customer_id = azurerm_log_analytics_workspace.main[0].workspace_id
  }
}

resource "azurerm_application_insights" "main" {
  name                         = "appi-${var.name}-${local.suffix}"
  resource_group_name          = local.group.name
  location                     = local.group.location
  application_type             = "other"
  workspace_id                 = local.workspace.id
  local_authentication_enabled = false # the connection string names the place; only the identity may write to it
  internet_ingestion_enabled   = true  # without a private link scope of the operator's the app has no other way
  internet_query_enabled       = true  # people read as themselves
  sampling_percentage          = 100   # Azure's sampling would drop lines that the alerts below count; host.json samples the rest
  tags                         = local.tags
}

# Each file of queries/ starts with a comment: its title, and what it is for.
locals {
  queries = {
    for f in fileset("${path.module}/queries", "*.kql") : trimsuffix(f, ".kql") => {
      body        = file("${path.module}/queries/${f}")
      title       = trimprefix(split("\n", file("${path.module}/queries/${f}"))[0], "// ")
      description = trimprefix(split("\n", file("${path.module}/queries/${f}"))[1], "// ")
    }
  }
}

resource "azurerm_log_analytics_query_pack" "main" {
  name                = "pack-${var.name}-${local.suffix}"
  resource_group_name = local.group.name
  location            = local.group.location
  tags                = local.tags
}

resource "azurerm_log_analytics_query_pack_query" "main" {
  for_each = local.queries

  name          = uuidv5("url", "https://github.com/auditbell/auditbell/queries/${local.suffix}/${each.key}") # Azure wants a UUID
  query_pack_id = azurerm_log_analytics_query_pack.main.id
  display_name  = each.value.title
  description   = each.value.description
  body          = each.value.body
  categories    = ["audit"]
  tags          = local.tags
}

resource "azurerm_application_insights_workbook" "main" {
  name                = uuidv5("url", "https://github.com/auditbell/auditbell/workbook/${local.suffix}")
  resource_group_name = local.group.name
  location            = local.group.location
  display_name        = "Auditbell: Activity Log (${var.name})"
  source_id           = lower(local.workspace.id) # the workbook service compares it as lower case
  category            = "workbook"
  tags                = local.tags

  # The same texts as in the query pack, so that the two never differ.
  data_json = jsonencode({
    version             = "Notebook/1.0"
    fallbackResourceIds = [local.workspace.id]
    items = concat(
      [{
        type    = 1
        name    = "title"
        content = { json = "# Activity Log\nEach table is a query of the pack `pack-${var.name}-${local.suffix}`; each query names its own period." }
      }],
      [for id, q in local.queries : {
        type = 3
        name = id
        content = {
          version                 = "KqlItem/1.0"
          title                   = q.title
          query                   = q.body
          size                    = 1
          queryType               = 0
          resourceType            = "microsoft.operationalinsights/workspaces"
          crossComponentResources = [local.workspace.id]
          showExportToExcel       = true
        }
      }]
    )
  })
}

# Auditbell itself: what comes in, what goes out, what waits, what it costs. The lines are those of docs/operations.md.
locals {
  operations = [
    for name in ["intake", "latency", "waiting", "problems", "refused", "parked", "reconcile", "canary", "ru"] : {
      name  = name
      title = trimprefix(split("\n", file("${path.module}/operations/${name}.kql"))[0], "// ")
      query = file("${path.module}/operations/${name}.kql")
    }
  ]
}

resource "azurerm_application_insights_workbook" "operations" {
  name                = uuidv5("url", "https://github.com/auditbell/auditbell/operations/${local.suffix}")
  resource_group_name = local.group.name
  location            = local.group.location
  display_name        = "Auditbell: operations (${var.name})"
  source_id           = lower(local.workspace.id)
  category            = "workbook"
  tags                = local.tags

  data_json = jsonencode({
    version             = "Notebook/1.0"
    fallbackResourceIds = [local.workspace.id]
    items = concat(
      [{
        type    = 1
        name    = "title"
        content = { json = "# Auditbell\nWhat comes in, what is sent, what waits. docs/operations.md says what each line of the log means." }
      }],
      [for q in local.operations : {
        type = 3
        name = q.name
        content = {
          version                 = "KqlItem/1.0"
          title                   = q.title
          query                   = q.query
          size                    = 1
          queryType               = 0
          resourceType            = "microsoft.operationalinsights/workspaces"
          crossComponentResources = [local.workspace.id]
          visualization           = "table"
          showExportToExcel       = true
        }
      }]
    )
  })
}
