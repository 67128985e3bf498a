package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// web is everything that an instance reaches over HTTP beside its account: channels, and what is looked up.
type web struct{ instance *instance }

// RoundTrip is one request of a notify client or a lookup.
func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readAll(r.Body, r.ContentLength)
	if err != nil {
		return nil, err
	}
	s := w.instance.sim
	st := s.outgoing(r, body)
	st.instance = w.instance
	content := string(body)
	if st.mime {
		content = st.text // what is around it is random
	}
	v, err := s.scheduler.call(r.Context(), st, content)
	if err != nil {
		return nil, err
	}
	switch v.fault {
	case refused, forbidden:
		return s.refuse(r, st, v), nil
	case broken:
		return nil, syscall.ECONNRESET
	case odd:
		return s.signIn(st).response(r), nil
	}
	got := s.take(r, st, body, v)
	switch v.fault {
	case lost:
		return nil, io.ErrUnexpectedEOF
	case late:
		if err := wait(r.Context(), v.wait); err != nil {
			return nil, err
		}
	case killedAfter:
		return nil, s.scheduler.bury()
	case garbled:
		got = signInPage
	}
	return got.response(r), nil
}

// outgoing says what a request is.
func (s *simulation) outgoing(r *http.Request, body []byte) *step {
	st := &step{phase: post}
	switch r.URL.Host {
	case "acs.invalid":
		s.communication.read(st, r, body, s.plan.Seed%2 == 0)
		return st
	case "slack.invalid":
		st.channel, st.form = "slack", slackForm(body)
		if strings.HasSuffix(r.URL.Path, "chat.update") || st.form.Get("thread_ts") != "" {
			st.phase = edit
		}
	case "teams.invalid":
		st.channel = "teams"
	case "webhook.invalid":
		st.channel = "webhook"
	default:
		if strings.HasSuffix(r.URL.Path, "/sendMail") {
			st.mime = true
			st.channel, st.text = graphMail(body, s.plan.Seed%2 == 0)
			st.describe()
			return st
		}
		st.phase, st.what = lookUp, r.Method+" "+r.URL.Path[:min(len(r.URL.Path), 60)]
		return st
	}
	st.text = readable(st.form, body)
	st.describe()
	return st
}

// describe says what a message is about, for the trace.
func (st *step) describe() {
	st.alert = oracle.AlertIn(st.text)
	text, _, _ := oracle.Headline(st.text)
	st.what = st.channel + " " + text[:min(len(text), 90)]
}

// refuse is how a channel, or Azure, says no.
func (s *simulation) refuse(r *http.Request, st *step, v verdict) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}
	if v.fault == forbidden && st.phase == edit {
		s.mu.Lock()
		s.world.Barred = append(s.world.Barred, st.message(v, ""))
		s.mu.Unlock()
	}
	if v.wait > 0 && st.channel != "" {
		s.mu.Lock()
		s.world.Waits = append(s.world.Waits, oracle.Wait{Channel: st.channel, Alert: st.alert, At: time.Now(), Until: time.Now().Add(v.wait - time.Second)})
		s.mu.Unlock()
	}
	if v.wait > 0 {
		header["Retry-After"] = []string{fmt.Sprint(int(v.wait.Seconds()))}
	}
	if v.status/100 == 3 {
		header["Location"] = []string{"https://signin.invalid/"}
	}
	if v.fault == forbidden && st.phase == mailCommand {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.communication.fail(s, r)
		return s.communication.take(s, st, r, v).response(r)
	}
	if st.channel != "slack" {
		return reply{v.status, header, []byte(`{"error":{"code":"Simulated","message":"simulated"}}`)}.response(r)
	}
	if code, ok := slackRefusals[v.status]; ok {
		return reply{http.StatusOK, header, []byte(`{"ok":false,"error":"` + code + `"}`)}.response(r)
	}
	return reply{v.status, header, []byte(`{"ok":false,"error":"simulated"}`)}.response(r)
}

// signInPage is the answer of a proxy that asks for a sign-in.
var signInPage = reply{http.StatusOK, http.Header{"Content-Type": {"text/html"}}, []byte("<!DOCTYPE html><html><title>Sign in</title></html>")}

