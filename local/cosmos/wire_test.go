package cosmos_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/local/cosmos"
)

// respond sends a bare request, as an explorer or curl would.
func respond(t *testing.T, s *cosmos.Server, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://cosmos.local"+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := s.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// ask is respond for who only wants status, substatus and body.
func ask(t *testing.T, s *cosmos.Server, method, path, body string, headers ...string) (status, substatus string, doc map[string]any) {
	t.Helper()
	response := respond(t, s, method, path, body, headers...)
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatalf("%s %s: body is no JSON object: %s", method, path, raw)
		}
	}
	return response.Status, response.Header.Get("x-ms-substatus"), doc
}

const (
	pk       = "x-ms-documentdb-partitionkey"
	isQuery  = "x-ms-documentdb-isquery"
	allParts = "x-ms-documentdb-query-enablecrosspartition"
	docs     = "/dbs/auditbell/colls/alerts/docs"
)

func TestWire(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	create(t.Context(), alerts(t, s, "http://cosmos.local/", s), "a")
	for _, c := range []struct {
		why, method, path, body string
		headers                 []string
		want                    string
	}{
		{"an unknown path", "GET", "/nowhere", "", nil, "404 Not Found"},
		{"stored procedures", "GET", "/dbs/auditbell/colls/alerts/sprocs", "", nil, "404 Not Found"},
		{"a method that is not served", "PUT", "/dbs", "", nil, "405 Method Not Allowed"},
		{"all databases", "GET", "/dbs", "", nil, "200 OK"},
		{"one database", "GET", "/dbs/auditbell", "", nil, "200 OK"},
		{"a missing database", "GET", "/dbs/none", "", nil, "404 Not Found"},
		{"all containers", "GET", "/dbs/auditbell/colls", "", nil, "200 OK"},
		{"items of a missing container", "GET", "/dbs/auditbell/colls/none/docs", "", nil, "404 Not Found 1003"},
		{"all items", "GET", docs, "", nil, "200 OK"},
		{"items of one partition", "GET", docs, "", []string{pk, `["g"]`}, "200 OK"},
		{"a partition key that is no array", "GET", docs + "/a", "", []string{pk, `"g"`}, "400 Bad Request"},
		{"a partition key with too many levels", "GET", docs + "/a", "", []string{pk, `["g","h"]`}, "400 Bad Request 1001"},
		{"undefined as partition key", "POST", docs, `{"id":"undefined"}`, []string{pk, `[{}]`}, "201 Created"},
		{"an object as partition key", "POST", docs, `{"id":"o","pk":{"a":1}}`, []string{pk, `["g"]`}, "400 Bad Request"},
		{"an item that is no object", "POST", docs, `[1]`, []string{pk, `["g"]`}, "400 Bad Request"},
		{"an id that is no string", "POST", docs, `{"id":1,"pk":"g"}`, []string{pk, `["g"]`}, "400 Bad Request"},
		{"another id in body and address", "PUT", docs + "/a", `{"id":"b","pk":"g"}`, []string{pk, `["g"]`}, "400 Bad Request"},
		{"triggers", "POST", docs, `{"id":"t","pk":"g"}`, []string{pk, `["g"]`, "x-ms-documentdb-pre-trigger-include", "x"}, "400 Bad Request"},
		{"an item kept out of the index", "POST", docs, `{"id":"t","pk":"g"}`, []string{pk, `["g"]`, "x-ms-indexing-directive", "Exclude"}, "400 Bad Request"},
		{"consistency stronger than the account's", "GET", docs + "/a", "", []string{pk, `["g"]`, "x-ms-consistency-level", "Strong"}, "400 Bad Request"},
		{"a session from the future", "GET", docs + "/a", "", []string{pk, `["g"]`, "x-ms-session-token", "0:-1#999999"}, "404 Not Found 1002"},
		{"a session that is no session", "GET", docs + "/a", "", []string{pk, `["g"]`, "x-ms-session-token", "x"}, "400 Bad Request"},
		{"a page of no items", "GET", docs, "", []string{"x-ms-max-item-count", "0"}, "400 Bad Request"},
		{"a query without text", "POST", docs, `{}`, []string{isQuery, "true", allParts, "true"}, "400 Bad Request"},
		{"a query plan", "POST", docs, `{"query":"SELECT * FROM c"}`, []string{isQuery, "true", "x-ms-cosmos-is-query-plan-request", "true"}, "400 Bad Request"},
		{"a missing partition key range", "POST", docs, `{"query":"SELECT * FROM c"}`, []string{isQuery, "true", allParts, "true", "x-ms-documentdb-partitionkeyrangeid", "7"}, "410 Gone 1002"},
		{"a sorted query over all partitions", "POST", docs, `{"query":"SELECT * FROM c ORDER BY c.at"}`, []string{isQuery, "true", allParts, "true"}, "400 Bad Request 1004"},
		{"a malformed continuation", "POST", docs, `{"query":"SELECT * FROM c"}`, []string{isQuery, "true", allParts, "true", "x-ms-continuation", "x"}, "400 Bad Request"},
		{"the change feed with all versions", "GET", docs, "", []string{"A-IM", "Full-Fidelity Feed"}, "400 Bad Request"},
		{"the change feed from now on", "GET", docs, "", []string{"A-IM", "Incremental Feed", "If-None-Match", "*"}, "304 Not Modified"},
		{"the change feed from a malformed place", "GET", docs, "", []string{"A-IM", "Incremental Feed", "If-None-Match", "x"}, "400 Bad Request"},
		{"the change feed of one partition", "GET", docs, "", []string{"A-IM", "Incremental Feed", pk, `["g"]`}, "200 OK"},
		{"an empty batch", "POST", docs, `[]`, []string{pk, `["g"]`, "x-ms-cosmos-is-batch-request", "True"}, "400 Bad Request"},
		{"a batch that is not atomic", "POST", docs, `[{"operationType":"Read","id":"a"}]`, []string{pk, `["g"]`, "x-ms-cosmos-is-batch-request", "True", "x-ms-cosmos-batch-atomic", "False"}, "400 Bad Request"},
		{"an unknown batch operation", "POST", docs, `[{"operationType":"Move","id":"a"}]`, []string{pk, `["g"]`, "x-ms-cosmos-is-batch-request", "True"}, "400 Bad Request"},
		{"an unknown patch operation", "PATCH", docs + "/a", `{"operations":[{"op":"move","from":"/a","path":"/b"}]}`, []string{pk, `["g"]`}, "400 Bad Request"},
		{"a patch without operations", "PATCH", docs + "/a", `{"operations":[]}`, []string{pk, `["g"]`}, "400 Bad Request"},
		{"a database without a name", "POST", "/dbs", `{}`, nil, "400 Bad Request"},
		{"a container without a partition key", "POST", "/dbs/auditbell/colls", `{"id":"x"}`, nil, "400 Bad Request"},
		{"a container whose index has no root", "POST", "/dbs/auditbell/colls", `{"id":"x","partitionKey":{"paths":["/pk"]},"indexingPolicy":{"includedPaths":[{"path":"/a/?"}]}}`, nil, "400 Bad Request"},
		{"a container with a time to live of 0", "POST", "/dbs/auditbell/colls", `{"id":"x","partitionKey":{"paths":["/pk"]},"defaultTtl":0}`, nil, "400 Bad Request"},
		{"throughput below the minimum", "POST", "/dbs", `{"id":"x"}`, []string{"x-ms-offer-throughput", "100"}, "400 Bad Request"},
		{"autoscale", "POST", "/dbs", `{"id":"scaled"}`, []string{"x-ms-cosmos-offer-autopilot-settings", `{"maxThroughput":1000}`}, "201 Created"},
		{"all offers", "GET", "/offers", "", nil, "200 OK"},
		{"a missing offer", "GET", "/offers/none", "", nil, "404 Not Found"},
	} {
		status, substatus, _ := ask(t, s, c.method, c.path, c.body, c.headers...)
		if got := strings.TrimSpace(status + " " + substatus); got != c.want {
			t.Errorf("%s: %s %s: got %s, want %s", c.why, c.method, c.path, got, c.want)
		}
	}
}

