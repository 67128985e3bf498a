# Optional: mail when the resource group costs more than it should.

resource "azurerm_consumption_budget_resource_group" "main" {
  count = var.budget == null ? 0 : 1

  name              = "budget-${var.name}"
  resource_group_id = local.group.id
  amount            = var.budget.amount
  time_grain        = "Monthly"

  time_period {
    start_date = var.budget.start_date
  }

  notification {
    operator       = "GreaterThan"
    threshold      = 80
    threshold_type = "Actual"
    contact_emails = var.budget.emails
  }
  notification {
    operator       = "GreaterThan"
    threshold      = 100
    threshold_type = "Forecasted"
    contact_emails = var.budget.emails
  }
}
