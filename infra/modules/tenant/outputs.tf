output "scopes" {
  description = "What the app is to poll and compare: give it to the module's `scopes`."
  value       = concat(var.read_tenant ? ["tenant"] : [], [for name in sort(var.management_groups) : "managementGroups/${name}"])
}

output "remediation_commands" {
  description = "Policy acts on new subscriptions by itself; these have it act on those that are there."
  value = [for assignment in concat(
    [for name, group in local.policy_groups : { group = name, kind = "export", id = azurerm_management_group_policy_assignment.activity_log[name].id }],
    [for name, group in local.event_groups : { group = name, kind = "events", id = azurerm_management_group_policy_assignment.events[name].id }],
    ) :
    "az policy remediation create --name auditbell-${assignment.kind} --management-group ${assignment.group} --policy-assignment ${assignment.id} --resource-discovery-mode ReEvaluateCompliance"
  ]
}
