package inbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// pageWindow bounds what a page gets when it connects; the API has everything.
	pageWindow = 400
	// heartbeat keeps proxies and browsers from taking a quiet inbox for a dead one.
	heartbeat = 20 * time.Second
)

// view is an entry as the page needs it: a mail taken apart instead of its source.
type view struct {
	entry
	Body json.RawMessage `json:"body,omitempty"`
	Mail *mailView       `json:"mail,omitempty"`
}

// mailView is a mail without its HTML and files, which the page fetches one by one.
type mailView struct {
	From    string     `json:"from"`
	To      string     `json:"to"`
	Cc      string     `json:"cc,omitempty"`
	Subject string     `json:"subject"`
	Date    string     `json:"date"`
	Text    string     `json:"text"`
	HTML    bool       `json:"html"`
	Files   []fileView `json:"files,omitempty"`
}

// fileView names a file; its place in the list is its number in the URL.
type fileView struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int    `json:"size"`
}

// viewOf prepares an entry. A mail that cannot be read any more is shown as empty, with its source a click away.
func viewOf(e entry) view {
	v := view{entry: e, Body: e.Body}
	if e.Destination != Email {
		return v
	}
	var raw string
	v.Body, v.Mail = nil, &mailView{To: e.Channel}
	if json.Unmarshal(e.Body, &raw) != nil {
		return v
	}
	l, err := readLetter([]byte(raw))
	if err != nil {
		return v
	}
	v.Mail = &mailView{From: l.From, To: l.To, Cc: l.Cc, Subject: l.Subject, Date: l.Date, Text: l.Text, HTML: l.HTML != ""}
	for _, f := range l.Attachments {
		v.Mail.Files = append(v.Mail.Files, fileView{Name: f.Name, Type: f.Type, Size: len(f.Data)})
	}
	return v
}

// start names one life of the list: it changes when the list is emptied and when the inbox starts again, and then ids mean
// something else.
type start struct {
	Life   string `json:"life"`
	Window int    `json:"window"`
}

// cursor is how far one page has read of which life.
type cursor struct {
	seen int // entries
	life string
}

// since returns the entries after the cursor and moves it. In a new life it starts over.
func (s *store) since(c *cursor) (fresh []entry, now start, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = start{Life: fmt.Sprintf("%d-%d", s.opened.UnixNano(), s.emptied), Window: pageWindow}
	if c.life != now.Life {
		*c = cursor{life: now.Life}
	}
	from := max(c.seen, len(s.entries)-pageWindow)
	fresh = append(fresh, s.entries[from:]...)
	c.seen = len(s.entries)
	return fresh, now, s.changed
}

// stream sends the page what there is and then what comes, as Server-Sent Events: start, message, status. A page that
// reconnects gets everything again and skips the ids it knows, so a lost connection loses nothing.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := events{w: w, flush: http.NewResponseController(w).Flush}
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	var c cursor
	for life := ""; ; life = c.life {
		fresh, now, changed := s.store.since(&c)
		if life != now.Life {
			out.send("start", now)
		}
		for _, e := range fresh {
			out.send("message", viewOf(e))
		}
		out.send("status", s.status())
		if out.finish() != nil || !s.pause(r, changed, tick.C) {
			return
		}
	}
}

// pause waits for a change or a heartbeat; false means that there is nobody to tell any more.
func (s *Server) pause(r *http.Request, changed <-chan struct{}, tick <-chan time.Time) bool {
	select {
	case <-changed:
	case <-tick:
	case <-r.Context().Done():
		return false
	case <-s.done:
		return false
	}
	return true
}

// events writes Server-Sent Events and remembers the first error.
type events struct {
	w     http.ResponseWriter
	flush func() error
	err   error
}

// send writes one event. JSON has no line breaks of its own, so one data line is enough.
func (o *events) send(name string, v any) {
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.w, "event: %s\ndata: %s\n\n", name, mustJSON(v))
	}
}

// finish sends what was written, or says what went wrong since the last time.
func (o *events) finish() error {
	if o.err != nil {
		return o.err
	}
	return o.flush()
}
