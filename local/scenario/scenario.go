// Package scenario is what `go run ./local` replays: deliveries in the shapes that Microsoft publishes, and what each
// must lead to.
//
// The eight samples of the page "Azure Activity Log event schema" are among them, told as an action group tells them;
// the others are our own, written after the pages on Event Grid and action group payloads. They are data to look at,
// not a test suite: the forms and their oddities are tested in handler/payload. A delivery is a JSON file under
// deliveries/; adding one is adding a file.
package scenario

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"time"
)

//go:embed deliveries/*.json
var files embed.FS

// Delivery is one request that Azure would make.
type Delivery struct {
	Title string `json:"title"`
	Via   string `json:"via"` // "eventgrid", "cloudevents" or "actiongroup"
	// Expect says what the readers get: a message that contains Text in every channel, or, where Silent says why,
	// nothing new.
	Expect struct {
		Text   string `json:"text"`
		Silent string `json:"silent"`
	} `json:"expect"`
	Payload json.RawMessage `json:"payload"`
}

// Function is the function that the delivery goes to.
func (d Delivery) Function() string {
	if d.Via == "actiongroup" {
		return "actiongroup-alert"
	}
	return "eventgrid-activity"
}

// Load returns the deliveries in order. {{now -90s}} becomes that moment, and {{guid NAME}} an id that is the same
// wherever NAME stands and new in every run, so that a kept store does not take this run for a redelivery of the last.
func Load(now time.Time) ([]Delivery, error) {
	names, err := fs.Glob(files, "deliveries/*.json")
	if err != nil {
		return nil, err
	}
	var all []Delivery
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var d Delivery
		if err := json.Unmarshal(expand(text, now), &d); err != nil {
			return nil, fmt.Errorf("read scenario %s: %w", name, err)
		}
		all = append(all, d)
	}
	return all, nil
}

var marks = regexp.MustCompile(`\{\{(now|guid) ([a-z0-9-]+)\}\}`)

func expand(text []byte, now time.Time) []byte {
	return marks.ReplaceAllFunc(text, func(mark []byte) []byte {
		parts := marks.FindSubmatch(mark)
		if string(parts[1]) == "guid" {
			return []byte(guid(now, string(parts[2])))
		}
		ago, err := time.ParseDuration(string(parts[2]))
		if err != nil {
			return mark // stays visible as a time that cannot be read
		}
		return []byte(now.Add(ago).UTC().Format("2006-01-02T15:04:05.0000000Z")) // seven digits, as Azure writes
	})
}

func guid(now time.Time, name string) string {
	sum := sha256.Sum256([]byte(now.Format(time.RFC3339Nano) + name))
	h := fmt.Sprintf("%x", sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// Send makes the request to the Functions host at address (http://127.0.0.1:7071) and returns the status.
func (d Delivery) Send(ctx context.Context, client *http.Client, address string) (status int, err error) {
	url := address + "/runtime/webhooks/eventgrid?functionName=" + d.Function()
	if d.Via == "actiongroup" {
		url = address + "/api/" + d.Function()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Payload))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if d.Via == "cloudevents" {
		r.Header.Set("Content-Type", "application/cloudevents-batch+json; charset=utf-8")
	}
	if d.Via != "actiongroup" {
		r.Header.Set("aeg-event-type", "Notification")
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("deliver %q: %w", d.Title, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, nil
}
