package digest

import (
	"fmt"
	"strings"
	"time"
)

// End is a destination that did not get everything, at the time of the report.
type End struct {
	Name        string    `json:"name"`
	Removed     bool      `json:"removed,omitempty"`     // it is not in the settings any more, and is owed alerts
	Unwell      time.Time `json:"unwell_since,omitzero"` // it takes no messages
	Waiting     int       `json:"waiting,omitempty"`     // alerts
	Unconfirmed int       `json:"unconfirmed,omitempty"` // messages
	Reduced     int       `json:"reduced,omitempty"`     // messages that it refused in full and took with less in them
	Reason      string    `json:"reason,omitempty"`      // what it said
	Discarded   []Discard `json:"discarded,omitempty"`   // in the period
}

// Discard is a delivery that a person gave up.
type Discard struct {
	Alert string    `json:"alert"`
	Title string    `json:"title"`
	At    time.Time `json:"at"`
	By    string    `json:"by,omitempty"`
}

// Quiet reports whether there is nothing to say of it.
func (e *End) Quiet() bool {
	return !e.Removed && e.Unwell.IsZero() && e.Waiting == 0 && e.Unconfirmed == 0 && e.Reduced == 0 && e.Reason == "" && len(e.Discarded) == 0
}

// words say how the destination is.
func (e *End) words(zone *time.Location) string {
	var all []string
	add := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(e.Removed, "is not in the settings any more")
	add(!e.Unwell.IsZero(), "takes no messages since %s", clock(e.Unwell, zone))
	add(e.Waiting > 0, "%s", counting(int64(e.Waiting), "alert waits", "alerts wait"))
	add(e.Unconfirmed > 0, "%s not confirmed", counting(int64(e.Unconfirmed), "message is", "messages are"))
	add(e.Reduced > 0, "%s refused in full and sent with less", counting(int64(e.Reduced), "message was", "messages were"))
	add(len(e.Discarded) > 0, "%s discarded by a person", counting(int64(len(e.Discarded)), "delivery was", "deliveries were"))
	text := strings.Join(all, "; ")
	if e.Reason != "" {
		text = strings.TrimPrefix(text+": "+e.Reason, ": ")
	}
	return text
}

// discardsShown bounds the list in documents for people.
const discardsShown = 60

// endsSection names destinations that did not get everything, mail addresses included, and what a person discarded.
func (r *Report) endsSection() []Block {
	if len(r.Ends) == 0 {
		return nil
	}
	var rows [][2]string
	discarded := [][]any{}
	for i := range r.Ends {
		e := &r.Ends[i]
		rows = append(rows, [2]string{e.Name, e.words(r.Zone)})
		for _, d := range e.Discarded {
			discarded = append(discarded, []any{d.At, e.Name, d.Title, orUnknown(d.By)})
		}
	}
	blocks := []Block{Heading{Level: 2, Text: "What did not get to a destination"}, facts("Destinations", rows)}
	if len(discarded) > 0 {
		columns := []Column{{"When", When}, {"Destination", Words}, {"Alert", Words}, {"By", Words}}
		blocks = append(blocks, tableOf("Discarded deliveries", columns, discarded).sheet().show(discardsShown, "report.xlsx"))
	}
	return blocks
}
