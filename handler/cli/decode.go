package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"

	"github.com/auditbell/auditbell/handler/payload"
)

type decodeCmd struct {
	Files    []string `arg:"" optional:"" name:"file" help:"Files, folders or **/PT1H.json; gzip, zip, UTF-16 and CSV are recognised. Standard input without any."`
	Progress bool     `help:"Show progress on the terminal."`
}

// run prints one line of JSON for each event, in input order, and on standard error one line for each item that is no
// Activity Log event: FILE:INDEX: kind: reason; also for each event that lacks a time, an operation or an outcome. When
// something was there and could not be read, the answer is no.
func (c *decodeCmd) run(ctx context.Context, std Surroundings) error {
	out := bufio.NewWriterSize(std.Out, 64<<10)
	defer out.Flush()
	d := decoding{out: json.NewEncoder(out), err: std.Err}
	d.out.SetEscapeHTML(false)
	if c.Progress && terminal(std.Err) {
		d.progress = progressbar.DefaultBytes(-1, "decoding")
	}
	for in, err := range inputs(c.Files, std) {
		if err != nil {
			d.complain(err)
			continue
		}
		if err := d.file(ctx, in); err != nil {
			return err
		}
	}
	if d.bad {
		return errNo
	}
	return nil
}

type decoding struct {
	out      *json.Encoder
	err      io.Writer
	progress *progressbar.ProgressBar
	bad      bool // something was unreadable
}

// file decodes one input. Only output that cannot be written and an interrupt end the command.
func (d *decoding) file(ctx context.Context, in input) error {
	r, err := in.open()
	if err != nil {
		d.complain(err)
		return nil
	}
	defer r.Close()
	var source io.Reader = r
	if d.progress != nil {
		source = io.TeeReader(r, d.progress)
	}
	index := 0
	for reading, err := range payload.NewDecoder(source).All() {
		if err != nil {
			d.complain(fmt.Errorf("read %s: %w", in.name, err))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := d.print(in.name, index, reading); err != nil {
			return err
		}
		index++
	}
	return nil
}

func (d *decoding) print(name string, index int, r payload.Reading) error {
	d.bad = d.bad || r.Kind == payload.Invalid || r.Lost
	said := r.Reason
	if r.Kind == payload.Activity {
		if err := d.out.Encode(r.Event); err != nil {
			return err
		}
		said = r.Notice
	}
	if said == "" {
		return nil
	}
	_, err := fmt.Fprintf(d.err, "%s:%d: %s: %s\n", name, index, r.Kind, said)
	return err
}

func (d *decoding) complain(err error) {
	d.bad = true
	fmt.Fprintf(d.err, "handler: error: %v\n", err)
}
