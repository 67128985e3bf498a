# Optional: the Activity Log as a stream, near real time and in all eight categories, for this app and for a SIEM.

locals {
  event_hub_namespace = "evhns-${var.name}-${local.suffix}"

  # The hub that the feeds write to and the app reads: one of our own, another's, or none.
  hub = var.existing_event_hub != null ? {
    id                    = var.existing_event_hub.id
    name                  = basename(var.existing_event_hub.id)
    namespace             = split("/", var.existing_event_hub.id)[8]
    authorization_rule_id = var.existing_event_hub.authorization_rule_id
    consumer_group        = var.existing_event_hub.consumer_group
    } : var.event_hub == null ? null : {
    id                    = azurerm_eventhub.main[0].id
    name                  = azurerm_eventhub.main[0].name
    namespace             = local.event_hub_namespace
    authorization_rule_id = azurerm_eventhub_namespace_authorization_rule.export[0].id
    consumer_group        = azurerm_eventhub_consumer_group.main[0].name
  }
  has_hub = var.event_hub != null || var.existing_event_hub != null
}

resource "azurerm_eventhub_namespace" "main" {
  count = var.event_hub == null ? 0 : 1

  name                          = local.event_hub_namespace
  resource_group_name           = local.group.name
  location                      = local.group.location
  sku                           = var.event_hub.sku
  capacity                      = var.event_hub.capacity
  minimum_tls_version           = "1.2"
  public_network_access_enabled = true # diagnostic settings and Event Grid come in as trusted services, which needs it
  tags                          = local.tags

  # With a network, every other caller is refused: the rule is for the app's endpoint and for Azure's trusted services.
  network_rulesets = [{
    default_action                 = local.private ? "Deny" : "Allow"
    public_network_access_enabled  = true
    trusted_service_access_enabled = true
    ip_rule                        = []
    virtual_network_rule           = []
  }]

  # The one place with keys: a diagnostic setting can name its hub by an authorization rule only (learn: "Diagnostic
  # settings in Azure Monitor", destinations). Nothing of ours uses or shows them.
  local_authentication_enabled = true
}

resource "azurerm_eventhub" "main" {
  count = var.event_hub == null ? 0 : 1

  name            = "insights-activity-logs" # as Azure Monitor would call it
  namespace_id    = azurerm_eventhub_namespace.main[0].id
  partition_count = var.event_hub.partition_count

  retention_description {
    cleanup_policy          = "Delete" # a diagnostic setting does not write to compacted hubs
    retention_time_in_hours = var.event_hub.retention_in_hours
  }
}

resource "azurerm_eventhub_consumer_group" "main" {
  count = var.event_hub == null ? 0 : 1

  name                = "auditbell"
  eventhub_name       = azurerm_eventhub.main[0].name
  namespace_name      = azurerm_eventhub_namespace.main[0].name
  resource_group_name = local.group.name
}

# Azure Monitor asks for a rule of the namespace with all three rights, although it only sends.
resource "azurerm_eventhub_namespace_authorization_rule" "export" {
  count = var.event_hub == null ? 0 : 1

  name                = "diagnostic-settings"
  namespace_name      = azurerm_eventhub_namespace.main[0].name
  resource_group_name = local.group.name
  listen              = true
  send                = true
  manage              = true
}
