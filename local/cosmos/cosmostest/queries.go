package cosmostest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// The query cases look at 25 items, q00 to q24, the odd ones in one partition and the even ones in another.
const (
	oddPartition  = "queries-odd"
	evenPartition = "queries-even"
)

func (x *trial) loadDataset() {
	for i := range 25 {
		pk, parity := evenPartition, "even"
		if i%2 == 1 {
			pk, parity = oddPartition, "odd"
		}
		doc := fields{
			"id": fmt.Sprintf("q%02d", i), "pk": pk, "set": "queries", "n": i, "parity": parity,
			"cat": fmt.Sprint("c", i%3), "name": fmt.Sprint("item-", i), "tags": []string{fmt.Sprint("t", i), "all"},
			"o": fields{"a": i, "order": i}, "parts": []fields{{"k": "a", "v": i}, {"k": "b", "v": i + 1}},
		}
		if i%5 == 0 {
			doc["fifth"] = i
		}
		switch i {
		case 1:
			doc["mix"] = 1
		case 3:
			doc["mix"] = "one"
		case 5:
			doc["mix"] = nil
		case 7:
			doc["mix"] = true
		}
		if _, err := x.items.UpsertItem(x.ctx, azcosmos.NewPartitionKeyString(pk), x.json(doc), nil); err != nil {
			x.Fatalf("load dataset: %v", err)
		}
	}
}

// query runs a query over the dataset to its end, in one partition or, with pk "", in all, and lists the results.
func (x *trial) query(pk, sql string, params ...azcosmos.QueryParameter) string {
	x.dataset.Do(x.loadDataset)
	return x.queryPages(pk, sql, &azcosmos.QueryOptions{QueryParameters: params})
}

func (x *trial) queryPages(pk, sql string, o *azcosmos.QueryOptions) string {
	rows, _, err := x.collect(pk, sql, o)
	if err != nil {
		return code(err)
	}
	return strings.Join(rows, ",")
}

// collect returns all rows as compact JSON and the number of pages.
func (x *trial) collect(pk, sql string, o *azcosmos.QueryOptions) (rows []string, pages int, err error) {
	key := azcosmos.NewPartitionKey()
	if pk != "" {
		key = azcosmos.NewPartitionKeyString(pk)
	}
	pager := x.items.NewQueryItemsPager(sql, key, o)
	for pager.More() {
		page, err := pager.NextPage(x.ctx)
		if err != nil {
			return nil, pages, err
		}
		pages++
		for _, item := range page.Items {
			rows = append(rows, compact(item))
		}
	}
	return rows, pages, nil
}

// compact drops white space; strings lose their quotes when they stand alone.
func compact(item []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, item); err != nil {
		return "not JSON: " + string(item)
	}
	if s, err := strconv.Unquote(b.String()); err == nil {
		return s
	}
	return b.String()
}

// sortedRows puts results in order where the language promises none.
func sortedRows(list string) string {
	rows := strings.Split(list, ",")
	sort.Strings(rows)
	return strings.Join(rows, ",")
}

// odd is a case whose query looks at the odd partition.
func odd(name, why, sql, want string) behaviour {
	return behaviour{name: name, why: why, want: want, got: func(x *trial) string { return x.query(oddPartition, sql) }}
}

// oddSet is odd for a query without ORDER BY and more than one row.
func oddSet(name, why, sql, want string) behaviour {
	return behaviour{name: name, why: why, want: want, got: func(x *trial) string {
		return sortedRows(x.query(oddPartition, sql))
	}}
}

