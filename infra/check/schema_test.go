package check_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/infra/check"
)

// providerJSON is an answer of `tofu providers schema -json`, of our own making, with the parts that matter.
const providerJSON = `{"provider_schemas": {"registry/azurerm": {
  "resource_schemas": {
    "azurerm_thing": {"block": {
      "attributes": {"name": {"required": true}, "tags": {"optional": true}, "id": {"optional": true, "computed": true}, "host": {"computed": true}},
      "block_types": {
        "timeouts": {"block": {}, "nesting_mode": "single"},
        "rule": {"block": {"attributes": {"days": {"required": true}}}, "min_items": 1, "max_items": 2}}}},
    "azurerm_other": {"block": {"attributes": {"name": {"required": true}}}}},
  "data_source_schemas": {"azurerm_client_config": {"block": {"attributes": {"tenant_id": {"computed": true}}}}}}}}`

func TestWriteSchemaKeepsNamesAndWhoSetsThem(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	err := check.WriteSchema(&got, strings.NewReader(providerJSON), []string{"data azurerm_client_config", "resource azurerm_thing"})
	if err != nil {
		t.Fatal(err)
	}
	want := "data azurerm_client_config\n  = tenant_id\n" +
		"resource azurerm_thing\n  ! name\n  ? id tags\n  = host\n  { rule 1 2\n    ! days\n  }\n"
	_, body, _ := strings.Cut(got.String(), "\n") // the first line says who wrote it
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

func TestWriteSchemaNamesWhatNoProviderHas(t *testing.T) {
	t.Parallel()
	err := check.WriteSchema(&strings.Builder{}, strings.NewReader(providerJSON), []string{"resource azapi_resource"})
	if err == nil || !strings.Contains(err.Error(), "find resource azapi_resource") {
		t.Errorf("err = %v, want it to name the type", err)
	}
}
