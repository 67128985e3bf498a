package archive_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/auditbell/auditbell/handler/digest/archive"
)

// storage answers as a container with an immutability policy does (Blob service REST API, Put Blob and Get Blob).
type storage struct {
	mu    sync.Mutex
	blobs map[string][]byte
	types map[string]string
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/digests/")
	have, there := s.blobs[name]
	switch {
	case r.Method == http.MethodPut && (there || r.Header.Get("If-None-Match") != "*"):
		w.Header().Set("x-ms-error-code", "BlobAlreadyExists")
		w.WriteHeader(http.StatusConflict)
	case r.Method == http.MethodPut && r.Header.Get("x-ms-blob-type") == "BlockBlob":
		s.blobs[name], _ = io.ReadAll(r.Body)
		s.types[name] = r.Header.Get("x-ms-blob-content-type")
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodGet && there:
		_, _ = w.Write(have)
	default:
		w.Header().Set("x-ms-error-code", "AuthorizationPermissionMismatch")
		w.WriteHeader(http.StatusForbidden)
	}
}

func TestPutOnce(t *testing.T) {
	t.Parallel()
	container := &storage{blobs: map[string][]byte{}, types: map[string]string{}}
	server := httptest.NewServer(container)
	t.Cleanup(server.Close)
	for name, place := range map[string]string{"container": server.URL + "/digests", "folder": filepath.Join(t.TempDir(), "digests")} {
		a, err := archive.Open(place, archive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		const file = "monthly/2026-10/report.json"
		for range 2 {
			if err := a.Put(t.Context(), file, "application/json", []byte("{}")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := a.Put(t.Context(), file, "application/json", []byte("[]")); !errors.Is(err, archive.ErrOther) {
			t.Errorf("%s: other content under the same name: %v", name, err)
		}
		if got := a.Link(file); got != place+"/"+file {
			t.Errorf("%s: link %s", name, got)
		}
		for _, bad := range []string{"../x", "/x", "a/../../x", "", "a//b", "a/./b"} {
			if err := a.Put(t.Context(), bad, "", nil); err == nil {
				t.Errorf("%s: the name %q is taken", name, bad)
			}
		}
	}
	if got := container.types["monthly/2026-10/report.json"]; got != "application/json" {
		t.Errorf("the blob's type is %q", got)
	}
}

func TestOneOfManyWrites(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	a, err := archive.Open(folder, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	kept := 0
	for i := range 16 {
		wg.Go(func() {
			err := a.Put(t.Context(), "a/b", "", fmt.Append(nil, i))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				kept++
			} else if !errors.Is(err, archive.ErrOther) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if kept != 1 {
		t.Errorf("%d writers believe that theirs is kept", kept)
	}
	if entries, err := os.ReadDir(filepath.Join(folder, "a")); err != nil || len(entries) != 1 {
		t.Errorf("%v %v is left in the folder", entries, err)
	}
}

func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-error-code", "AuthorizationPermissionMismatch")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, strings.Repeat("a long story ", 100))
	}))
	t.Cleanup(server.Close)
	a, err := archive.Open(server.URL+"/digests", archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = a.Put(t.Context(), "a", "", nil)
	if err == nil || len(err.Error()) > 200 || !strings.Contains(err.Error(), "Storage Blob Data Contributor") {
		t.Errorf("%v", err)
	}
}