// signIn answers in place of a service. Nothing was done, and the program cannot know. What Azure is asked is answered in other
// odd ways besides.
func (s *simulation) signIn(st *step) reply {
	if st.phase == lookUp {
		return oddAnswers[s.scheduler.random.IntN(len(oddAnswers))]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.Doubts = append(s.world.Doubts, st.message(verdict{}, ""))
	return signInPage
}

// oddAnswers are what no page of Azure's documents: they say nothing of what was asked for.
var oddAnswers = []reply{
	signInPage, {status: http.StatusNoContent}, strange("null"), strange("{}"), strange(`{"value":null}`), strange(`{"properties":"none"}`), strange(`[{"id":1}]`), strange(`{"id":"/sub`),
}

func strange(text string) reply {
	return reply{http.StatusOK, http.Header{"Content-Type": {"application/json"}}, []byte(text)}
}

// slackRefusals are Slack's words for what others say with a status: it answers 200.
var slackRefusals = map[int]string{401: "invalid_auth", 403: "not_in_channel", 404: "channel_not_found", 410: "is_archived"}

// take does what is asked for.
func (s *simulation) take(r *http.Request, st *step, body []byte, v verdict) reply {
	if st.phase == lookUp {
		w := httptest.NewRecorder()
		ask := r.Clone(context.WithoutCancel(r.Context()))
		ask.Body = io.NopCloser(bytes.NewReader(body))
		s.azure.ServeHTTP(w, ask)
		return reply{w.Code, w.Header(), w.Body.Bytes()}
	}
	m := st.message(v, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Host == "acs.invalid" {
		return s.communication.take(s, st, r, v)
	}
	header := http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}
	switch st.channel {
	case "slack":
		answer := s.slack(r, st.form, &m)
		return reply{http.StatusOK, header, answer}
	case "teams":
		m.Ref = fmt.Sprintf("card-%d", len(s.messages))
		s.messages = append(s.messages, m)
		return reply{http.StatusAccepted, header, nil}
	}
	m.Ref = fmt.Sprintf("call-%d", len(s.messages))
	s.messages = append(s.messages, m)
	if st.mime {
		return reply{http.StatusAccepted, header, nil}
	}
	return reply{http.StatusOK, header, []byte("ok")}
}

// slack takes a message, an edit or a reply. A message that is not there cannot be edited.
func (s *simulation) slack(r *http.Request, form url.Values, m *oracle.Message) []byte {
	no := func(code string) []byte { return []byte(`{"ok":false,"error":"` + code + `"}`) }
	method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case method == "chat.update":
		m.Kind, m.Ref = "edit", form.Get("ts")
		if !s.has(m.Ref) {
			return no("message_not_found")
		}
		s.blocks[m.Ref] = form.Get("blocks")
	case method == "chat.postMessage" && form.Get("thread_ts") != "":
		m.Kind, m.Ref = "reply", form.Get("thread_ts")
		if !s.has(m.Ref) {
			return no("thread_not_found")
		}
	case method == "chat.postMessage":
		m.Ref = fmt.Sprintf("%d.%06d", time.Now().Unix(), len(s.messages))
		s.blocks[m.Ref] = form.Get("blocks")
	default:
		return no("unknown_method")
	}
	s.messages = append(s.messages, *m)
	ts := m.Ref
	if m.Kind == "reply" {
		ts = fmt.Sprintf("%d.%06d", time.Now().Unix(), len(s.messages))
	}
	return fmt.Appendf(nil, `{"ok":true,"channel":"C0SECURITY","ts":"%s","text":"","message":{"ts":"%s"}}`, ts, ts)
}

// has reports whether there is a message with a time stamp.
func (s *simulation) has(stamp string) bool {
	_, ok := s.blocks[stamp]
	return ok
}

// readable is everything that a reader can see of a message: all texts in its JSON, which Slack is sent in a form.
func readable(form url.Values, body []byte) string {
	var out []string
	collect := func(text []byte) {
		var v any
		if json.Unmarshal(text, &v) == nil {
			texts(v, &out)
		}
	}
	if form == nil {
		collect(body)
		return plain(strings.Join(out, " "))
	}
	out = append(out, form.Get("text"))
	collect([]byte(form.Get("blocks")))
	return unescape.Replace(plain(strings.Join(out, " ")))
}

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "\u200b", "", "\u2060", "")

// texts walks a JSON value in the order in which it is written, as far as that is known.
func texts(v any, out *[]string) {
	switch v := v.(type) {
	case string:
		*out = append(*out, v)
	case []any:
		for _, one := range v {
			texts(one, out)
		}
	case map[string]any:
		for _, name := range keys(v) {
			texts(v[name], out)
		}
	}
}
