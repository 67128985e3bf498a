package verify

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/digest"
)

// table is operations.csv being read, in bounded memory.
type table struct {
	cells // of all rows
	in    *csv.Reader
	known bool // its columns are those of this version; rows of others are counted, and not compared
	at    [columns]int
	other []string // names of the columns that are not compared
	row   []string
	rows  int64
	// Entries of rows without an alert, by hash of the operation. A row with one may stand for entries that report.json does
	// not list.
	sure    []int64
	deleted [2]int64 // deletions that succeeded: in rows without an alert, and in all
	against *cells   // where not nil, a cell that is not there is an error
}

// readTable reads operations.csv.
func readTable(folder fs.FS, room cells, against *cells) (*table, error) {
	file, err := openRegular(folder, "operations.csv")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows := &bounded{from: file}
	t := &table{in: csv.NewReader(bufio.NewReaderSize(rows, 256<<10)), cells: room, sure: make([]int64, buckets), against: against}
	t.in.ReuseRecord = true
	if err := t.head(); err != nil {
		return nil, err
	}
	for {
		rows.since = 0
		if t.row, err = t.in.Read(); errors.Is(err, io.EOF) {
			return t, nil
		} else if err != nil {
			return nil, fmt.Errorf("read operations.csv: %w", err)
		}
		t.rows++
		if !t.known {
			continue
		}
		if err := t.take(); err != nil {
			line, _ := t.in.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// bounded fails when more is read than a row can have: a quotation mark that is never closed makes one row of all that follows.
type bounded struct {
	from  io.Reader
	since int // bytes read since the last row
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.since > maxValue {
		return 0, fmt.Errorf("a row has more than %d bytes", maxValue)
	}
	n, err := b.from.Read(p)
	b.since += n
	return n, err
}

// Columns of operations.csv that are read, and how they are called.
const (
	firstSeen = iota
	lastSeen
	operation
	caller
	resource
	outcome
	entries
	alertID
	rule
	severity
	columns
)

var columnNames = [columns]string{"first_seen", "last_seen", "operation", "caller", "resource", "outcome", "entries", "alert_id", "rule", "severity"}

// head reads the names of the columns.
func (t *table) head() error {
	names, err := t.in.Read()
	if err != nil {
		return fmt.Errorf("read operations.csv: its first line: %w", err)
	}
	at := map[string]int{}
	for i, name := range names {
		name = strings.TrimPrefix(name, "\ufeff")
		if _, twice := at[name]; twice {
			return fmt.Errorf("read operations.csv: it has two columns %q", printable(name))
		}
		if at[name] = i; !slices.Contains(columnNames[:], name) {
			t.other = append(t.other, name)
		}
	}
	t.known = true
	for i, name := range columnNames {
		place, has := at[name]
		t.at[i], t.known = place, t.known && has
	}
	return nil
}

func (t *table) cell(column int) string { return t.row[t.at[column]] }

// take takes in a row.
func (t *table) take() error {
	for i, cell := range t.row {
		if isFormula(cell) {
			return fmt.Errorf("its cell %d is a formula to a spreadsheet: %.40q", i+1, printable(cell))
		}
	}
	of := t.cells.cell(t.cell(operation))
	if err := t.mention(caller, t.hash(of, aCaller, t.cells.cell(t.cell(caller)))); err != nil {
		return err
	}
	if err := t.mention(resource, t.hash(of, aResource, t.cells.cell(t.cell(resource)))); err != nil {
		return err
	}
	if err := t.mention(outcome, t.hash(of, anOutcome, t.cells.cell(t.cell(outcome)))); err != nil {
		return err
	}
	if err := t.times(of); err != nil {
		return err
	}
	id := t.cell(alertID)
	if id != "" {
		if err := t.mention(alertID, t.hash(0, anAlert, t.cells.cell(alertText(id, t.cell(rule), t.cell(severity))))); err != nil {
			return err
		}
	}
	return t.count(of, id == "")
}

// isFormula reports whether a spreadsheet would run a cell: such cells are written with an apostrophe before what it would run.
func isFormula(cell string) bool {
	if cell == "" || cell[0] < utf8.RuneSelf && strings.IndexByte("=+-@\t\r\n", cell[0]) < 0 && strings.IndexByte(cell, ';') < 0 && strings.IndexByte(cell, '\n') < 0 {
		return false
	}
	return strings.Count(digest.Cell(cell), "'") > strings.Count(cell, "'")
}

// times takes in when the operation was first and last seen.
func (t *table) times(of uint64) error {
	for _, column := range [...]int{firstSeen, lastSeen} {
		if column == lastSeen && t.cell(lastSeen) == t.cell(firstSeen) {
			return nil
		}
		at, err := parseTime([]byte(t.cell(column)))
		if err == nil {
			err = t.mention(column, t.timeHash(of, at))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mention takes in a cell, by its hash.
func (t *table) mention(column int, h uint64) error {
	if t.against != nil && !t.against.has(h) {
		return fmt.Errorf("%s %q: report.json lists no such entry or alert of %s", columnNames[column], printable(t.cell(column)), printable(t.cell(operation)))
	}
	t.add(h)
	return nil
}

// count adds up what the row stands for. sure: it has no alert.
func (t *table) count(of uint64, sure bool) error {
	n, err := strconv.ParseInt(t.cell(entries), 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("entries %q is not a number", printable(t.cell(entries)))
	}
	deleted := int64(0)
	if t.cell(outcome) == "Succeeded" && strings.Contains(t.cell(operation), "delete") {
		deleted = 1
	}
	t.entries[of%buckets] += n
	t.deleted[1] += deleted
	if sure {
		t.sure[of%buckets] += n
		t.deleted[0] += deleted
	}
	return nil
}

// compare holds the table against the report that stands beside it.
func (t *table) compare(folder fs.FS, r *report) error {
	if !t.within(&r.listed) {
		if _, err := readTable(folder, t.cells, &r.listed); err != nil { // the row is looked for only now
			return err
		}
		return errors.New("has cells of which report.json knows nothing")
	}
	for i, n := range r.listed.entries {
		switch {
		case n < t.sure[i]:
			return fmt.Errorf("has %d entries of an operation, report.json lists %d", t.sure[i], n)
		case n > t.entries[i]:
			return fmt.Errorf("has %d entries of an operation, report.json lists %d", t.entries[i], n)
		}
	}
	if n := r.Deletions.Total; r.said["deletions"] && (n < t.deleted[0] || n > t.deleted[1]) {
		return fmt.Errorf("has %d deletions that succeeded, report.json says %d", t.deleted[1], n)
	}
	return nil
}
