package cli

import (
	"bufio"
	"context"
	"encoding/json"

	"github.com/auditbell/auditbell/handler/activity"
)

type decodeCmd struct {
	Files    []string `arg:"" optional:"" name:"file" help:"Files, folders or **/PT1H.json; gzip, zip, UTF-16 and CSV are recognised. Standard input without any."`
	Progress bool     `help:"Show progress on the terminal, also while events are printed there."`
}

// run prints one line of JSON for each event, in input order; what eventsOf says goes to standard error. When something
// was there and could not be read, the answer is no.
func (c *decodeCmd) run(ctx context.Context, std Surroundings) error {
	buffered := bufio.NewWriterSize(std.Out, 64<<10)
	defer buffered.Flush()
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	gauge := newGauge(c.Files, std, terminal(std.Out) && !c.Progress)
	ok, err := readEvents(ctx, c.Files, std, gauge, func(_ string, _ int, e *activity.Event) error { return out.Encode(e) })
	if err == nil && !ok {
		return errNo
	}
	return err
}
