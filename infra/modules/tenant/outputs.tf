output "scopes" {
  description = "What the app is to poll and compare: give it to the module's `scopes`."
  value       = concat(var.read_tenant ? ["tenant"] : [], [for name in sort(var.management_groups) : "managementGroups/${name}"])
}

output "remediation_commands" {
  description = "Policy acts on new subscriptions by itself; these have it act on those that are there."
  value = [for name, group in local.policy_groups :
    "az policy remediation create --name auditbell --management-group ${name} --policy-assignment ${azurerm_management_group_policy_assignment.activity_log[name].id} --resource-discovery-mode ReEvaluateCompliance"
  ]
}
