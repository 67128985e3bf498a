package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// TestAzureYAML holds azure.yaml to the schema of the Azure Developer CLI, and its hooks to scripts that are there.
func TestAzureYAML(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("testdata/azure.yaml.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../azure.yaml")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text string) error {
		var document any
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			return err
		}
		return schema.Validate(document)
	}
	if err := valid(string(text)); err != nil {
		t.Errorf("azure.yaml: %v", err)
	}
	for _, mistake := range [][2]string{{"postprovision:", "postprovison:"}, {"shell: sh", "shell: 7"}, {"provider: terraform", "provider: Terraform!"}, {"name: auditbell", "naem: auditbell"}} {
		wrong := strings.Replace(string(text), mistake[0], mistake[1], 1)
		if wrong == string(text) || valid(wrong) == nil {
			t.Errorf("%q for %q is accepted", mistake[1], mistake[0])
		}
	}
	var hooks struct {
		Infra struct{ Path string }
		Hooks map[string]struct{ Run string }
	}
	if err := yaml.Unmarshal(text, &hooks); err != nil {
		t.Fatal(err)
	}
	for name, hook := range hooks.Hooks {
		script, _, _ := strings.Cut(hook.Run, " ")
		if info, err := os.Stat(filepath.Join("../..", script)); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("the hook %s runs %s, which is not there or no program: %v", name, script, err)
		}
	}
	if _, err := os.Stat(filepath.Join("../..", hooks.Infra.Path, "main.tfvars.json")); len(hooks.Hooks) == 0 || err != nil {
		t.Errorf("azd looks for the values of module main in %s: %v", hooks.Infra.Path, err)
	}
}
