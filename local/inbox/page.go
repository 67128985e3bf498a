package inbox

import (
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

// page registers the page and its files.
func (s *Server) page(mux *http.ServeMux) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic("inbox: embedded page: " + err.Error()) // the folder is part of the binary
	}
	serve := http.FileServerFS(files)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-cache")
		serve.ServeHTTP(w, r)
	})
}
