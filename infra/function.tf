# The function app: Flex Consumption, runtime `custom`, host storage by identity.
#
# It is an azapi resource because azurerm 5.2 writes AzureWebJobsStorage with an account key beside the identity's
# settings, which breaks the latter (hashicorp/terraform-provider-azurerm #29693). What Azure returns of a site has no
# app settings in it, so a change made in the portal is not seen in a plan; the next apply that changes
# anything here puts ours back.

resource "azurerm_service_plan" "main" {
  name                = "plan-${var.name}-${local.suffix}"
  resource_group_name = local.group.name
  location            = local.group.location
  os_type             = "Linux"
  sku_name            = "FC1"

  zone_balancing_enabled = var.zone_redundant ? true : null
  tags                   = local.tags
}

locals {
  app_name = "func-${var.name}-${local.suffix}"

  # Event Grid and action groups have service tags. People publish through the deployment site, which stays reachable;
  # func and az then ask this site for its health, for which infra/deploy lets the publisher in while it publishes.
  inbound_rules = var.inbound_access == "any" ? [] : [
    for i, tag in ["AzureEventGrid", "ActionGroup"] : {
      name        = tag
      action      = "Allow"
      priority    = 100 + i
      tag         = "ServiceTag"
      ipAddress   = tag
      description = "Only Azure itself has reason to call."
    }
  ]
  inbound_default = var.inbound_access == "any" ? "Allow" : "Deny"

  # Azure shows the default as one more rule at the end. What is compared must have it, or each plan would take it away.
  inbound_shown = concat(local.inbound_rules, [{
    name        = "${local.inbound_default} all"
    action      = local.inbound_default
    priority    = 2147483647
    ipAddress   = "Any"
    description = "${local.inbound_default} all access"
  }])
}

resource "azapi_resource" "function_app" {
  type      = "Microsoft.Web/sites@2023-12-01"
  name      = local.app_name
  parent_id = local.group.id
  location  = local.group.location
  tags      = local.tags

  # System-assigned, unless existing_identity names one: Key Vault references resolve through it without further settings, and it goes when the app goes.
  identity {
    type         = var.existing_identity == null ? "SystemAssigned" : "UserAssigned"
    identity_ids = var.existing_identity == null ? null : [var.existing_identity.id]
  }

  body = {
    kind = "functionapp,linux"
    properties = merge(
      {
        serverFarmId        = azurerm_service_plan.main.id
        httpsOnly           = true
        publicNetworkAccess = local.reachable ? "Enabled" : "Disabled"
        functionAppConfig = {
          deployment = {
            storage = {
              type  = "blobContainer"
              value = "${azurerm_storage_account.host.primary_blob_endpoint}${azurerm_storage_container.package.name}"
              authentication = var.existing_identity == null ? { type = "SystemAssignedIdentity" } : {
                type                           = "UserAssignedIdentity"
                userAssignedIdentityResourceId = var.existing_identity.id
              }
            }
          }
          runtime = {
            name    = "custom"
            version = var.custom_runtime_version
          }
          scaleAndConcurrency = {
            instanceMemoryMB     = var.instance_memory_mb
            maximumInstanceCount = var.maximum_instances
            alwaysReady          = [for group, n in var.always_ready : { name = group, instanceCount = n }]
          }
        }
        siteConfig = {
          minTlsVersion                       = "1.2"
          scmMinTlsVersion                    = "1.2"
          ftpsState                           = "Disabled"
          http20Enabled                       = true
          ipSecurityRestrictions              = local.inbound_rules
          ipSecurityRestrictionsDefaultAction = local.inbound_default
          scmIpSecurityRestrictionsUseMain    = false
          appSettings                         = [for name, value in local.all_settings : { name = name, value = value }]
        }
      },
      local.private ? { virtualNetworkSubnetId = var.network.integration_subnet_id } : {},
      var.existing_identity == null ? {} : { keyVaultReferenceIdentity = var.existing_identity.id },
    )
  }

  response_export_values = ["properties.defaultHostName"]

  lifecycle {
    precondition {
      condition     = contains(local.functions, "eventgrid-activity") && contains(local.functions, "deliver")
      error_message = "the functions eventgrid-activity and deliver are needed; functions/ or var.functions lacks one of them."
    }
    precondition {
      condition     = !contains(var.secret_settings, "SLACK_BOT_TOKEN") || var.slack_channel != null
      error_message = "slack_channel is needed with SLACK_BOT_TOKEN: a bot can post to any channel it was invited to."
    }
    precondition {
      condition     = alltrue([for group in keys(var.always_ready) : group == "http" || contains(local.functions, trimprefix(group, "function:"))])
      error_message = "always_ready names a function that is not published."
    }
    precondition {
      condition     = !contains(var.secret_settings, "SLACK_SIGNING_SECRET") || (var.inbound_access == "any" && contains(var.secret_settings, "SLACK_BOT_TOKEN"))
      error_message = "SLACK_SIGNING_SECRET is for Slack's buttons, which a bot posts and Slack calls from the internet: it needs SLACK_BOT_TOKEN and inbound_access = \"any\"."
    }
    precondition {
      condition     = length(setsubtract(keys(var.app_settings), local.declared_settings)) == 0
      error_message = "app_settings holds a setting that the app does not read; local.settings.json.example lists those it does."
    }
    precondition {
      condition     = length(setintersection(keys(var.app_settings), keys(local.app_settings))) == 0
      error_message = "app_settings holds a setting that this module writes itself."
    }
  }
}

# The same rules once more, because Azure does not show them in the site: read here, a rule added in the portal, or one that a
# killed publication left, is a change in the next plan, and the apply takes it away.
resource "azapi_update_resource" "inbound" {
  type        = "Microsoft.Web/sites/config@2023-12-01"
  resource_id = "${azapi_resource.function_app.id}/config/web"

  body = {
    properties = {
      ipSecurityRestrictions              = local.inbound_shown
      ipSecurityRestrictionsDefaultAction = local.inbound_default
      scmIpSecurityRestrictionsUseMain    = false
    }
  }
}

# No user name and password for publishing: func and az come with a token. Azure makes these two with the site, so they
# are changed and never created or deleted.
resource "azapi_update_resource" "basic_publishing" {
  for_each = toset(["ftp", "scm"])

  type      = "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2023-12-01"
  name      = each.key
  parent_id = azapi_resource.function_app.id

  body = {
    properties = { allow = false }
  }
}

locals {
  app_principal_id = var.existing_identity != null ? var.existing_identity.principal_id : azapi_resource.function_app.identity[0].principal_id
  app_host_name    = try(azapi_resource.function_app.output.properties.defaultHostName, "${local.app_name}.azurewebsites.net")
}
