# Slack's, Teams' and the webhook's secrets. The vault is made here and its values are not: whoever holds a secret puts
# it in (output secret_commands), so that it is never in the state, in a variable or in a plan.

locals {
  # SLACK_BOT_TOKEN -> slack-bot-token: Key Vault's names have no underscores.
  secret_names = { for s in var.secret_settings : s => lower(replace(s, "_", "-")) }
}

resource "azurerm_key_vault" "main" {
  name                = "kv-${var.name}-${local.suffix}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tenant_id           = local.tenant_id
  sku_name            = "standard"
  tags                = local.tags

  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = !local.private || length(var.operator_ip_ranges) > 0

  network_acls {
    default_action = local.private ? "Deny" : "Allow"
    bypass         = "AzureServices"
    ip_rules       = var.operator_ip_ranges
  }
}

# Who read or deleted which secret. The Activity Log does not say: that is a call to the vault, not to Azure.
resource "azurerm_monitor_diagnostic_setting" "key_vault" {
  name                       = "audit"
  target_resource_id         = azurerm_key_vault.main.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.main.id

  enabled_log {
    category = "AuditEvent"
  }
}
