package host

import (
	"encoding/json"
	"testing"
)

func TestWithHeaderLeavesTheOriginalAlone(t *testing.T) {
	t.Parallel()
	plain := Response(401, "no")
	told := plain.WithHeader("WWW-Authenticate", "Bearer")
	for _, c := range []struct {
		name   string
		result Result
		want   string
	}{
		{"without", plain, `{"Outputs":{"res":{"statusCode":401,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"no"}}}`},
		{"with", told, `{"Outputs":{"res":{"statusCode":401,"headers":{"Content-Type":"text/plain; charset=utf-8","WWW-Authenticate":"Bearer"},"body":"no"}}}`},
		{"no HTTP answer", Result{}.WithHeader("X", "y"), `{}`},
	} {
		got, err := encode(c.result)
		if err != nil || string(got) != c.want || !json.Valid(got) {
			t.Errorf("%s: %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}
