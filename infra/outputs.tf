output "next_command" {
  description = "What to type next, in the folder that was applied."
  value = local.delivering ? (
    "az group create --name rg-auditbell-try --location ${var.location} && az group delete --name rg-auditbell-try --yes  # a message arrives within a few minutes"
    ) : (
    "make -C ${path.module}/.. deploy INFRA=\"$PWD\""
  )
}

output "secret_commands" {
  description = "How to put each secret in; the value is read from the terminal, so that no history keeps it."
  value = {
    for setting, name in local.secret_names : setting => "az keyvault secret set --vault-name ${local.vault.name} --name ${name} --file /dev/stdin"
  }
}

output "function_app_name" {
  description = "Name of the function app, for func azure functionapp publish."
  value       = local.app_name
}

output "function_app_id" {
  description = "Resource id of the function app."
  value       = azapi_resource.function_app.id
}

output "app_principal_id" {
  description = "Object id of the app's identity."
  value       = local.app_principal_id
}

output "resource_group_name" {
  description = "Resource group that holds everything."
  value       = local.group.name
}

output "cosmos_endpoint" {
  description = "Address of the Cosmos DB account: COSMOS_ENDPOINT."
  value       = azurerm_cosmosdb_account.main.endpoint
}

output "key_vault_name" {
  description = "Name of the key vault that holds the secrets."
  value       = local.vault.name
}

output "audit_storage_account_name" {
  description = "Storage account that the Activity Log is exported to."
  value       = azurerm_storage_account.audit["home"].name
}

output "archive_container_url" {
  description = "Address of the container that digests are archived in."
  value       = "${azurerm_storage_account.archive["home"].primary_blob_endpoint}${azurerm_storage_container.digests["home"].name}"
}

output "dead_letter_container_url" {
  description = "Address of the container with events that Event Grid could not deliver; handler replay reads them."
  value       = "${azurerm_storage_account.archive["home"].primary_blob_endpoint}${azurerm_storage_container.dead_letters.name}"
}

output "workspace_id" {
  description = "Workspace (customer) id of Log Analytics, for handler query --source log-analytics."
  value       = local.workspace.customer_id
}

output "action_group_id" {
  description = "Resource id of the action group, for alert rules of your own."
  value       = azurerm_monitor_action_group.main.id
}

output "email_endpoint" {
  description = "Address of Communication Services; null without var.email."
  value       = local.email_endpoint
}

output "email_sender" {
  description = "Address that mail is sent from; null without var.email."
  value       = local.email_sender
}

output "alert_names" {
  description = "Names of the Activity Log alert rules of the home subscription."
  value       = flatten(module.home[*].alert_names)
}

output "core" {
  description = "What modules/subscription needs to watch a further subscription."
  value       = local.core
}

output "deployment" {
  description = "What infra/deploy needs to publish, to look at the result and to remove it."
  value = {
    function_app_id           = azapi_resource.function_app.id
    resource_group_name       = local.group.name
    location                  = var.location
    key_vault_id              = local.vault.id
    secrets                   = local.secret_names
    system_topic_id           = one(module.home[*].system_topic_id)
    application_insights_name = azurerm_application_insights.main.name
    target                    = local.target
    delivering                = local.delivering
  }
}
