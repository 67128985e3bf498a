// Package blobtest is a container of a storage account on this machine, for tests: it lists blobs in pages and serves them with
// ETags, ranges and conditions, as the REST reference of the Blob service shows.
//
// Not for authorization: azcore sends no token without encryption.
package blobtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Container is a container. It is safe for concurrent use.
type Container struct {
	Name string // the first part of its blobs' paths
	Page int    // blobs and folders of a page

	mu      sync.Mutex
	blobs   map[string]blob
	changes int
}

// blob is a blob; cut, when there is one, is called in the middle of its next answer, which then breaks off.
type blob struct {
	text, etag string
	cut        func()
}

// New returns a container that holds blobs by name.
func New(name string, blobs map[string]string) *Container {
	c := &Container{Name: name, Page: 2, blobs: map[string]blob{}}
	for _, name := range slices.Sorted(maps.Keys(blobs)) {
		c.Put(name, blobs[name])
	}
	return c
}

// Put writes a blob, which gets another ETag even where its text stays.
func (c *Container) Put(name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	c.blobs[name] = blob{text: text, etag: fmt.Sprintf(`"0x8DE%012X"`, c.changes)}
}

// ETag is a blob's.
func (c *Container) ETag(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blobs[name].etag
}

// Cut breaks the connection in the middle of the next answer with a blob, after then.
func (c *Container) Cut(name string, then func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.blobs[name]
	b.cut = then
	c.blobs[name] = b
}

// ServeHTTP answers List Blobs and Get Blob.
func (c *Container) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ours := strings.CutPrefix(r.URL.Path, "/"+c.Name)
	b, ok, names := c.take(strings.TrimPrefix(path, "/"))
	switch want := r.Header.Get("If-Match"); {
	case ours && r.URL.Query().Get("comp") == "list":
		List(w, r.URL.Query(), names, c.Page)
	case !ours || !ok:
		refuse(w, http.StatusNotFound, "BlobNotFound")
	case want != "" && want != b.etag:
		refuse(w, http.StatusPreconditionFailed, "ConditionNotMet")
	default:
		b.serve(w, r)
	}
}

// take is a blob, whose cut is used up, beside the names of all.
func (c *Container) take(name string) (b blob, ok bool, names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok = c.blobs[name]; ok {
		c.blobs[name] = blob{text: b.text, etag: b.etag}
	}
	return b, ok, slices.Sorted(maps.Keys(c.blobs))
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.WriteHeader(status)
}

// serve answers a blob from where the request wants it.
func (b blob) serve(w http.ResponseWriter, r *http.Request) {
	status, from := http.StatusOK, 0
	for _, header := range []string{"x-ms-range", "Range"} {
		if n, _ := fmt.Sscanf(r.Header.Get(header), "bytes=%d-", &from); n == 1 {
			status = http.StatusPartialContent
		}
	}
	rest := b.text[min(from, len(b.text)):]
	w.Header().Set("ETag", b.etag)
	w.Header().Set("Content-Length", fmt.Sprint(len(rest)))
	w.WriteHeader(status)
	if b.cut == nil {
		_, _ = w.Write([]byte(rest)) // the client is gone when this fails
		return
	}
	_, _ = w.Write([]byte(rest[:len(rest)/2]))
	_ = http.NewResponseController(w).Flush()
	b.cut()
	panic(http.ErrAbortHandler)
}

// List answers List Blobs: what begins with prefix, and with a delimiter, folders in place of what lies below them. Names are
// in order.
func List(w http.ResponseWriter, query url.Values, names []string, page int) {
	var entries []string
	below := ""
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, query.Get("prefix"))
		if !ok || below != "" && strings.HasPrefix(name, below) {
			continue
		}
		entry := `<Blob><Name>` + name + `</Name></Blob>`
		if at := strings.IndexByte(rest, '/'); at >= 0 && query.Get("delimiter") == "/" {
			below = query.Get("prefix") + rest[:at+1]
			entry = `<BlobPrefix><Name>` + below + `</Name></BlobPrefix>`
		}
		entries = append(entries, entry)
	}
	from, next := 0, ""
	_, _ = fmt.Sscan(query.Get("marker"), &from)
	to := min(from+page, len(entries))
	if to < len(entries) {
		next = fmt.Sprint(to)
	}
	w.Header().Set("Content-Type", "application/xml")
	//nolint:gosec // XML that our own client reads, and no browser
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>%s</Blobs><NextMarker>%s</NextMarker></EnumerationResults>`, strings.Join(entries[from:to], ""), next)
}
