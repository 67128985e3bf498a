package payload

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Results of the Log Analytics query API: {"tables":[{"name":…,"columns":[{"name":…,"type":…}],"rows":[[…],…]}]}
// (Microsoft: Azure Monitor Log Analytics API, "Response format"). The API before it writes Tables, Columns, ColumnName
// and Rows. A row is read as the object that its columns make of it.

// table is the head of a result.
type table struct {
	columns [][]byte // names as JSON strings
	rows    bool     // the list that was found holds rows
	within  bool     // a row is being read, which has no tables in it
	headed  bool     // the columns are those of a table whose rows come in frames of their own
	text    []byte   // the row under construction
}

// opens recognises the lists of a result.
func (it *item) opens(name []byte) bool {
	t := &it.table
	switch string(name) {
	case "tables", "Tables":
		return !t.within
	case "rows", "Rows":
		t.rows = !t.within && len(t.columns) > 0 && !t.service() && it.isPrimary()
		return t.rows
	}
	return false
}

// service recognises the tables that Kusto's first version adds to a result: its properties, its status and its contents.
func (t *table) service() bool {
	return len(t.columns) == 1 && string(t.columns[0]) == `"Value"` || slices.ContainsFunc(t.columns, func(column []byte) bool {
		return string(column) == `"SeverityName"` || string(column) == `"PrettyName"`
	})
}

// keeps reads the columns that c stands at.
func (t *table) keeps(c *jsonscan.Cursor, name []byte) bool {
	if t.within || string(name) != "columns" && string(name) != "Columns" {
		return false
	}
	t.columns = t.columns[:0]
	for range c.Elements {
		t.column(c)
	}
	return true
}

// column keeps the name of the column that c stands at.
func (t *table) column(c *jsonscan.Cursor) {
	var column []byte
	if c.At('{') {
		for name := range c.Members {
			if c.At('"') && (string(name) == "name" || string(name) == "ColumnName") {
				column = bytes.Clone(c.Skip())
			}
		}
	}
	t.columns = append(t.columns, column)
}

// object writes the object that a row is, its raw values behind the names of their columns.
func (t *table) object(row []byte) []byte {
	t.text = append(t.text[:0], '{')
	i := 0
	_ = jsonscan.Array(row, func(value []byte) error {
		if i < len(t.columns) && t.columns[i] != nil {
			if len(t.text) > 1 {
				t.text = append(t.text, ',')
			}
			t.text = append(append(append(t.text, t.columns[i]...), ':'), value...)
		}
		i++
		return nil
	})
	t.text = append(t.text, '}')
	return t.text
}

// row reads the row of a result that data[pos] begins.
func (f *frames) row() bool {
	end, ok := f.measure()
	if !ok {
		return true
	}
	raw := f.data[f.pos:end]
	t := &f.item.table
	t.within = true
	defer func() { t.within = false }()
	if f.unclean && !utf8.Valid(raw) {
		*f.out = invalid(f.notUTF8(raw))
	} else if _, _, err := f.item.collect(t.object(raw), 0); err != nil {
		*f.out = invalid("row of a query result: " + asTwice(err).Error())
	} else if f.item.classify(f.out); f.out.Kind == Activity {
		raw = bytes.Clone(t.text) // with names, without which nothing can be found in it
	}
	f.out.Raw = raw
	f.pos, f.comma = end, true
	return true
}
