package scenario

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/auditbell/auditbell/local/inbox"
)

// Row is a delivery and what came of it.
type Row struct {
	Delivery Delivery
	Status   int            // what the host answered
	Arrived  map[string]int // messages that tell of it, by destination
}

// Channels are the destinations that every expected message must reach.
var Channels = []string{inbox.Slack, inbox.Teams}

// Play makes the deliveries in order.
func Play(ctx context.Context, deliveries []Delivery, address string) ([]Row, error) {
	client := &http.Client{Timeout: time.Minute}
	rows := make([]Row, 0, len(deliveries))
	for _, d := range deliveries {
		status, err := d.Send(ctx, client, address)
		if err != nil {
			return rows, err
		}
		rows = append(rows, Row{Delivery: d, Status: status})
	}
	return rows, nil
}

// Await waits until every expected message has arrived in every channel, at most half a minute, and fills the rows
// with what did. Messages that were there before the first delivery are skipped.
func Await(ctx context.Context, in *inbox.Server, rows []Row, skip int) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	messages, _ := in.Await(ctx, func(all []inbox.Message) bool { // whatever ends the wait, what is there is counted
		count(rows, all[min(skip, len(all)):])
		for _, r := range rows {
			if !r.OK() {
				return false
			}
		}
		return true
	})
	count(rows, messages[min(skip, len(messages)):])
}

func count(rows []Row, messages []inbox.Message) {
	for i := range rows {
		rows[i].Arrived = map[string]int{}
		for _, m := range messages {
			if want := rows[i].Delivery.Expect.Text; want != "" && strings.Contains(m.Text, want) {
				rows[i].Arrived[m.Destination]++
			}
		}
	}
}

// OK reports whether the delivery was accepted and led to what it should.
func (r Row) OK() bool {
	if r.Status/100 != 2 {
		return false
	}
	for _, channel := range Channels {
		if r.Delivery.Expect.Text != "" && r.Arrived[channel] == 0 {
			return false
		}
	}
	return true
}

// Print writes the table and reports whether all is well.
func Print(w io.Writer, rows []Row) (complete bool) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tSTATUS\tSLACK\tTEAMS\tDELIVERY")
	complete = true
	for _, r := range rows {
		mark := "ok"
		if !r.OK() {
			mark, complete = "MISSING", false
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", mark, r.Status, r.cell(inbox.Slack), r.cell(inbox.Teams), r.Delivery.Title)
	}
	if err := t.Flush(); err != nil {
		return false
	}
	return complete
}

func (r Row) cell(channel string) string {
	if r.Delivery.Expect.Text == "" {
		return "–"
	}
	return fmt.Sprint(r.Arrived[channel])
}
