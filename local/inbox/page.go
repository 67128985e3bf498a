package inbox

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
)

// pageFiles is the page: plain HTML, CSS and JavaScript modules, nothing built and nothing loaded from elsewhere.
//
//go:embed page
var pageFiles embed.FS

// policy lets the page load its own files and nothing else. Text from messages only ever becomes text nodes; if that should
// fail one day, this keeps a script from running.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// opening is what the page knows when it opens, before the stream has said anything: it draws at once, and a picture of
// it is complete when the browser calls it loaded.
type opening struct {
	Start    start  `json:"start"`
	Messages []view `json:"messages"`
	Status   status `json:"status"`
}

// page registers the page and its files.
func (s *Server) page(mux *http.ServeMux) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic("inbox: embedded page: " + err.Error()) // the folder is part of the binary
	}
	home, err := fs.ReadFile(files, "index.html")
	if err != nil {
		panic("inbox: embedded page: " + err.Error())
	}
	mux.Handle("GET /", guarded(http.FileServerFS(files)))
	mux.Handle("GET /{$}", guarded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(bytes.Replace(home, []byte("null"), s.opening(), 1))
	})))
}

// opening is JSON for a script element that holds data: encoding/json writes <, > and & as \u003c and so on, so nothing in
// a message can end the element.
func (s *Server) opening() []byte {
	var c cursor
	fresh, first, _ := s.store.since(&c)
	o := opening{Start: first, Messages: []view{}, Status: s.status()}
	for _, e := range fresh {
		o.Messages = append(o.Messages, viewOf(e))
	}
	return mustJSON(o)
}

// guarded adds the headers that keep the page to itself.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
