package payload_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/payload"
)

// kinds lists what readings are: the operations of events, else kind and reason.
func kinds(readings []payload.Reading) string {
	var list []string
	for _, r := range readings {
		if r.Kind == payload.Activity {
			list = append(list, r.Event.Operation)
		} else {
			list = append(list, r.Kind.String())
		}
	}
	return strings.Join(list, " ")
}

// streamedReadings reads a file as the command line does.
func streamedReadings(t *testing.T, text string) []payload.Reading {
	t.Helper()
	var list []payload.Reading
	for r, err := range payload.NewDecoder(strings.NewReader(text)).All() {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

const carriedRecord = `{"time":"2026-03-04T05:06:07Z","operationName":"A/B/write","resultType":"Success","category":"Administrative"}`

// What the run history of Logic Apps carries is read from files, and never from deliveries: there the same shape is another
// log's, whose body anybody may write.
func TestRunHistoryOfLogicApps(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"records":[` + carriedRecord + `]}`))
	for text, want := range map[string]string{
		`{"statusCode":200,"headers":{},"body":{"value":[` + carriedRecord + `,` + carriedRecord + `]}}`: "a/b/write a/b/write",
		`{"headers":{},"body":` + carriedRecord + `}`:                                                    "a/b/write",
		`{"body":[` + carriedRecord + `]}`:                                                               "a/b/write",
		`{"outputs":{"body":{"records":[` + carriedRecord + `]}}}`:                                       "a/b/write",
		`{"body":{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated"},{"name":"OperationNameValue"}],"rows":[["2026-03-04T05:06:07Z","A/B/write"]]}]}}`: "a/b/write",
		`{"headers":{},"body":{"$content-type":"application/octet-stream","$content":"` + encoded + `"}}`:                                                                 "a/b/write",
		`[{"ContentData":"` + encoded + `","Properties":{}},{"ContentData":"` + encoded + `"}]`:                                                                           "a/b/write a/b/write",
		`{"statusCode":200,"body":"not JSON"}`:                                               "invalid",
		`{"statusCode":404,"body":{"error":{"code":"NotFound"}}}`:                            "invalid",
		`{"body":"{\"records\":[` + strings.ReplaceAll(carriedRecord, `"`, `\"`) + `]}"}`:    "invalid",
		`{"body":` + strings.Repeat(`{"body":`, 9) + carriedRecord + strings.Repeat(`}`, 10): "invalid",
	} {
		if got := kinds(streamedReadings(t, text)); got != want {
			t.Errorf("file %s: %s, want %s", text, got, want)
		}
		if got := kinds(payload.DecodeLine([]byte(text))); got != want {
			t.Errorf("line %s: %s, want %s", text, got, want)
		}
		if got := kinds(payload.Decode([]byte(text))); strings.Contains(got, "a/b/write") {
			t.Errorf("delivery %s: %s, want nothing that its body holds", text, got)
		}
	}
	whole := strings.Replace(carriedRecord, `{`, `{"body":{"records":[{"time":"2026-03-04T05:06:07Z","operationName":"C/D/delete"}]},`, 1)
	if got := kinds(streamedReadings(t, whole)); got != "a/b/write" {
		t.Errorf("a record with a body: %s, want the record alone", got)
	}
}

const kustoColumns = `"Columns":[{"ColumnName":"TimeGenerated","ColumnType":"datetime"},{"ColumnName":"OperationNameValue","ColumnType":"string"},{"ColumnName":"ActivityStatusValue","ColumnType":"string"}]`

func kustoRows(operations ...string) string {
	var rows []string
	for _, o := range operations {
		rows = append(rows, `["2026-03-04T05:06:07Z","`+o+`","Success"]`)
	}
	return `"Rows":[` + strings.Join(rows, ",") + `]`
}

// Frames of Kusto queries: rows are read from the result alone, and what says that rows are missing is reported.
func TestFramesOfKustoQueries(t *testing.T) {
	t.Parallel()
	const head, end = `{"FrameType":"dataSetHeader","IsProgressive":false,"Version":"v2.0"}`, `{"FrameType":"DataSetCompletion","HasErrors":%t,"Cancelled":%t}`
	const properties = `{"FrameType":"DataTable","TableId":0,"TableKind":"QueryProperties","TableName":"@ExtendedProperties","Columns":[{"ColumnName":"TableId"},{"ColumnName":"Key"},{"ColumnName":"Value"}],"Rows":[[1,"Visualization","{}"]]}`
	result := `{"FrameType":"DataTable","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult",` + kustoColumns + `,` + kustoRows("A/B/write", "C/D/delete") + `}`
	header := `{"FrameType":"TableHeader","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult",` + kustoColumns + `}`
	fragment := func(kind, operation string) string {
		return `{"FrameType":"TableFragment","TableFragmentType":"` + kind + `","TableId":1,` + kustoRows(operation) + `}`
	}
	const completion = `{"FrameType":"TableCompletion","TableId":1,"RowCount":1}`
	for _, c := range []struct{ frames, want string }{
		{strings.Join([]string{head, properties, result, fmt.Sprintf(end, false, false)}, ","), "noise noise a/b/write c/d/delete noise"},
		{strings.Join([]string{head, result, fmt.Sprintf(end, true, false)}, ","), "noise a/b/write c/d/delete invalid"},
		{strings.Join([]string{head, result, fmt.Sprintf(end, false, true)}, ","), "noise a/b/write c/d/delete invalid"},
		{strings.Join([]string{head, header, fragment("DataAppend", "A/B/write"), fragment("DataAppend", "C/D/delete"), completion}, ","), "noise noise a/b/write c/d/delete noise"},
		{strings.Join([]string{head, header, fragment("DataReplace", "A/B/write"), completion}, ","), "noise noise invalid noise"},
		{strings.Join([]string{head, header, completion, fragment("DataAppend", "A/B/write")}, ","), "noise noise noise invalid"},
	} {
		if got := kinds(payload.Decode([]byte("[" + c.frames + "]"))); got != c.want {
			t.Errorf("%s: %s, want %s", c.frames, got, c.want)
		}
		if got := kinds(streamedReadings(t, "["+c.frames+"]")); got != c.want {
			t.Errorf("streamed %s: %s, want %s", c.frames, got, c.want)
		}
	}
	first := `{"Tables":[{"TableName":"Table_0",` + kustoColumns + `,` + kustoRows("A/B/write") + `},` +
		`{"TableName":"Table_1","Columns":[{"ColumnName":"Value"}],"Rows":[["{}"]]},` +
		`{"TableName":"Table_2","Columns":[{"ColumnName":"Timestamp"},{"ColumnName":"Severity"},{"ColumnName":"SeverityName"}],"Rows":[["2026-03-04T05:06:07Z",4,"Info"]]},` +
		`{"TableName":"Table_3","Columns":[{"ColumnName":"Ordinal"},{"ColumnName":"Kind"},{"ColumnName":"PrettyName"}],"Rows":[[0,"QueryResult","PrimaryResult"]]}]}`
	if got := kinds(payload.Decode([]byte(first))); got != "a/b/write noise noise noise" {
		t.Errorf("version 1: %s", got)
	}
}

// An answer that says itself that it is not whole is reported, wherever it says so.
func TestPartialAnswers(t *testing.T) {
	t.Parallel()
	tables := `"tables":[{"name":"PrimaryResult",` + strings.ToLower(kustoColumns[:9]) + strings.ReplaceAll(kustoColumns[9:], "ColumnName", "name") + `,` + strings.Replace(kustoRows("A/B/write"), "Rows", "rows", 1) + `}]`
	const failure = `"error":{"code":"PartialError","message":"There were some errors when processing your query."}`
	for text, want := range map[string]string{
		`{` + tables + `}`:                                         "a/b/write",
		`{` + tables + `,"error":null}`:                            "a/b/write",
		`{` + tables + `,` + failure + `}`:                         "a/b/write invalid",
		`{` + failure + `,` + tables + `}`:                         "a/b/write invalid",
		`[{` + failure + `,` + tables + `},{` + tables + `}]`:      "a/b/write invalid a/b/write",
		`{"value":[` + carriedRecord + `],` + failure + `}`:        "a/b/write invalid",
		`{"value":[` + carriedRecord + `],"nextLink":"https://x"}`: "a/b/write",
	} {
		if got := kinds(payload.Decode([]byte(text))); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
