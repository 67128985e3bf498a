# This file is maintained automatically by "terraform init".
# Manual edits may be lost in future updates.

provider "registry.terraform.io/azure/azapi" {
  version     = "1.15.0"
  constraints = ">= 1.15.0, < 3.0.0"
  hashes = [
    "h1:F9aPkVyY1vq4n1guosywGln4DUSm/OoTyTNMXh57fRw=",
  ]
}

provider "registry.terraform.io/hashicorp/azurerm" {
  version     = "5.2.0"
  constraints = "~> 5.2"
  hashes = [
    "h1:Tmdz5zfnC40dCcR4erP8nsqW1nRnRhbkeb3A7KsoWJo=",
  ]
}