var queryBehaviours = []behaviour{
	{
		name: "parameter", want: "q21,q23",
		why: "values reach queries as parameters only",
		got: func(x *trial) string {
			return sortedRows(x.query(oddPartition, "SELECT VALUE c.id FROM c WHERE c.n >= @n",
				azcosmos.QueryParameter{Name: "@n", Value: 20}))
		},
	},
	odd("partition key excludes other partitions", "a query with a key is about that partition",
		"SELECT VALUE COUNT(1) FROM c", "12"),
	odd("order by descending with top", "the newest first",
		"SELECT TOP 2 VALUE c.n FROM c ORDER BY c.n DESC", "23,21"),
	odd("offset limit", "explorers page this way",
		"SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 1 LIMIT 2", "3,5"),
	odd("sum", "digests add up", "SELECT VALUE SUM(c.n) FROM c", "144"),
	odd("average, minimum and maximum", "digests compare",
		"SELECT AVG(c.n) AS a, MIN(c.n) AS b, MAX(c.n) AS c FROM c", `{"a":12,"b":1,"c":23}`),
	odd("count of a property counts where it is defined", "undefined is not a value",
		"SELECT VALUE COUNT(c.fifth) FROM c", "2"),
	odd("sum ignores undefined", "documented for SUM and AVG", "SELECT VALUE SUM(c.fifth) FROM c", "20"),
	odd("sum over a string is undefined, so there is no row", "documented for SUM and AVG",
		"SELECT VALUE SUM(c.cat) FROM c", ""),
	odd("count of nothing is 0", "an empty partition has a count", "SELECT VALUE COUNT(1) FROM c WHERE c.n > 100", "0"),
	oddSet("group by in a partition", "rollups count by category",
		"SELECT c.cat, COUNT(1) AS n FROM c GROUP BY c.cat",
		`"n":4},"n":4},"n":4},{"cat":"c0",{"cat":"c1",{"cat":"c2"`),
	odd("group by an absent property", "undefined is a group of its own",
		"SELECT c.absent, COUNT(1) AS n FROM c GROUP BY c.absent", `{"n":12}`),
	odd("distinct", "who was it", "SELECT DISTINCT VALUE c.parity FROM c", "odd"),
	odd("array contains", "tags", "SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(c.tags, 't7')", "q07"),
	odd("array contains part of an object", "lists of objects",
		"SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(c.parts, {'k': 'b', 'v': 8}, true)", "q07"),
	odd("startswith and contains", "names", "SELECT VALUE c.id FROM c WHERE STARTSWITH(c.name, 'item-1') AND CONTAINS(c.name, '15')", "q15"),
	odd("startswith without case", "names", "SELECT VALUE c.id FROM c WHERE STARTSWITH(c.name, 'ITEM-15', true)", "q15"),
	odd("endswith", "names", "SELECT VALUE c.id FROM c WHERE ENDSWITH(c.name, '-15')", "q15"),
	oddSet("between", "ranges include their ends", "SELECT VALUE c.id FROM c WHERE c.n BETWEEN 19 AND 21", "q19,q21"),
	oddSet("in", "lists", "SELECT VALUE c.id FROM c WHERE c.n IN (3, 5, 6)", "q03,q05"),
	oddSet("not in", "lists", "SELECT VALUE c.id FROM c WHERE c.n NOT IN (1,3,5,7,9,11,13,15) AND c.n < 20", "q17,q19"),
	oddSet("like", "patterns", "SELECT VALUE c.id FROM c WHERE c.id LIKE 'q2_'", "q21,q23"),
	oddSet("like with a set", "patterns", "SELECT VALUE c.id FROM c WHERE c.id LIKE '%[01]1'", "q01,q11"),
	odd("like with escape", "patterns", `SELECT VALUE COUNT(1) FROM c WHERE c.name LIKE 'item!-%' ESCAPE '!'`, "12"),
	odd("not is_defined", "optional properties", "SELECT VALUE COUNT(1) FROM c WHERE NOT IS_DEFINED(c.absent)", "12"),
	odd("ternary and coalesce", "defaults",
		"SELECT VALUE c.absent ?? (c.n > 10 ? 'd' : 'e') FROM c WHERE c.n = 11", "d"),
	odd("coalesce keeps null", "?? asks for undefined, not for null", "SELECT VALUE c.mix ?? 'd' FROM c WHERE c.id = 'q05'", "null"),
	odd("join", "elements of arrays", "SELECT VALUE t FROM c JOIN t IN c.tags WHERE c.n = 3 AND t != 'all'", "t3"),
	oddSet("join twice", "elements of arrays", "SELECT VALUE p.v FROM c JOIN t IN c.tags JOIN p IN c.parts WHERE c.n = 3", "3,3,4,4"),
	odd("from an array", "elements of arrays", "SELECT VALUE p.k FROM p IN c.parts WHERE p.v = 24", "b"),
	odd("join over a property that is no array has no rows", "elements of arrays",
		"SELECT VALUE COUNT(1) FROM c JOIN t IN c.name", "0"),
	odd("projection leaves undefined out", "optional properties",
		"SELECT c.id, c.absent, c.o.a FROM c WHERE c.n = 3", `{"id":"q03","a":3}`),
	odd("unnamed expressions are numbered", "results have names", "SELECT c.n + 1, c.n * 2 FROM c WHERE c.n = 3", `{"$1":4,"$2":6}`),
	odd("object and array literals", "shaping results", `SELECT VALUE {"a": c.n, "l": [c.n, c.absent]} FROM c WHERE c.n = 3`, `{"a":3,"l":[3]}`),
	odd("current timestamp", "leases are compared with the server's clock",
		"SELECT VALUE COUNT(1) FROM c WHERE c._ts * 1000 <= GetCurrentTimestamp()", "12"),
	odd("undefined is neither true nor false", "a filter over an absent property finds nothing",
		"SELECT VALUE COUNT(1) FROM c WHERE c.absent > 1 OR NOT (c.absent > 1)", "0"),
	odd("comparison across types finds nothing", "mixed types are skipped (keywords, BETWEEN)",
		"SELECT VALUE c.id FROM c WHERE c.mix > 0", "q01"),
	odd("null", "null is a value", "SELECT VALUE c.id FROM c WHERE IS_NULL(c.mix)", "q05"),
	odd("property by subscript", "names that are keywords", `SELECT VALUE c["o"]["order"] FROM c WHERE c.n = 3`, "3"),
	odd("element by subscript", "arrays", `SELECT VALUE c.tags[0] FROM c WHERE c.n = 3`, "t3"),
	odd("alias", "FROM root r works as FROM c", "SELECT VALUE r.n FROM root r WHERE r.n = 3", "3"),
	odd("string escapes", "both kinds of quotes", `SELECT VALUE "a\"b" FROM c WHERE c.n = 3`, `a"b`),
	odd("order by includes items without the property", "undefined sorts first (Microsoft's own query tests)",
		"SELECT TOP 1 VALUE c.n FROM c WHERE c.n > 13 AND c.n < 18 ORDER BY c.fifth DESC", "15"),
	{
		name: "cross-partition filter and projection", want: "q20,q21,q22,q23,q24",
		why: "the sweeper looks for what is due in all partitions",
		got: func(x *trial) string {
			return sortedRows(x.query("", "SELECT VALUE c.id FROM c WHERE c.set = 'queries' AND c.n >= 20"))
		},
	},
	{
		name: "cross-partition query by partition key", want: "q21",
		why: "a filter on the key works without the header, too",
		got: func(x *trial) string {
			return x.query("", "SELECT VALUE c.id FROM c WHERE c.pk = 'queries-odd' AND c.id IN ('q21', 'q22')")
		},
	},
}

