package email

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/settings"
)

const token = "hunter2-token"

// identity hands out a token for the scope that it is asked for.
type identity struct{ scope string }

func (i identity) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if len(o.Scopes) != 1 || o.Scopes[0] != i.scope {
		return azcore.AccessToken{}, fmt.Errorf("asked for %v, want %s", o.Scopes, i.scope)
	}
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

const graphScope = "https://graph.microsoft.com/.default"

func TestCommunicationServicesMeetsTheContract(t *testing.T) {
	t.Parallel()
	notifytest.Run(t, notifytest.Harness{
		State: notify.Accepted,
		Open:  Way{Identity: identity{acsScope}}.Open,
		Settings: func(base string) map[string]string {
			return map[string]string{"MAIL_PROVIDER": "acs", "MAIL_FROM": "Audit bell <bell@contoso.example>", "MAIL_TO": "Ann <ann@contoso.example>", "ACS_ENDPOINT": base}
		},
		Secrets: []string{token},
		Accept:  acceptACS,
		Answer: func(w http.ResponseWriter, _ notifytest.Shown) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"id":"1","status":"Running"}`)
		},
	})
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// acceptACS reads a request as Azure-rest-api-specs' CommunicationServicesEmail.json describes it.
func acceptACS(r *http.Request, body []byte) (notifytest.Shown, error) {
	var m acsMail
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return notifytest.Shown{}, err
	}
	switch {
	case r.URL.String() != "/emails:send?api-version=2025-09-01" || r.Method != http.MethodPost:
		return notifytest.Shown{}, fmt.Errorf("%s %s", r.Method, r.URL)
	case r.Header.Get("Authorization") != "Bearer "+token:
		return notifytest.Shown{}, errors.New("no token")
	case !uuid.MatchString(r.Header.Get("Operation-Id")):
		return notifytest.Shown{}, fmt.Errorf("operation id %q", r.Header.Get("Operation-Id"))
	case m.Sender != "bell@contoso.example" || len(m.Recipients.To) != 1 || m.Recipients.To[0].Address != "ann@contoso.example":
		return notifytest.Shown{}, fmt.Errorf("from %s to %v", m.Sender, m.Recipients.To)
	}
	return shown(m.Content.Subject, m.Content.Text, m.Content.HTML)
}

func TestGraphMeetsTheContract(t *testing.T) {
	t.Parallel()
	notifytest.Run(t, notifytest.Harness{
		State: notify.Accepted,
		Open:  Way{Identity: identity{graphScope}}.Open,
		Settings: func(base string) map[string]string {
			return map[string]string{"MAIL_PROVIDER": "graph", "MAIL_FROM": "bell@contoso.example", "MAIL_TO": "soc@contoso.example", "GRAPH_ENDPOINT": base + "/v1.0"}
		},
		Secrets: []string{token},
		Accept: func(r *http.Request, body []byte) (notifytest.Shown, error) {
			if r.URL.String() != "/v1.0/users/bell@contoso.example/sendMail" || r.Header.Get("Content-Type") != "text/plain" || r.Header.Get("Authorization") != "Bearer "+token {
				return notifytest.Shown{}, fmt.Errorf("%s as %s", r.URL, r.Header.Get("Content-Type"))
			}
			raw, err := base64.StdEncoding.DecodeString(string(body))
			if err != nil {
				return notifytest.Shown{}, err
			}
			got, err := parse(raw)
			if err != nil {
				return notifytest.Shown{}, err
			}
			return shown(got.subject, got.parts["text/plain"], got.parts["text/html"])
		},
		Answer: func(w http.ResponseWriter, _ notifytest.Shown) { w.WriteHeader(http.StatusAccepted) },
	})
}

var (
	href    = regexp.MustCompile(`<a [^>]*href="([^"]*)"`)
	tags    = regexp.MustCompile(`(?s)<style.*?</style>|<[^>]*>`)
	address = regexp.MustCompile(`(?i)\b(https?://|www\.)\S+`)
)

// shown is what a reader sees of a mail and what he can click, in both of its parts: clients make links of whatever
// looks like an address.
func shown(subject, text, page string) (notifytest.Shown, error) {
	s := notifytest.Shown{Kind: notifytest.Post}
	for _, m := range href.FindAllStringSubmatch(page, -1) {
		s.Live = append(s.Live, html.UnescapeString(m[1]))
	}
	page = strings.ReplaceAll(page, "\r\n", "\n") // of MIME
	visible := html.UnescapeString(tags.ReplaceAllString(page, "\n"))
	s.Text = subject + "\n" + visible
	if strings.ContainsAny(subject, "\r\n") || len(subject) > 998 {
		return s, fmt.Errorf("subject %q", subject)
	}
	for _, word := range []string{"<script", "<img", "javascript:", "onerror="} {
		if strings.Contains(strings.ToLower(strings.ReplaceAll(page, "&lt;", "")), word) && !strings.Contains(visible, word) {
			return s, fmt.Errorf("the page holds %q", word)
		}
	}
	s.Live = append(s.Live, address.FindAllString(visible, -1)...)
	for _, a := range address.FindAllString(text, -1) {
		if !strings.Contains(strings.Join(s.Live, "\n"), a) {
			s.Live = append(s.Live, a)
		}
	}
	return s, nil
}

