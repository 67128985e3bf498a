# What is needed once per watched subscription: system topic, event subscription, diagnostic setting, alert rules, and
# the right to read. Other subscriptions call the same module with `core = module.<this>.core`.

locals {
  core = {
    name                   = var.name
    suffix                 = local.suffix
    functions              = local.functions
    function_app_id        = azapi_resource.function_app.id
    app_principal_id       = local.app_principal_id
    event_delivery_enabled = local.delivering
    delivery               = var.delivery
    workspace_id           = local.workspace.id
    audit_storage_id       = azurerm_storage_account.audit["home"].id
    audit_copies           = { for region, a in azurerm_storage_account.audit : region => a.id if region != "home" }
    dead_letters = {
      storage_account_id = azurerm_storage_account.archive["home"].id
      container_id       = azurerm_storage_container.dead_letters.id
      container_name     = azurerm_storage_container.dead_letters.name
    }
    action_group_id        = azurerm_monitor_action_group.main.id
    watch_action_group_ids = local.watchers
    ignored_operations     = var.ignored_operations
    event_hub = !local.has_hub ? null : {
      id                    = local.hub.id
      name                  = local.hub.name
      authorization_rule_id = local.hub.authorization_rule_id
    }
    tags = local.tags
  }
}

module "home" {
  source = "./modules/subscription"
  count  = var.monitor_home_subscription ? 1 : 0

  subscription_id           = local.subscription_id
  resource_group_name       = local.group.name
  core                      = local.core
  existing_system_topic     = var.existing_system_topic
  max_events_per_batch      = var.max_events_per_batch
  preferred_batch_kilobytes = var.preferred_batch_kilobytes
  reader_role               = var.reader_role
  category_alerts           = var.category_alerts
  resource_notifications    = var.resource_notifications
}