// refused is a case whose query must be answered 400.
func refused(name, why, pk, sql string) behaviour {
	return behaviour{name: name, why: why, want: "400", got: func(x *trial) string { return x.query(pk, sql) }}
}

const gateway = `"can not be directly served by the gateway" (Azure/azure-sdk-for-go issue 25043)`

var refusedQueries = []behaviour{
	refused("no SQL", "a broken query must not return everything", oddPartition, "SELEC * FROM c"),
	refused("unfinished", "as above", oddPartition, "SELECT * FROM c WHERE"),
	refused("trailing text", "as above", oddPartition, "SELECT * FROM c c2 c3"),
	refused("unknown function", "as above", oddPartition, "SELECT VALUE NO_SUCH_FUNCTION(c.n) FROM c"),
	refused("unknown alias", "as above", oddPartition, "SELECT VALUE d.n FROM c"),
	refused("keyword as property", "c.order is a syntax error; c[\"order\"] is not", oddPartition, "SELECT VALUE c.o.order FROM c"),
	refused("doubled quotes", "no escape in this language", oddPartition, "SELECT VALUE 'it''s' FROM c"),
	refused("select * with join", "two sources have no common *", oddPartition, "SELECT * FROM c JOIN t IN c.tags"),
	refused("ungrouped property", "it has no one value in a group", oddPartition, "SELECT c.n, COUNT(1) AS k FROM c GROUP BY c.cat"),
	refused("group by with order by", "documented", oddPartition, "SELECT c.cat FROM c GROUP BY c.cat ORDER BY c.cat"),
	refused("order by two properties without composite index", "documented", oddPartition, "SELECT * FROM c ORDER BY c.n, c.cat"),
	refused("order by an expression", "only properties are sorted by", oddPartition, "SELECT * FROM c ORDER BY c.n + 1"),
	refused("cross-partition order by", gateway, "", "SELECT * FROM c ORDER BY c.n"),
	refused("cross-partition count", gateway, "", "SELECT VALUE COUNT(1) FROM c"),
	refused("cross-partition top", gateway, "", "SELECT TOP 1 * FROM c"),
	refused("cross-partition distinct", gateway, "", "SELECT DISTINCT VALUE c.cat FROM c"),
	refused("cross-partition group by", gateway, "", "SELECT c.cat FROM c GROUP BY c.cat"),
	refused("cross-partition offset limit", gateway, "", "SELECT * FROM c OFFSET 1 LIMIT 2"),
	{
		name: "cross-partition query not enabled", want: "400",
		why: "a forgotten key must be noticed",
		got: func(x *trial) string {
			off := false
			return x.queryPages("", "SELECT * FROM c", &azcosmos.QueryOptions{EnableCrossPartitionQuery: &off})
		},
	},
	{
		name: "order by a property that is not indexed", want: "400",
		why: "our containers exclude all but a few paths; the query would fail in production",
		got: func(x *trial) string { return x.uniqueQuery("SELECT * FROM c ORDER BY c.other") },
	},
	{
		name: "order by an indexed property", want: "ok",
		why: "and this one works",
		got: func(x *trial) string { return x.uniqueQuery("SELECT * FROM c ORDER BY c.n") },
	},
	{
		name: "order by a composite index, reversed", want: "ok",
		why: "a composite index serves its own directions and their opposite",
		got: func(x *trial) string { return x.uniqueQuery("SELECT * FROM c ORDER BY c.n DESC, c.m ASC") },
	},
	{
		name: "order by a composite index, half reversed", want: "400",
		why: "and no other",
		got: func(x *trial) string { return x.uniqueQuery("SELECT * FROM c ORDER BY c.n ASC, c.m ASC") },
	},
}

