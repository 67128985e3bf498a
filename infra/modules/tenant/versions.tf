terraform {
  required_version = ">= 1.9.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.2"
    }
    # Only for the alert rule of the tenant, a preview that azurerm does not know.
    azapi = {
      source  = "Azure/azapi"
      version = ">= 1.15.0, < 3.0.0"
    }
  }
}
