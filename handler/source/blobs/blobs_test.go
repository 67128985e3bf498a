package blobs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/source/blobs"
)

// account answers List Blobs in pages of two, and Get Blob, as the Blob service's REST reference shows them.
func account(t *testing.T, files map[string]string) *httptest.Server {
	t.Helper()
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("comp") == "list" {
			from := 0
			_, _ = fmt.Sscan(r.URL.Query().Get("marker"), &from)
			to := min(from+2, len(names))
			next := ""
			if to < len(names) {
				next = fmt.Sprint(to)
			}
			w.Header().Set("Content-Type", "application/xml")
			_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>`)
			for _, name := range names[from:to] {
				_, _ = fmt.Fprintf(w, `<Blob><Name>%s</Name><Properties><Content-Length>%d</Content-Length></Properties></Blob>`, name, len(files[name]))
			}
			_, _ = fmt.Fprintf(w, `</Blobs><NextMarker>%s</NextMarker></EnumerationResults>`, next)
			return
		}
		text, ok := files[strings.TrimPrefix(r.URL.Path, "/logs/")]
		if !ok {
			w.Header().Set("x-ms-error-code", "BlobNotFound")
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return server
}

func hour(h time.Time) string {
	return h.UTC().Format("resourceId=/SUBSCRIPTIONS/S1/y=2006/m=01/d=02/h=15/m=00/PT1H.json")
}

func TestInputsOfAWindow(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	files := map[string]string{"other.json": "x"}
	for h := range 72 {
		files[hour(at.Add(time.Duration(h)*time.Hour))] = fmt.Sprint(h)
	}
	c, err := blobs.Open(account(t, files).URL+"/logs", blobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := source.Window{From: at.Add(10 * time.Hour), To: at.Add(12 * time.Hour)}
	var got []string
	for in, err := range c.Inputs(t.Context(), w) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := in.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		got = append(got, string(text))
	}
	// The hour before, and a day of stragglers behind.
	if len(got) != 1+1+2+24 || got[0] != "x" && got[len(got)-1] != "x" || slices.Contains(got, "8") || !slices.Contains(got, "9") || !slices.Contains(got, "35") || slices.Contains(got, "36") {
		t.Errorf("the window's blobs are %v", got)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-error-code", "AuthorizationPermissionMismatch")
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	c, err := blobs.Open(server.URL+"/logs", blobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Inputs(t.Context(), source.Window{}) {
		if err == nil || !strings.Contains(err.Error(), "Storage Blob Data Reader") || len(err.Error()) > 200 {
			t.Errorf("%v", err)
		}
	}
	for _, bad := range []string{"", "logs", "https://account.example", "ftp://account.example/logs"} {
		if _, err := blobs.Open(bad, blobs.Options{}); err == nil {
			t.Errorf("%q is taken for a container", bad)
		}
	}
}
