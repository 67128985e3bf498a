package payload

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// CSV files: what the portal's activity log downloads, and the CSV exports of Log Analytics query results. Each row is
// turned into the object that its columns make of it, and read as such.

// csvSource says which CSV file an item comes from.
type csvSource struct {
	comma  rune
	portal bool      // the portal's
	begun  bool      // its first row was read
	times  []int     // columns that hold times
	zone   string    // which they are in, where the header names one that is not UTC
	order  dateOrder // of their dates, see decide
	local  bool      // they have no zone
}

// portalColumns are the columns of the portal's "Download as CSV" as members of a list item.
var portalColumns = map[string]string{
	"correlation id": "correlationId", "operation name": "operationName", "status": "status", "event category": "category",
	"level": "level", "time": "eventTimestamp", "subscription": "subscriptionId", "event initiated by": "caller",
	"resource type": "resourceType", "resource group": "resourceGroupName", "resource": "resourceId",
}

// isPortalCSV recognises a row by the file that it comes from.
func isPortalCSV(it *item) bool { return it.csv.portal }

// portalNotice is said once for each file.
const portalNotice = "the portal's CSV names operations for people and has no resource ids, claims and properties, so that few rules " +
	"can match (hint: az monitor activity-log list --offset 30d -o json)"

// localNotice is said with it.
const localNotice = "its times have no zone and are read as UTC"

// readPortalCSV reads a row. Its resource is a name, or an id in older files.
func readPortalCSV(it *item, r *Reading) error {
	m := &it.top
	e := &r.Event
	resource := it.text.of(m.raw(m.resourceID))
	if !strings.HasPrefix(resource, "/") {
		m.resourceID = span{}
	}
	if err := it.draft(e, activity.FormPortalCSV, m); err != nil {
		return err
	}
	if !m.resourceID.present() {
		e.ResourceName = strings.Clone(resource)
	}
	if err := it.finish(r, m, m.raw(m.resourceID)); err != nil {
		return err
	}
	if !it.csv.begun {
		it.csv.begun = true
		if it.csv.local {
			r.Notice += "; " + localNotice
		}
		r.Notice = strings.TrimPrefix(r.Notice+"; "+portalNotice, "; ")
	}
	return nil
}

// csvKind recognises the CSV files that can be read by their header. Excel writes semicolons where the comma is decimal, and
// tabs into what it calls Unicode text.
func csvKind(header string) (source csvSource, ok bool) {
	for _, comma := range ",;\t" {
		columns, err := newCSV(strings.NewReader(header), comma).Read()
		if err == nil && len(columns) > 1 {
			if source, ok = csvColumns(columns); ok {
				source.comma = comma
				return source, true
			}
		}
	}
	return csvSource{}, false
}

func csvColumns(columns []string) (source csvSource, ok bool) {
	portal, rows := 0, 0
	for i, name := range columns {
		if portalColumns[strings.ToLower(name)] != "" {
			portal++
		}
		plain, zone, zoned := strings.Cut(name, " [")
		generated := plain == "TimeGenerated"
		if name == "OperationNameValue" || name == "ActivityStatusValue" || generated {
			rows++
		}
		if generated || plain == "EventSubmissionTimestamp" || portalColumns[strings.ToLower(name)] == "eventTimestamp" {
			source.times = append(source.times, i)
		}
		if generated && zoned && zone != "UTC]" {
			source.zone = strings.TrimSuffix(zone, "]")
		}
	}
	source.portal = portal >= 5
	return source, source.portal || rows > 0
}

// csvObjects turns a CSV file into JSON Lines.
type csvObjects struct {
	rows    *csv.Reader
	source  csvSource
	columns []string
	out     []byte
	object  []byte
}

func newCSV(r io.Reader, comma rune) *csv.Reader {
	rows := csv.NewReader(r)
	rows.Comma = comma
	rows.FieldsPerRecord, rows.ReuseRecord, rows.LazyQuotes = -1, true, true
	return rows
}

func (c *csvObjects) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		fields, err := c.rows.Read()
		if err != nil {
			return 0, err
		}
		if c.columns == nil {
			c.header(fields)
			continue
		}
		c.out = c.line(fields)
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

func (c *csvObjects) header(fields []string) {
	c.columns = make([]string, len(fields))
	for i, name := range fields {
		if c.columns[i] = name; c.source.portal {
			c.columns[i] = portalColumns[strings.ToLower(name)]
		}
	}
}

// line is one row as an object; columns without a value or a name are left out.
func (c *csvObjects) line(fields []string) []byte {
	c.object = append(c.object[:0], '{')
	for i, value := range fields {
		if i >= len(c.columns) || c.columns[i] == "" || value == "" {
			continue
		}
		name, _ := json.Marshal(c.columns[i]) // strings cannot fail
		if slices.Contains(c.source.times, i) {
			value = c.source.rewritten(value)
		}
		text, _ := json.Marshal(value)
		if len(c.object) > 1 {
			c.object = append(c.object, ',')
		}
		c.object = append(append(append(c.object, name...), ':'), text...)
	}
	return append(c.object, '}', '\n')
}
