package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// acs sends through Azure Communication Services (Azure/azure-rest-api-specs, communication/data-plane/Email, stable
// 2025-09-01). There is no SDK for Go.
type acs struct {
	endpoint string
	client   *http.Client
	tokens   *tokens
}

const (
	acsVersion = "2025-09-01"
	acsScope   = "https://communication.azure.com/.default"
	// acsLimit keeps a request below 10 MB (learn: "Service limits for Azure Communication Services", Email): base64
	// makes four bytes of three, and the mail itself wants some room.
	acsLimit = 7 << 20
)

func newACS(endpoint string, c *http.Client, t *tokens) (provider, *settings.Problem) {
	if endpoint == "" {
		return nil, &settings.Problem{Name: acsDef.Name, Reason: "is not set, and MAIL_PROVIDER acs needs it", Hint: acsDef.Hint}
	}
	return &acs{strings.TrimRight(endpoint, "/"), c, t}, nil
}

func (a *acs) limit() int64 { return acsLimit }

// acsMail is the body of emails:send.
type acsMail struct {
	Sender  string `json:"senderAddress"`
	Content struct {
		Subject string `json:"subject"`
		Text    string `json:"plainText"`
		HTML    string `json:"html"`
	} `json:"content"`
	Recipients struct {
		To []acsAddress `json:"to"`
	} `json:"recipients"`
	Attachments []acsFile         `json:"attachments,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	NoTracking  bool              `json:"userEngagementTrackingDisabled"`
}

type acsAddress struct {
	Address string `json:"address"`
}

type acsFile struct {
	Name string `json:"name"`
	Type string `json:"contentType"`
	Data string `json:"contentInBase64"`
}

func (a *acs) send(ctx context.Context, from string, m Mail) error {
	body, err := json.Marshal(acsBody(from, m))
	if err != nil {
		return notify.Permanent(errors.New("encode mail"))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.endpoint+"/emails:send?api-version="+acsVersion, bytes.NewReader(body))
	if err != nil {
		return notify.Permanent(errors.New("ACS_ENDPOINT is not an address"))
	}
	if err := a.tokens.authorize(ctx, r, acsScope); err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Operation-Id", operationID(m.ID))
	answer, err := notify.Send(a.client, r)
	if err != nil {
		return fmt.Errorf("ask Communication Services: %w%s", err, acsReason(answer))
	}
	var state acsState
	if json.Unmarshal(answer.Body, &state) != nil || state.Status == "" {
		return notify.Fail(notify.Unconfirmed, errors.New("ask Communication Services: answered with something else than a state (hint: check ACS_ENDPOINT)"))
	}
	if !m.Confirm {
		return state.err()
	}
	return a.await(ctx, answer, state)
}

func acsBody(from string, m Mail) acsMail {
	var body acsMail
	body.Sender = from
	body.Content.Subject, body.Content.Text, body.Content.HTML = m.Subject, m.Text, m.HTML
	for _, to := range m.To {
		body.Recipients.To = append(body.Recipients.To, acsAddress{to})
	}
	for _, f := range m.Attachments {
		body.Attachments = append(body.Attachments, acsFile{f.Name, f.Type, base64.StdEncoding.EncodeToString(f.Data)})
	}
	if m.Conversation != "" {
		id := messageID(m.Conversation, from)
		body.Headers = map[string]string{"In-Reply-To": id, "References": id}
	}
	body.NoTracking = true // links in an alert are not to be rewritten
	return body
}

// operationID is the UUID under which the service knows the sending: the same for the same mail, so that one that is
// asked for again after a lost answer is the same operation.
func operationID(id string) string {
	sum := sha256.Sum256([]byte("auditbell mail " + id))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8, variant 10 (RFC 9562)
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// acsState is what the service says of a sending.
type acsState struct {
	Status string `json:"status"` // NotStarted Running Succeeded Failed Canceled
	Error  struct {
		Code string `json:"code"`
	} `json:"error"`
}

func (s acsState) err() error {
	switch s.Status {
	case "Failed", "Canceled":
		code := ""
		if acsCode.MatchString(s.Error.Code) {
			code = ": " + s.Error.Code
		}
		return errors.New("Communication Services could not send the mail" + code)
	}
	return nil
}

// pollAtMost bounds how long Confirm waits; what is still on its way then counts as sent.
const pollAtMost = 25 * time.Second

// await asks for the state until it is final.
func (a *acs) await(ctx context.Context, accepted notify.Answer, state acsState) error {
	ctx, cancel := context.WithTimeout(ctx, pollAtMost)
	defer cancel()
	where, ok := a.where(accepted)
	for ok && (state.Status == "NotStarted" || state.Status == "Running") {
		if !sleep(ctx, retryAfter(accepted)) {
			return nil
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, where, http.NoBody)
		if err != nil {
			return nil //nolint:nilerr // it was accepted; only its end is not known
		}
		if err := a.tokens.authorize(ctx, r, acsScope); err != nil {
			return nil //nolint:nilerr // as above
		}
		if accepted, err = notify.Send(a.client, r); err != nil {
			return nil //nolint:nilerr // as above
		}
		state = acsState{}
		if json.Unmarshal(accepted.Body, &state) != nil {
			return nil
		}
	}
	return state.err()
}

// where is the address of the sending's state, if it is one of the service's own: the token goes nowhere else.
func (a *acs) where(accepted notify.Answer) (string, bool) {
	where, err := url.Parse(accepted.Header.Get("Operation-Location"))
	own, ownErr := url.Parse(a.endpoint)
	if err != nil || ownErr != nil || where.Host != own.Host || where.Scheme != own.Scheme {
		return "", false
	}
	return where.String(), true
}

func retryAfter(a notify.Answer) time.Duration {
	if d, err := time.ParseDuration(a.Header.Get("Retry-After") + "s"); err == nil && d > 0 {
		return min(d, 10*time.Second)
	}
	return 2 * time.Second
}

// sleep waits for d; false when the context ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// acsCode is an error code; the message beside it may quote the request and is left out.
var acsCode = regexp.MustCompile(`^[A-Za-z]{3,60}$`)

func acsReason(a notify.Answer) string {
	var body struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	switch {
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return " (hint: give the identity the role Communication and Email Service Owner on the resource)"
	case json.Unmarshal(a.Body, &body) != nil || !acsCode.MatchString(body.Error.Code):
		return ""
	}
	return ": " + body.Error.Code
}
