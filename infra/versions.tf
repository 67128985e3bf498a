terraform {
  # 1.9: validations may refer to other variables. OpenTofu 1.9 and later do the same.
  required_version = ">= 1.9.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.2"
    }
    # Only for the function app: azurerm 5.2 sends an account key in AzureWebJobsStorage even when the host storage is
    # reached by identity (hashicorp/terraform-provider-azurerm #29693, #29149). The body is an HCL object, which both
    # generations of azapi read.
    azapi = {
      source  = "Azure/azapi"
      version = ">= 1.15.0, < 3.0.0"
    }
  }
}
