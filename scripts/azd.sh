#!/bin/sh
# azd's hooks call this: the program behind `make deploy`, with the state that azd keeps for its environment.
# azd puts it to .azure/<environment>/<infra.path> and says so to terraform by -state
# (Azure/azure-dev cli/azd/pkg/infra/provisioning/terraform/terraform_provider.go, localStateFilePath).
set -eu
cd "$(dirname "$0")/.."
folder=infra/examples/minimal
state="$PWD/.azure/$AZURE_ENV_NAME/$folder"
export TF_DATA_DIR="$state/.terraform"
for command in apply destroy output; do
  export "TF_CLI_ARGS_$command=-state=$state/terraform.tfstate"
done
exec go run ./infra/deploy --infra "$folder" --tool terraform --alert-email "$AUDITBELL_ALERT_EMAIL" --operator "$AZURE_PRINCIPAL_ID" --yes "$@"
