package inbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// line is one line of the journal: a message, or the note that the list was emptied.
type line struct {
	Entry   *entry `json:"entry,omitempty"`
	Emptied bool   `json:"emptied,omitempty"`
}

// journal is a file of JSON Lines that only grows. A line counts when it is on disk with its newline.
type journal struct {
	file *os.File
	end  int64 // where the next line starts
}

// openJournal replays the lines that are there, then appends. A last line without its end is what a kill left behind: it
// was never acknowledged and is cut off. Any other line that cannot be read is an error, because guessing would lose mail.
func openJournal(dir string, replay func(line)) (*journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make inbox folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "messages.jsonl"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	end, err := readLines(file, replay)
	if err == nil {
		err = file.Truncate(end)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read journal: %w", err), file.Close())
	}
	return &journal{file: file, end: end}, nil
}

// readLines returns where the last whole line ends.
func readLines(r io.Reader, replay func(line)) (end int64, err error) {
	lines := bufio.NewReader(r)
	for number := 1; ; number++ {
		raw, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return end, err
		}
		var l line
		if err := json.Unmarshal(bytes.TrimSpace(raw), &l); err != nil {
			return end, fmt.Errorf("line %d: %w", number, err)
		}
		replay(l)
		end += int64(len(raw))
	}
}

// write appends a line and waits until it is on disk. Half a line, as a full disk leaves it, is taken back: the next one
// must not be glued to it.
func (j *journal) write(l line) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode journal line: %w", err)
	}
	raw = append(raw, '\n')
	if _, err = j.file.WriteAt(raw, j.end); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write journal: %w", err), j.file.Truncate(j.end))
	}
	j.end += int64(len(raw))
	return nil
}

// close ends the journal; every line in it is on disk already.
func (j *journal) close() error { return j.file.Close() }