// azcosmos goes where the account says, so the account has to say how it was reached.
func TestAccountNamesTheAddressItWasAskedAt(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	plain, encrypted := httptest.NewServer(s), httptest.NewTLSServer(s)
	t.Cleanup(plain.Close)
	t.Cleanup(encrypted.Close)
	for _, server := range []*httptest.Server{plain, encrypted} {
		response, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		var account struct {
			WritableLocations []struct{ DatabaseAccountEndpoint string }
		}
		if err := json.NewDecoder(response.Body).Decode(&account); err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := account.WritableLocations[0].DatabaseAccountEndpoint; got != server.URL+"/" {
			t.Errorf("got %s, want %s/", got, server.URL)
		}
	}
}

// The Date header tells the account's time, which a test may have moved; over a socket net/http would put its own.
func TestDateIsTheAccountsTime(t *testing.T) {
	t.Parallel()
	clock := newClock()
	clock.Advance(36 * time.Hour)
	s := open(t, cosmos.Options{Now: clock.Now})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	want := clock.Now().Format(http.TimeFormat)
	for where, got := range map[string]string{
		"in process": respond(t, s, "GET", "/", "").Header.Get("Date"), "over a socket": response.Header.Get("Date"),
	} {
		if got != want {
			t.Errorf("%s: got %s, want %s", where, got, want)
		}
	}
}

