# Optional: mail from an Azure-managed domain, for digests and alerts. Sending is by identity; the resource's keys exist
# because Communication Services cannot switch them off, and nothing here shows them.

locals {
  email_endpoint = one([for s in azurerm_communication_service.main : "https://${s.hostname}"])
  email_sender   = one([for d in azurerm_email_communication_service_domain.main : "${var.email.sender}@${d.from_sender_domain}"])
}

resource "azurerm_email_communication_service" "main" {
  count = var.email == null ? 0 : 1

  name                = "email-${var.name}-${local.suffix}"
  resource_group_name = local.group.name
  data_location       = var.email.data_location
  tags                = local.tags
}

resource "azurerm_email_communication_service_domain" "main" {
  count = var.email == null ? 0 : 1

  name                             = "AzureManagedDomain" # the only name that an Azure-managed domain may have
  email_service_id                 = azurerm_email_communication_service.main[0].id
  domain_management                = "AzureManaged"
  user_engagement_tracking_enabled = false
  tags                             = local.tags
}

resource "azurerm_email_communication_service_domain_sender_username" "main" {
  count = var.email == null ? 0 : 1

  name                    = var.email.sender
  email_service_domain_id = azurerm_email_communication_service_domain.main[0].id
  display_name            = "Auditbell"
}

resource "azurerm_communication_service" "main" {
  count = var.email == null ? 0 : 1

  name                = "acs-${var.name}-${local.suffix}"
  resource_group_name = local.group.name
  data_location       = var.email.data_location
  tags                = local.tags
}

resource "azurerm_communication_service_email_domain_association" "main" {
  count = var.email == null ? 0 : 1

  communication_service_id = azurerm_communication_service.main[0].id
  email_service_domain_id  = azurerm_email_communication_service_domain.main[0].id
}
