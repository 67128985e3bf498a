# Who is notified when Auditbell itself does not work. None of this calls the app: Azure Monitor mails, or calls action groups
# of your own. docs/operations.md has a line for each of these alerts.

resource "azurerm_monitor_action_group" "watch" {
  name                = "ag-${var.name}-watch"
  resource_group_name = local.group.name
  location            = "global" # so that a region's failure does not silence the word of it
  short_name          = substr("${var.name}-w", 0, 12)
  tags                = local.tags

  dynamic "email_receiver" {
    for_each = var.alert_emails
    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

locals {
  watchers = concat([azurerm_monitor_action_group.watch.id], sort(var.watch_action_group_ids))

  # What is watched by log queries, once events are delivered. threshold counts rows; the tables come into being with
  # their first row, so an app that never logged is found too.
  watches = merge(local.burns, var.self_watch_alert_enabled && local.delivering ? {
    auditbell-does-not-watch = {
      description = "Auditbell's self-watch has not run for six hours. Until it runs again, missing alerts prove nothing."
      query       = <<-KQL
        AppTraces
        | where Message startswith "{"
        | where tostring(parse_json(Message).msg) == "watched"
      KQL
      operator    = "LessThan"
      threshold   = 1
      frequency   = "PT1H"
      window      = "PT6H"
      # Six hours of a new app have not passed when the alert is made; that it fires once then is known and documented.
    }
    auditbell-does-not-run = {
      description = "No run of the function `deliver` succeeded for 15 minutes, of 30 that are due: the handler cannot be started, or every invocation fails."
      query       = <<-KQL
        AppRequests
        | where Name == "deliver" and Success == true
      KQL
      operator    = "LessThan"
      threshold   = 1
      frequency   = "PT5M"
      window      = "PT15M"
    }
    auditbell-invocations-fail = {
      description = "For ten minutes every invocation of a function that takes events in failed."
      query       = <<-KQL
        AppRequests
        | where Name in ("eventgrid-activity", "eventhub-activity", "actiongroup-alert")
        | summarize Failed = countif(Success == false), Succeeded = countif(Success == true)
        | where Failed > 0 and Succeeded == 0
      KQL
      operator    = "GreaterThan"
      threshold   = 0
      frequency   = "PT5M"
      window      = "PT10M"
    }
  } : {})

  # The service level: a share of first messages is accepted in time. A burn rate of 1 uses up a month's allowance in a
  # month; the two pairs of rate and window are those of the SRE workbook (chapter "Alerting on SLOs").
  burns = var.delivery_objective == null || !local.delivering ? {} : {
    for speed, b in { fast = { rate = 14.4, frequency = "PT5M", window = "PT1H" }, slow = { rate = 6, frequency = "PT30M", window = "PT6H" } } :
    "slo-delivery-${speed}-burn" => {
      description = "Of the first messages of ${b.window}, more than ${format("%.1f", min(b.rate * (1 - var.delivery_objective.share) * 100, 99.9))} in a hundred took longer than ${var.delivery_objective.seconds} seconds; the objective is ${var.delivery_objective.share}."
      query       = <<-KQL
        AppTraces
        | where Message startswith "{"
        | extend r = parse_json(Message)
        | where tostring(r.msg) == "sent" and tobool(r["first"])
        | summarize Late = countif(tolong(r.latency_ms) > ${var.delivery_objective.seconds * 1000}), Messages = count()
        | where Messages > 0 and Late > ${format("%.4f", min(b.rate * (1 - var.delivery_objective.share), 0.999))} * Messages
      KQL
      operator    = "GreaterThan"
      threshold   = 0
      frequency   = b.frequency
      window      = b.window
    }
  }
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "watch" {
  for_each = local.watches

  name                  = each.key
  resource_group_name   = local.group.name
  location              = local.group.location
  description           = "${each.value.description} See docs/operations.md."
  scopes                = [local.workspace.id]
  severity              = 1
  evaluation_frequency  = each.value.frequency
  window_duration       = each.value.window
  skip_query_validation = true
  tags                  = local.tags

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = each.value.operator
    threshold               = each.value.threshold
  }

  action {
    action_groups = local.watchers
  }

  lifecycle {
    precondition {
      condition     = contains(["debug", "info"], lower(lookup(var.app_settings, "LOG_LEVEL", "info")))
      error_message = "app_settings.LOG_LEVEL must be info or debug while self_watch_alert_enabled is true: the self-watch logs its line as info, and without it this alert fires every hour."
    }
  }
}