// Without a key everything passes; with one, every request needs a signature or a Microsoft Entra token.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{Key: accountKey})
	for _, c := range []struct{ why, authorization, want string }{
		{"no header", "", "401 Unauthorized"},
		{"nonsense", "%zz", "401 Unauthorized"},
		{"a resource token", "type%3dresource%26ver%3d1.0%26sig%3dx", "401 Unauthorized"},
		{"a signature of another key", "type%3dmaster%26ver%3d1.0%26sig%3dAAAA", "401 Unauthorized"},
		{"a Microsoft Entra token", "type=aad&ver=1.0&sig=a.b.c", "200 OK"},
	} {
		if got, _, _ := ask(t, s, "GET", "/dbs", "", "Authorization", c.authorization); got != c.want {
			t.Errorf("%s: got %s, want %s", c.why, got, c.want)
		}
	}
	if got, _, _ := ask(t, open(t, cosmos.Options{}), "GET", "/dbs", ""); got != "200 OK" {
		t.Errorf("no key configured: got %s, want 200 OK", got)
	}
	if _, err := cosmos.Open(t.Context(), cosmos.Options{Key: "not base64!"}); err == nil {
		t.Error("a key that is not base64 was accepted")
	}
}

// Charges follow the container's index: "events" has four paths beside id and _ts, so its create costs 4.95 + 6 × 0.2.
func TestCharges(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	alerts(t, s, "http://cosmos.local/", s)
	ask(t, s, "POST", "/dbs/auditbell/colls", `{"id":"all","partitionKey":{"paths":["/pk"]}}`)
	const (
		item    = `{"id":"a","pk":"g","hour":"h","actor":"c","correlation_id":"o","x":1,"y":2}`
		changed = `{"id":"a","pk":"g","hour":"i","actor":"d","correlation_id":"o","x":3,"y":4}`
		count   = `{"query":"SELECT VALUE COUNT(1) FROM c"}`
		patch   = `{"operations":[{"op":"incr","path":"/x","value":1}]}`
		events  = "/dbs/auditbell/colls/events/docs"
		all     = "/dbs/auditbell/colls/all/docs"
	)
	for _, c := range []struct{ why, method, path, body, want string }{
		{"create, narrow index", "POST", events, item, "6.15"},
		{"create, everything indexed", "POST", all, item, "6.55"},
		{"create what is there", "POST", events, item, "1.24"},
		{"point read", "GET", events + "/a", "", "1.00"},
		{"point read of nothing", "GET", events + "/b", "", "1.00"},
		{"query", "POST", events, count, "2.80"},
		{"replace by the same", "PUT", events + "/a", item, "9.90"},
		{"replace, two indexed values changed", "PUT", events + "/a", changed, "10.70"},
		{"replace, four of them", "PUT", all + "/a", changed, "11.50"},
		{"patch of what is not indexed", "PATCH", events + "/a", patch, "10.30"},
		{"patch of what is", "PATCH", all + "/a", patch, "10.70"},
		{"delete", "DELETE", events + "/a", "", "6.15"},
	} {
		headers := []string{pk, `["g"]`}
		if c.body == count {
			headers = append(headers, isQuery, "true")
		}
		if got := respond(t, s, c.method, c.path, c.body, headers...).Header.Get("x-ms-request-charge"); got != c.want {
			t.Errorf("%s: got %s, want %s", c.why, got, c.want)
		}
	}
}

func TestChangeFeedSinceATime(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := open(t, cosmos.Options{Now: clock.Now})
	c := alerts(t, s, "http://cosmos.local/", s)
	create(t.Context(), c, "before")
	clock.Advance(time.Minute)
	since := clock.Now().Format(time.RFC1123)
	create(t.Context(), c, "after")
	_, _, feed := ask(t, s, "GET", docs, "", "A-IM", "Incremental feed", "If-Modified-Since", since)
	var got []any
	for _, item := range feed["Documents"].([]any) {
		got = append(got, item.(map[string]any)["id"])
	}
	if diff := cmp.Diff([]any{"after"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A container that goes away while it is used is gone for everybody at once, and its name is free.
func TestDeletedContainer(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	c := alerts(t, s, "http://cosmos.local/", s)
	create(t.Context(), c, "a")
	if _, err := c.Delete(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := create(t.Context(), c, "b"); got != "404" {
		t.Errorf("create: got %s, want 404", got)
	}
	c = alerts(t, s, "http://cosmos.local/", s)
	if there(t, c, "a") {
		t.Error("the new container has an item of the old one")
	}
	if got, _, _ := ask(t, s, "DELETE", "/dbs/auditbell", ""); got != "204 No Content" {
		t.Errorf("delete database: got %s", got)
	}
	if got, _, _ := ask(t, s, "GET", "/dbs/auditbell/colls/events", ""); got != "404 Not Found" {
		t.Errorf("container of a deleted database: got %s", got)
	}
}

func TestNotStuckOnACallerThatLeaves(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.Inject(cosmos.Fault{Delay: time.Hour, Count: 1})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	impatient := http.Client{Timeout: 20 * time.Millisecond}
	if response, err := impatient.Do(r); err == nil {
		_ = response.Body.Close()
		t.Error("got an answer from a server that waits for an hour")
	}
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}
