package payload

import "errors"

// Frames of a Kusto query (Microsoft: "Query V2 HTTP response"): a list of dataSetHeader, one DataTable for each table, of
// which the one of kind PrimaryResult holds the rows asked for, and DataSetCompletion. With progressive results a table comes
// as TableHeader, any number of TableFragment, and TableCompletion.

// frame holds where the members of a frame stand that say what it is.
type frame struct {
	kind, tableKind, fragment, failed, canceled span
}

func (f *frame) slot(name []byte) *span {
	switch string(name) {
	case "FrameType":
		return &f.kind
	case "TableKind":
		return &f.tableKind
	case "TableFragmentType":
		return &f.fragment
	case "HasErrors":
		return &f.failed
	case "Cancelled":
		return &f.canceled
	}
	return nil
}

// isPrimary reports whether the table that is being read is the result, as far as frames say.
func (it *item) isPrimary() bool {
	f := &it.row.frame
	is := func(s span, text string) bool { return !s.present() || string(it.text.word(it.top.raw(s))) == text }
	return is(f.tableKind, "PrimaryResult") && is(f.fragment, "DataAppend")
}

// isFrame recognises a frame of which no rows are read, and tables that are none of the result's.
func isFrame(it *item) bool {
	return it.row.frame.kind.present() || it.row.tableName.present() && it.table.service()
}

func readFrame(it *item, r *Reading) error {
	f, m := &it.row.frame, &it.top
	kind := string(it.text.word(m.raw(f.kind)))
	switch {
	case string(m.raw(f.failed)) == "true" || string(m.raw(f.canceled)) == "true":
		return errors.New("the end of a Kusto query that failed or was cancelled: rows are missing; run it again")
	case kind == "TableFragment":
		return errors.New("rows of a Kusto query that replace others, or whose columns are not here: run it without progressive results " +
			"(hint: results_progressive_enabled=false)")
	case kind == "TableHeader":
		it.table.headed = it.isPrimary()
	case kind == "TableCompletion":
		it.table.headed = false
	}
	r.set(Noise, "query_frame", "frame of a Kusto query without rows of its result")
	return nil
}