func (x *trial) uniqueQuery(sql string) string {
	return after(x.unique.NewQueryItemsPager(sql, x.key(), nil).NextPage(x.ctx))
}

var pagingBehaviours = []behaviour{
	{
		name: "pages of five", want: "12 rows in 3 pages",
		why: "page size is a maximum and the end has no continuation",
		got: func(x *trial) string { return x.paged("SELECT * FROM c") },
	},
	{
		name: "pages of five, sorted", want: "12 rows in 3 pages",
		why: "a sorted query goes on where it was",
		got: func(x *trial) string { return x.paged("SELECT c.id FROM c ORDER BY c.n DESC") },
	},
	{
		name: "pages of five, joined", want: "24 rows in 5 pages",
		why: "a page can end in the middle of an item's elements",
		got: func(x *trial) string { return x.paged("SELECT c.id, t FROM c JOIN t IN c.tags") },
	},
	{
		name: "resume from a continuation token", want: "5+7 in order",
		why: "a reader stores its place and comes back in another process",
		got: resume,
	},
	{
		name: "token of another query", want: "400",
		why: "a stored place must not be read as another query's",
		got: func(x *trial) string {
			x.dataset.Do(x.loadDataset)
			token := x.firstToken("SELECT * FROM c")
			return x.queryPages(oddPartition, "SELECT VALUE c.id FROM c", &azcosmos.QueryOptions{ContinuationToken: &token})
		},
	},
	{
		name: "page of at most 4 MB", want: "5 rows in more than one page, counted 5",
		why: "answers are limited (concepts-limits): a reader that takes one page loses rows; an aggregate loses none",
		got: func(x *trial) string {
			big := strings.Repeat("x", 1<<20)
			for i := range 5 {
				x.put(fmt.Sprint("big", i), fields{"text": big})
			}
			rows, pages, err := x.collect(x.pk, "SELECT * FROM c", nil)
			if err != nil || pages < 2 {
				return fmt.Sprintf("%d pages, %s", pages, code(err))
			}
			return fmt.Sprintf("%d rows in more than one page, counted %s", len(rows), x.query(x.pk, "SELECT VALUE COUNT(1) FROM c"))
		},
	},
}

func (x *trial) paged(sql string) string {
	x.dataset.Do(x.loadDataset)
	rows, pages, err := x.collect(oddPartition, sql, &azcosmos.QueryOptions{PageSizeHint: 5})
	if err != nil {
		return code(err)
	}
	different := map[string]bool{}
	for _, row := range rows {
		different[row] = true
	}
	if len(different) != len(rows) {
		return fmt.Sprintf("%d rows of which %d differ", len(rows), len(different))
	}
	return fmt.Sprintf("%d rows in %d pages", len(rows), pages)
}

func (x *trial) firstToken(sql string) string {
	pager := x.items.NewQueryItemsPager(sql, azcosmos.NewPartitionKeyString(oddPartition), &azcosmos.QueryOptions{PageSizeHint: 5})
	page, err := pager.NextPage(x.ctx)
	if err != nil || page.ContinuationToken == nil {
		x.Fatalf("no continuation token: %v", err)
	}
	return *page.ContinuationToken
}

func resume(x *trial) string {
	x.dataset.Do(x.loadDataset)
	const sql = "SELECT VALUE c.n FROM c ORDER BY c.n"
	token := x.firstToken(sql)
	rows, _, err := x.collect(oddPartition, sql, &azcosmos.QueryOptions{ContinuationToken: &token})
	if err != nil {
		return code(err)
	}
	if strings.Join(rows, ",") != "11,13,15,17,19,21,23" {
		return strings.Join(rows, ",")
	}
	return "5+7 in order"
}
