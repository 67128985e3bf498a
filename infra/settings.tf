# What the app is told. infra/check holds this file, the settings that the code declares and local.settings.json.example
# to each other: a name that nothing reads, or a required one that is not written, fails `go test`.

locals {
  # What the Functions host itself reads. __credential is needed: without it the apply is green and the host dead.
  # FUNCTIONS_WORKER_RUNTIME is missing on purpose: on Flex Consumption the runtime is part of functionAppConfig.
  host_settings = merge({
    AzureWebJobsStorage__accountName = azurerm_storage_account.host.name
    AzureWebJobsStorage__credential  = "managedidentity"
    # Marked sensitive by the provider, but no secret: with local authentication off it only says where.
    APPLICATIONINSIGHTS_CONNECTION_STRING     = nonsensitive(azurerm_application_insights.main.connection_string)
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING = var.existing_identity == null ? "Authorization=AAD" : "ClientId=${var.existing_identity.client_id};Authorization=AAD"
    }, var.existing_identity == null ? {} : {
    # Which of the app's identities is meant, for the host and for the handler.
    AzureWebJobsStorage__clientId = var.existing_identity.client_id
    AZURE_CLIENT_ID               = var.existing_identity.client_id
  })

  # What is compared with what Azure lists: the home subscription, when it is watched and may be read, and those that the
  # caller names because they call modules/subscription themselves.
  reconciled_subscriptions = distinct(concat(
    [for id in var.reconciled_subscriptions : lower(id)],
    var.monitor_home_subscription && var.reader_role != "none" ? [lower(local.subscription_id)] : [],
  ))

  # What only some functions read, in function.json or in code. Nothing is written for a function that is not there.
  function_settings = {
    "deliver" = { DELIVER_SCHEDULE = var.schedules.deliver }
    "rollup"  = { ROLLUP_SCHEDULE = var.schedules.rollup }
    "reconcile" = {
      RECONCILE_SCHEDULE      = var.schedules.reconcile
      RECONCILE_SUBSCRIPTIONS = join(",", sort(local.reconciled_subscriptions))
      RECONCILE_FEEDS         = join(",", compact([local.delivering ? "eventgrid" : "", local.has_hub ? "eventhub" : "", local.has_hub && var.groups_exported ? "eventhub-group" : ""]))
      RECONCILE_IGNORE        = join(",", var.ignored_operations)
    }
    "tenant-activity" = {
      TENANT_SCHEDULE = var.schedules.tenant
      SCOPES          = join(",", var.scopes)
    }
    "canary" = { CANARY_SCHEDULE = var.schedules.canary }
    "digest" = {
      DIGEST_SCHEDULE      = var.schedules.digest
      DIGEST_ARCHIVE       = "${azurerm_storage_account.archive["home"].primary_blob_endpoint}${azurerm_storage_container.digests["home"].name}"
      DIGEST_TIMESTAMP_URL = var.digest_timestamp_url
    }
    # Without a hub the function is switched off: the host would complain of the missing connection at every start.
    "eventhub-activity" = !local.has_hub ? { "AzureWebJobs.eventhub-activity.Disabled" = "true" } : {
      EVENT_HUB_CONNECTION__fullyQualifiedNamespace = "${local.hub.namespace}.servicebus.windows.net"
      EVENT_HUB_CONNECTION__credential              = "managedidentity"
      EVENT_HUB_NAME                                = local.hub.name
      EVENT_HUB_CONSUMER_GROUP                      = local.hub.consumer_group
      EVENT_HUB_RETENTION                           = var.existing_event_hub != null ? "0s" : "${var.event_hub.retention_in_hours}h" # 0s: not known
    }
    # With these the handler verifies the token that the action group sends, beside the function key. A v2 token names
    # the application id, a v1 token the identifier URI.
    "actiongroup-alert" = var.secure_webhook == null ? {} : {
      SECURE_WEBHOOK_AUDIENCE  = join(",", distinct([var.secure_webhook.identifier_uri, trimprefix(var.secure_webhook.identifier_uri, "api://")]))
      SECURE_WEBHOOK_TENANT_ID = local.tenant_id
    }
  }

  app_settings = merge(
    {
      COSMOS_ENDPOINT = azurerm_cosmosdb_account.main.endpoint
      COSMOS_DATABASE = azurerm_cosmosdb_sql_database.main.name
    },
    var.telemetry == null ? {} : {
      OTEL_EXPORTER_OTLP_ENDPOINT = var.telemetry.endpoint
      OTEL_SERVICE_NAME           = var.telemetry.service_name
    },
    var.slack_channel == null ? {} : { SLACK_CHANNEL = var.slack_channel },
    # By identity, see email.tf. Graph and SMTP are for who has them already: app_settings names them.
    var.email == null ? {} : {
      MAIL_PROVIDER = "acs"
      MAIL_FROM     = local.email_sender
      ACS_ENDPOINT  = local.email_endpoint
    },
    try(length(var.email.alert_to), 0) == 0 ? {} : { MAIL_TO = join(",", sort(var.email.alert_to)) },
    local.log_settings,
    # Without a version, so that a new value of the secret is taken up within a day.
    { for setting, name in local.secret_names : setting => "@Microsoft.KeyVault(SecretUri=${local.vault.vault_uri}secrets/${name})" },
    [for function, settings in local.function_settings : settings if contains(local.functions, function)]...
  )

  all_settings = merge(var.app_settings, local.host_settings, local.app_settings)

  # What the published program reads.
  declared_settings = keys(jsondecode(file("${path.module}/../local.settings.json.example")).Values)
}
