package blobs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/source/blobs"
	"github.com/auditbell/auditbell/handler/source/blobs/blobtest"
)

// served is the address of a container.
func served(t *testing.T, c *blobtest.Container) string {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return server.URL + "/" + c.Name
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
	container := blobtest.New("logs", files)
	c, err := blobs.Open(served(t, container), blobs.Options{})
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
		if got, want := in.Version(), container.ETag(in.Name); got != want {
			t.Errorf("%s: the version that was read is called %s, want %s", in.Name, got, want)
		}
		got = append(got, string(text))
	}
	// The hour before, and a day of stragglers behind.
	if len(got) != 1+1+2+24 || got[0] != "x" && got[len(got)-1] != "x" || slices.Contains(got, "8") || !slices.Contains(got, "9") || !slices.Contains(got, "35") || slices.Contains(got, "36") {
		t.Errorf("the window's blobs are %v", got)
	}
}

// TestABlobIsReadInOneVersion: a connection that breaks is taken up where it broke, and not when the blob is another by then.
func TestABlobIsReadInOneVersion(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 10_000)
	container := blobtest.New("logs", map[string]string{"a.json": text})
	c, err := blobs.Open(served(t, container), blobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(){"the same": func() {}, "another": func() { container.Put("a.json", strings.Repeat("abcdefghij", 10_000)) }} {
		container.Put("a.json", text)
		container.Cut("a.json", change)
		etag := container.ETag("a.json")
		for in := range c.Inputs(t.Context(), source.Window{}) {
			r, err := in.Open()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			_ = r.Close()
			if whole := string(got) == text && err == nil; whole != (what == "the same") || !strings.HasPrefix(text, string(got)) || in.Version() != etag {
				t.Errorf("%s version: read %d bytes of %s, %v", what, len(got), in.Version(), err)
			}
		}
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

// TestAMonthCostsAMonth reads a month of 20 subscriptions out of three years, from a service that takes 20 ms for each
// request: no request is for another month, and requests are made many at a time.
func TestAMonthCostsAMonth(t *testing.T) {
	t.Parallel()
	const subscriptions, answer = 20, 20 * time.Millisecond
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	month := source.Window{From: time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC)}
	const blobsOfIt = subscriptions * 31 * 24
	var names []string
	for s := range subscriptions {
		for day := begin; day.Year() < 2027; day = day.AddDate(0, 0, 1) {
			folder := fmt.Sprintf("resourceId=/SUBSCRIPTIONS/S%02d/y=%s/h=", s, day.Format("2006/m=01/d=02"))
			for h := range 24 {
				names = append(names, folder+string(rune('0'+h/10))+string(rune('0'+h%10))+"/m=00/PT1H.json")
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		service := &slowService{names: names, answer: answer}
		c, err := blobs.Open("http://account.test/logs", blobs.Options{Transport: service})
		if err != nil {
			t.Fatal(err)
		}
		began, read, last := time.Now(), 0, ""
		for in, err := range c.Inputs(t.Context(), month) {
			if err != nil {
				t.Fatal(err)
			}
			r, err := in.Open()
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(r); err != nil || string(text) != "/logs/"+in.Name || in.Name <= last {
				t.Fatalf("%s after %s holds %q, %v; want each blob's own text, in order", in.Name, last, text, err)
			}
			_ = r.Close()
			last = in.Name
			read++
		}
		if slack := subscriptions * (2 /* before */ + 24 /* after */); read > blobsOfIt+slack || read < blobsOfIt {
			t.Errorf("read %d blobs, want %d and its slack, at most %d", read, blobsOfIt, slack)
		}
		if asked := service.asked.Load(); float64(asked) > 1.1*blobsOfIt {
			t.Errorf("%d requests for %d blobs, want at most 1.1 for each", asked, blobsOfIt)
		}
		if took, most := time.Since(began), blobsOfIt*answer/12; took > most {
			t.Errorf("it took %s, want at most %s: twelve at a time", took, most)
		}
		t.Logf("%d requests and %s for a month of %d blobs: %.3f and one %.1fth", service.asked.Load(), time.Since(began), blobsOfIt,
			float64(service.asked.Load())/blobsOfIt, float64(blobsOfIt*answer)/float64(time.Since(began)))
	})
}

// slowService is a storage account whose every answer takes as long, without a network: its time is the test's.
type slowService struct {
	names  []string // sorted
	answer time.Duration
	asked  atomic.Int64
}

func (s *slowService) Do(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	<-time.After(s.answer)
	w := httptest.NewRecorder()
	if r.URL.Query().Get("comp") == "list" {
		prefix := r.URL.Query().Get("prefix")
		from, _ := slices.BinarySearch(s.names, prefix)
		to := from
		for to < len(s.names) && strings.HasPrefix(s.names[to], prefix) {
			to++
		}
		blobtest.List(w, r.URL.Query(), s.names[from:to], 5000)
	} else {
		_, _ = io.WriteString(w, r.URL.Path)
	}
	response := w.Result()
	response.Request = r
	return response, nil
}

// TestABlobAheadIsClosed ends early: what was opened before its turn is closed.
func TestABlobAheadIsClosed(t *testing.T) {
	t.Parallel()
	var open atomic.Int64
	inputs := func(yield func(source.Input, error) bool) {
		for range 100 {
			in := source.Input{Name: "x", Open: func() (io.ReadCloser, error) {
				open.Add(1)
				return &counted{strings.NewReader(strings.Repeat("x", 3<<20)), &open}, nil
			}}
			if !yield(in, nil) {
				return
			}
		}
	}
	for in := range source.Ahead(inputs, 8) {
		r, err := in.Open()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); n != 3<<20 || err != nil {
			t.Errorf("read %d bytes, %v; want all", n, err)
		}
		_ = r.Close()
		break
	}
	if n := open.Load(); n != 0 {
		t.Errorf("%d inputs are still open", n)
	}
}

type counted struct {
	io.Reader
	open *atomic.Int64
}

func (c *counted) Close() error { c.open.Add(-1); return nil }
