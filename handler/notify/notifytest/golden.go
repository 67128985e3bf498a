package notifytest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/auditbell/auditbell/handler/notify"
)

// schema is that of the channel whose tests run: testdata/schema/message.json beside them.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return jsonschema.NewCompiler().Compile(filepath.Join("testdata", "schema", "message.json"))
})

// Validate reads a message and holds it to the channel's schema. It is nil when it is no JSON.
func Validate(raw []byte) (message any, err error) {
	s, err := schema()
	if err != nil {
		return nil, err
	}
	if message, err = jsonschema.UnmarshalJSON(bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	return message, s.Validate(message)
}

// Golden compares got, as indented JSON, with testdata/<name>.json, which it first rewrites when update is set.
func Golden(t *testing.T, name string, got any, update bool) {
	t.Helper()
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(got); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	if update {
		if err := os.WriteFile(file, encoded.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), encoded.String()); diff != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", file, diff)
	}
}

// CheckGolden holds the channel's golden files, in compact form, to check.
func CheckGolden(t *testing.T, check func(raw []byte) error) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) < len(Samples()) {
		t.Fatalf("%d golden files: %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		var compact bytes.Buffer
		if err == nil {
			err = json.Compact(&compact, raw)
		}
		if err == nil {
			err = check(compact.Bytes())
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// CheckHostile holds what a channel makes of hostile messages to check.
func CheckHostile[T any](t *testing.T, render func(notify.Message) T, check func(raw []byte) error) {
	t.Helper()
	for i, m := range Hostile() {
		raw, err := json.Marshal(render(m))
		if err == nil {
			err = check(raw)
		}
		if err != nil {
			t.Errorf("message %d: %v\n%s", i, err, raw)
		}
	}
}
