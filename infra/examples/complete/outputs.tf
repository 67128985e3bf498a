output "next_command" {
  description = "What to type next."
  value       = module.auditbell.next_command
}

output "secret_commands" {
  description = "How to put the secrets in."
  value       = module.auditbell.secret_commands
}

output "function_app_name" {
  description = "Name of the function app, for func azure functionapp publish."
  value       = module.auditbell.function_app_name
}

output "deployment" {
  description = "What infra/deploy reads."
  value       = module.auditbell.deployment
}
