package settings_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/settings"
)

const schemaFile = "../../config/schema/auditbell.json"

// The committed file, the examples in its comments and the reader agree with the schema that editors complete from.
func TestTheCommittedFileAndItsSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../config/auditbell.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		valid      bool
	}{
		{"the committed file", string(committed), true},
		{"its examples", uncommented(t, string(committed)), true},
		{"everything there is", strings.NewReplacer("security]", "Security]", "Fri]", "fri]").Replace(full), true},
		{"nothing", "# nothing\n", true},
		{"an unknown key", "rules: []\n", false},
		{"an unknown condition", "routes:\n  - {match: {group: x}, to: slack, continue: true}\n  - to: slack\n", false},
		{"no destination", "routes:\n  - {to: []}\n", false},
		{"a misspelt severity", "routes:\n  - {match: {severity: hi}, to: slack}\n  - to: slack\n", false},
		{"an empty condition", "routes:\n  - {match: {rule: []}, to: slack}\n  - to: slack\n", false},
		{"a destination with the name of a kind", "destinations:\n  slack: {kind: slack}\n", false},
		{"a destination with blanks in its name", "destinations:\n  sec ops: {kind: slack}\n", false},
		{"a destination of no kind", "destinations:\n  x: {channel: C1}\n", false},
		{"a time without a zone", "maintenance:\n  - {name: x, from: 2026-12-01T00:00:00, to: 2026-12-02T00:00:00Z}\n", false},
		{"no time of day", "quiet:\n  - {name: x, from: \"24:00\", to: \"7:00\"}\n", false},
	} {
		if err := schema.Validate(asJSON(t, c.text)); (err == nil) != c.valid {
			t.Errorf("%s: the schema says %v, want valid %v", c.name, err, c.valid)
		}
		if _, problems := read(c.text); (problems == nil) != c.valid {
			t.Errorf("%s: the reader says %q, want valid %v", c.name, problems, c.valid)
		}
	}
}

// uncommented is what the file's examples say: every comment line that is indented as YAML.
func uncommented(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	keys := reflect.TypeFor[settings.Config]().NumField()
	example := false
	for line := range strings.Lines(text) {
		body, comment := strings.CutPrefix(line, "# ")
		key := strings.HasSuffix(body, ":\n") && !strings.Contains(body, " ")
		if key {
			keys--
		}
		if example = comment && (key || example && strings.HasPrefix(body, " ")); example {
			out.WriteString(body)
		}
	}
	if keys > 0 {
		t.Fatalf("%d keys have no example in config/auditbell.yaml; show how they are written", keys)
	}
	return out.String()
}

// asJSON reads YAML as an editor does: dates are text.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	if len(n.Content) == 0 {
		return nil
	}
	return valueOf(t, n.Content[0])
}

func valueOf(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			object[n.Content[i].Value] = valueOf(t, n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, valueOf(t, c))
		}
		return list
	}
	if n.Tag == "!!timestamp" {
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// schemaNode is what we need of a schema.
type schemaNode struct {
	Ref                  string                `json:"$ref"`
	Properties           map[string]schemaNode `json:"properties"`
	Items                *schemaNode           `json:"items"`
	AdditionalProperties json.RawMessage       `json:"additionalProperties"`
	Description          string                `json:"description"`
	Defs                 map[string]schemaNode `json:"$defs"`
}

// Every key of the Go structs stands in the schema, and every key of the schema in the structs.
func TestSchemaAndStructsHaveTheSameKeys(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var root schemaNode
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	compareKeys(t, "", reflect.TypeFor[settings.Config](), root, root.Defs)
}

func compareKeys(t *testing.T, path string, of reflect.Type, n schemaNode, defs map[string]schemaNode) {
	t.Helper()
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		n = defs[name]
	}
	switch {
	case of == reflect.TypeFor[time.Time]():
	case of.Kind() == reflect.Struct:
		fields := map[string]reflect.Type{}
		for i := range of.NumField() {
			if tag := of.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
				fields[tag] = of.Field(i).Type
			}
		}
		have := slices.Sorted(maps.Keys(fields))
		said := slices.Sorted(maps.Keys(n.Properties))
		if !slices.Equal(have, said) {
			t.Errorf("%s reads %v, config/schema/auditbell.json has %v; make them the same", fmt.Sprint("config/auditbell.yaml", path), have, said)
		}
		if string(n.AdditionalProperties) != "false" {
			t.Errorf("config/schema/auditbell.json%s takes any other key; set additionalProperties to false", path)
		}
		for name, field := range fields {
			compareKeys(t, path+"."+name, field, n.Properties[name], defs)
		}
	case of.Kind() == reflect.Slice && n.Items != nil:
		compareKeys(t, path+"[]", of.Elem(), *n.Items, defs)
	case of.Kind() == reflect.Map && of.Elem().Kind() == reflect.Struct:
		var entry schemaNode
		if err := json.Unmarshal(n.AdditionalProperties, &entry); err != nil {
			t.Errorf("config/schema/auditbell.json%s: %v", path, err)
		}
		compareKeys(t, path+".*", of.Elem(), entry, defs)
	}
}

// Every word that the schema offers is one that the reader takes.
func TestSchemaOffersWordsThatAreKnown(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs map[string]struct{ Enum []string } `json:"$defs"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"severity", "category", "caller_type"} {
		words := schema.Defs[key].Enum
		if len(words) < 5 {
			t.Errorf("the schema offers %v for %s", words, key)
		}
		for _, word := range words {
			if _, problems := read(fmt.Sprintf("routes:\n  - match: {%s: %s}\n    to: slack\n  - to: slack\n", key, word)); problems != nil {
				t.Errorf("%s: %v", key, problems)
			}
		}
	}
}
