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
	"net/mail"
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

func (a *acs) send(ctx context.Context, from *mail.Address, m Mail) (string, notify.State, error) {
	body, err := json.Marshal(acsBody(from.Address, m))
	if err != nil {
		return "", "", notify.Fail(notify.MessageRefused, errors.New("encode mail"))
	}
	id := operationID(m.ID + " " + m.To + " " + m.Try)
	answer, err := a.ask(ctx, http.MethodPost, "/emails:send", body, "Operation-Id", id)
	if answer.Status == http.StatusConflict {
		return a.known(ctx, id, err)
	}
	if err != nil {
		return "", "", err
	}
	state, err := stateOf(answer)
	if m.Confirm && err == nil && state == notify.Accepted {
		state, err = a.await(ctx, id, answer)
	}
	return id, state, err
}

// known is the state of a sending that the service has already: the answer to it was lost. A service that says so (409, Azure REST
// API guidelines on Operation-Id) and knows of none refuses it for another reason.
func (a *acs) known(ctx context.Context, id string, refused error) (string, notify.State, error) {
	state, err := a.confirm(ctx, id)
	switch {
	case err == nil, errors.Is(err, notify.ErrUnsent):
		return id, state, err
	case notify.IsPermanent(err):
		return "", "", refused
	}
	return "", "", notify.Fail(notify.NotSent, err)
}

// confirm asks for the state of a sending (GET emails/operations/{operationId}).
func (a *acs) confirm(ctx context.Context, id string) (notify.State, error) {
	answer, err := a.ask(ctx, http.MethodGet, "/emails/operations/"+url.PathEscape(id), nil)
	if err != nil {
		return "", err
	}
	return stateOf(answer)
}

// ask performs one request. Headers come in pairs of name and value.
func (a *acs) ask(ctx context.Context, method, path string, body []byte, headers ...string) (notify.Answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, a.endpoint+path+"?api-version="+acsVersion, bytes.NewReader(body))
	if err != nil {
		return notify.Answer{}, notify.Fail(notify.DestinationRefused, errors.New("ACS_ENDPOINT is not an address"))
	}
	if err := a.tokens.authorize(ctx, r, acsScope); err != nil {
		return notify.Answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := notify.Send(a.client, r)
	if err != nil {
		return answer, fmt.Errorf("ask Communication Services: %w%s", err, acsReason(answer))
	}
	return answer, nil
}

func acsBody(from string, m Mail) acsMail {
	var body acsMail
	body.Sender = from
	body.Content.Subject, body.Content.Text, body.Content.HTML = m.Subject, m.Text, m.HTML
	body.Recipients.To = []acsAddress{{m.To}}
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

// suppressed is the code of a recipient that the service sends nothing to any more, because earlier mail came back
// (learn: "Manage domain suppression lists").
const suppressed = "EmailDroppedAllRecipientsSuppressed"

// stateOf reads what the service says of a sending.
func stateOf(answer notify.Answer) (notify.State, error) {
	var s acsState
	if json.Unmarshal(answer.Body, &s) != nil {
		s.Status = ""
	}
	switch s.Status {
	case "NotStarted", "Running":
		return notify.Accepted, nil
	case "Succeeded":
		return notify.Confirmed, nil
	case "Failed", "Canceled":
	default:
		return "", notify.Fail(notify.Unconfirmed, errors.New("ask Communication Services: answered with something else than a state (hint: check ACS_ENDPOINT)"))
	}
	switch err := fmt.Errorf("send mail by Communication Services: %w", notify.ErrUnsent); {
	case s.Error.Code == suppressed:
		return "", notify.Fail(notify.DestinationRefused, fmt.Errorf("%w: %s (hint: take the address off the suppression list, or out of the settings)", err, suppressed))
	case acsCode.MatchString(s.Error.Code):
		return "", fmt.Errorf("%w: %s", err, s.Error.Code)
	default:
		return "", err
	}
}

// pollAtMost bounds how long Confirm waits; what is still on its way then is accepted.
const pollAtMost = 25 * time.Second

// await asks for the state until it is final. A question that fails changes nothing: the mail was accepted.
func (a *acs) await(ctx context.Context, id string, accepted notify.Answer) (notify.State, error) {
	ctx, cancel := context.WithTimeout(ctx, pollAtMost)
	defer cancel()
	for sleep(ctx, retryAfter(accepted)) {
		answer, err := a.ask(ctx, http.MethodGet, "/emails/operations/"+id, nil)
		if err != nil {
			break
		}
		if state, err := stateOf(answer); state != notify.Accepted && notify.KindOf(err) != notify.Unconfirmed {
			return state, err
		}
		accepted = answer
	}
	return notify.Accepted, nil
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
