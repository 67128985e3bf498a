terraform {
  required_version = ">= 1.9.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.2"
    }
    azapi = {
      source  = "Azure/azapi"
      version = ">= 1.15.0, < 3.0.0"
    }
  }
}

# The subscription is that of ARM_SUBSCRIPTION_ID. Storage is reached by identity: its keys are switched off.
provider "azurerm" {
  storage_use_azuread = true
  features {}
}

provider "azapi" {}

provider "azurerm" {
  alias               = "second"
  subscription_id     = var.second_subscription_id
  storage_use_azuread = true

  # make deploy registers what the home subscription needs; azurerm registers nothing by itself.
  resource_providers_to_register = ["Microsoft.EventGrid", "Microsoft.Insights"]
  features {}
}
