# tflint --init && tflint --recursive --config "$(pwd)/.tflint.hcl"

plugin "terraform" {
  enabled = true
  preset  = "all"
}

plugin "azurerm" {
  enabled = true
  version = "0.32.0"
  source  = "github.com/terraform-linters/tflint-ruleset-azurerm"
}

# What cannot be made again is protected by management locks (locks.tf), which a person can take off with a variable.
# prevent_destroy cannot be a variable, so that nobody could uninstall without editing the module.
rule "azurerm_resources_missing_prevent_destroy" {
  enabled = false
}

# The inputs are 700 lines; each file of variables_*.tf holds those of one subject.
rule "terraform_standard_module_structure" {
  enabled = false
}
