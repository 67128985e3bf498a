package digest_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