// parsed is a mail as a client reads it.
type parsed struct {
	header  mail.Header
	subject string
	parts   map[string]string // by media type
	files   map[string][]byte
}

func parse(raw []byte) (parsed, error) {
	p := parsed{parts: map[string]string{}, files: map[string][]byte{}}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return p, err
	}
	p.header = m.Header
	if p.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return p, err
	}
	return p, p.part(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
}

func (p *parsed) part(contentType, encoding, disposition string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			one, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := p.part(one.Header.Get("Content-Type"), one.Header.Get("Content-Transfer-Encoding"), one.Header.Get("Content-Disposition"), one); err != nil {
				return err
			}
		}
	}
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(body)
	if _, params, _ := mime.ParseMediaType(disposition); params["filename"] != "" {
		p.files[params["filename"]] = data
	} else {
		p.parts[kind] = string(data)
	}
	return err
}

func TestSameMailIsTheSameOperation(t *testing.T) {
	t.Parallel()
	if a, b := operationID("digest monthly 2026-10"), operationID("digest monthly 2026-10"); a != b || !uuid.MatchString(a) {
		t.Errorf("operation ids %s and %s, want one UUID", a, b)
	}
	if operationID("digest monthly 2026-10") == operationID("digest monthly 2026-11") {
		t.Error("two months are one operation")
	}
}

// TestConfirmWaitsForTheEnd lets the service say Running twice, and then how it went.
func TestConfirmWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		end, code string
		state     notify.State
		kind      notify.Kind
	}{
		{"Succeeded", "", notify.Confirmed, notify.Trouble},
		{"Failed", "InvalidRecipient", "", notify.Trouble},
		{"Failed", suppressed, "", notify.DestinationRefused},
		{"Canceled", "InvalidRecipient", "", notify.Trouble},
	} {
		var asked atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "0.001")
			state := "Running"
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusAccepted)
			} else if !strings.HasPrefix(r.URL.Path, "/emails/operations/") {
				t.Errorf("asked %s", r.URL)
			} else if asked.Add(1) == 2 {
				state = c.end
			}
			_, _ = fmt.Fprintf(w, `{"id":"1","status":%q,"error":{"code":%q,"message":"secret@contoso.example"}}`, state, c.code)
		}))
		m := Mailer{&acs{server.URL, server.Client(), &tokens{credential: identity{acsScope}}}, &mail.Address{Address: "bell@contoso.example"}}
		ref, err := m.Send(t.Context(), Mail{ID: "x", To: "a@contoso.example", Confirm: true})
		if ref.State != c.state || notify.KindOf(err) != c.kind || asked.Load() != 2 {
			t.Errorf("%s %s: %v, %v after %d questions", c.end, c.code, ref, err, asked.Load())
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), c.code)) {
			t.Errorf("the error is %v; want the code and nothing of the mail", err)
		}
		server.Close()
	}
}

// TestAlertMailIsLookedAtLater is what the pipeline does with a mail that Communication Services accepted.
func TestAlertMailIsLookedAtLater(t *testing.T) {
	t.Parallel()
	var operations []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			operations = append(operations, r.Header.Get("Operation-Id"))
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"status":"Running"}`)
			return
		}
		operations = append(operations, strings.TrimPrefix(r.URL.Path, "/emails/operations/"))
		_, _ = io.WriteString(w, `{"status":"Succeeded"}`)
	}))
	defer server.Close()
	d := Destination{&Mailer{&acs{server.URL, server.Client(), &tokens{credential: identity{acsScope}}}, &mail.Address{Address: "bell@contoso.example"}}, []string{"a@contoso.example"}}
	ref, err := d.Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
	if err != nil || ref.State != notify.Accepted {
		t.Fatalf("%+v, %v; want it accepted", ref, err)
	}
	if state, err := d.Confirm(t.Context(), ref); err != nil || state != notify.Confirmed {
		t.Errorf("later: %v, %v; want it confirmed", state, err)
	}
	if len(operations) != 2 || operations[0] != operations[1] || !uuid.MatchString(operations[0]) {
		t.Errorf("operations %v, want the same twice", operations)
	}
}

// TestASendingThatIsKnownIsNotRefused has Communication Services answer 409 to a sending whose first answer was lost.
func TestASendingThatIsKnownIsNotRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		state  notify.State
		kind   notify.Kind
		unsent bool
	}{
		{200, `{"status":"Succeeded"}`, notify.Confirmed, notify.Trouble, false},
		{200, `{"status":"Running"}`, notify.Accepted, notify.Trouble, false},
		{200, `{"status":"Failed"}`, "", notify.Trouble, true},
		{404, `{"error":{"code":"NotFound"}}`, "", notify.Refused, false}, // it conflicts with something else
		{503, ``, "", notify.NotSent, false},
		{200, `<html>`, "", notify.NotSent, false},
	} {
		posts := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if posts++; r.Method == http.MethodPost {
				w.WriteHeader(http.StatusConflict)
				return
			}
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		d := Destination{&Mailer{&acs{server.URL, server.Client(), &tokens{credential: identity{acsScope}}}, &mail.Address{Address: "bell@contoso.example"}}, []string{"a@contoso.example"}}
		ref, err := d.Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
		server.Close()
		if ref.State != c.state || notify.KindOf(err) != c.kind || errors.Is(err, notify.ErrUnsent) != c.unsent || (err == nil) != (c.state != "") || posts != 2 {
			t.Errorf("409, then %d %s: %+v, %v (kind %v) after %d requests", c.status, c.body, ref, err, notify.KindOf(err), posts)
		}
	}
}

// TestRecipientsStandAlone refuses one of three.
func TestRecipientsStandAlone(t *testing.T) {
	t.Parallel()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m acsMail
		_ = json.NewDecoder(r.Body).Decode(&m)
		if m.Recipients.To[0].Address == "gone@contoso.example" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got = append(got, m.Recipients.To[0].Address)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"Running"}`)
	}))
	defer server.Close()
	s := settings.New(func(name string) (string, bool) {
		v, ok := map[string]string{
			"MAIL_PROVIDER": "acs", "MAIL_FROM": "bell@contoso.example", "ACS_ENDPOINT": server.URL,
			"MAIL_TO": "a@contoso.example; gone@contoso.example, B <b@contoso.example>, a@contoso.example",
		}[name]
		return v, ok
	})
	several, _ := Way{Identity: identity{acsScope}}.Open(s, server.Client()).(notify.Several)
	each := several.Each()
	for _, name := range slices.Sorted(maps.Keys(each)) {
		_, err := each[name].Deliver(t.Context(), notifytest.Grant(), notify.Ref{})
		if (err != nil) != (name == "gone@contoso.example") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff([]string{"a@contoso.example", "b@contoso.example"}, got); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
}

func TestSettingsProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"nothing set":     {},
		"unknown":         {map[string]string{"MAIL_PROVIDER": "pigeon"}, "MAIL_PROVIDER: is none of"},
		"acs without":     {map[string]string{"MAIL_PROVIDER": "acs", "MAIL_FROM": "a@b.example"}, "ACS_ENDPOINT: is not set"},
		"no sender":       {map[string]string{"MAIL_PROVIDER": "graph"}, "MAIL_FROM: is not a mail address"},
		"bad recipient":   {map[string]string{"MAIL_PROVIDER": "graph", "MAIL_FROM": "a@b.example", "MAIL_TO": "a@b.example, nobody"}, "MAIL_TO: holds what"},
		"no port":         {map[string]string{"MAIL_PROVIDER": "smtp", "MAIL_FROM": "a@b.example", "SMTP_ADDRESS": "mail"}, "SMTP_ADDRESS: is not an address"},
		"no password":     {map[string]string{"MAIL_PROVIDER": "smtp", "MAIL_FROM": "a@b.example", "SMTP_ADDRESS": "mail:25", "SMTP_USER": "u"}, "SMTP_PASSWORD: is not set"},
		"digest only":     {map[string]string{"MAIL_PROVIDER": "graph", "MAIL_FROM": "a@b.example"}, ""},
		"plain http away": {map[string]string{"MAIL_PROVIDER": "graph", "MAIL_FROM": "a@b.example", "GRAPH_ENDPOINT": "http://graph.example"}, "GRAPH_ENDPOINT: must start with https://"},
	} {
		s := settings.New(func(name string) (string, bool) { v, ok := c.env[name]; return v, ok })
		if d := Open(s, http.DefaultClient); d != nil {
			t.Errorf("%s: Open returned a destination", name)
		}
		if got := s.Err(); c.want == "" && got != nil || c.want != "" && !strings.HasPrefix(fmt.Sprint(got), c.want) {
			t.Errorf("%s: problems %v, want %q", name, got, c.want)
		}
	}
}
