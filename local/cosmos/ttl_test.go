package cosmos

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// send makes a request in process and fails the test when the status is another.
func send(t *testing.T, s *Server, method, path, body string, want int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://cosmos.local"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-ms-documentdb-partitionkey", `["p"]`)
	response, err := s.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != want {
		t.Fatalf("%s %s %s: got %s, want %d", method, path, body, response.Status, want)
	}
}

// rowCount counts the rows of a container's tables, visible or not.
func rowCount(t *testing.T, s *Server, c *container) (items, keys int) {
	t.Helper()
	if m := c.table.memory; m != nil {
		for _, p := range m.parts {
			items, keys = items+len(p.rows), keys+len(p.keys)
		}
		return items, keys
	}
	err := s.store.read(t.Context(), func(r *session) error {
		for table, n := range map[string]*int{"items": &items, "keys": &keys} {
			if _, err := r.row(fmt.Sprintf("SELECT COUNT(*) FROM %s_%d", table, c.num), nil, []any{n}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return items, keys
}

// twice runs a test with the items in memory and on disk.
func twice(t *testing.T, test func(t *testing.T, dir string)) {
	t.Parallel()
	t.Run("in memory", func(t *testing.T) { test(t, "") })
	t.Run("on disk", func(t *testing.T) { test(t, t.TempDir()) })
}

// Expired items leave the disk while others are written, and take their unique keys along.
func TestSweep(t *testing.T) { twice(t, testSweep) }

func testSweep(t *testing.T, dir string) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	s, err := Open(context.Background(), Options{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	send(t, s, "POST", "/dbs", `{"id":"d"}`, 201)
	send(t, s, "POST", "/dbs/d/colls", `{"id":"c","partitionKey":{"paths":["/pk"]},"defaultTtl":10,
		"uniqueKeyPolicy":{"uniqueKeys":[{"paths":["/mail"]}]}}`, 201)
	for i := range 300 {
		send(t, s, "POST", "/dbs/d/colls/c/docs", fmt.Sprintf(`{"id":"i%d","pk":"p","mail":%d}`, i, i), 201)
	}
	c, err := s.catalog.container("d", "c")
	if err != nil {
		t.Fatal(err)
	}
	if items, keys := rowCount(t, s, c); items != 300 || keys != 300 {
		t.Fatalf("got %d items and %d keys, want 300 of each", items, keys)
	}
	now = now.Add(11 * time.Second)
	// A key whose owner has expired is free even before the owner is swept.
	send(t, s, "POST", "/dbs/d/colls/c/docs", `{"id":"new","pk":"p","mail":299}`, 201)
	for range 3 {
		now = now.Add(time.Second)
		send(t, s, "POST", "/dbs/d/colls/c/docs", fmt.Sprintf(`{"id":"later-%d","pk":"p","mail":"l%d"}`, now.Unix(), now.Unix()), 201)
	}
	if items, keys := rowCount(t, s, c); items != 4 || keys != 4 {
		t.Errorf("got %d items and %d keys left, want the 4 that live", items, keys)
	}
}

// A changed default applies to the items that are there already.
func TestChangedDefaultTTL(t *testing.T) { twice(t, testChangedDefaultTTL) }

func testChangedDefaultTTL(t *testing.T, dir string) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	s, err := Open(context.Background(), Options{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	send(t, s, "POST", "/dbs", `{"id":"d"}`, 201)
	const without = `{"id":"c","partitionKey":{"paths":["/pk"]}}`
	send(t, s, "POST", "/dbs/d/colls", without, 201)
	for _, item := range []string{
		`{"id":"plain","pk":"p"}`, `{"id":"long","pk":"p","ttl":100}`, `{"id":"never","pk":"p","ttl":-1}`, `{"id":"odd","pk":"p","ttl":"soon"}`,
	} {
		send(t, s, "POST", "/dbs/d/colls/c/docs", item, 201)
	}
	now = now.Add(50 * time.Second)
	expect := func(when string, want map[string]int) {
		t.Helper()
		t.Log(when)
		for id, status := range want {
			send(t, s, "GET", "/dbs/d/colls/c/docs/"+id, "", status)
		}
	}
	expect("time to live is off", map[string]int{"plain": 200, "long": 200, "never": 200, "odd": 200})
	send(t, s, "PUT", "/dbs/d/colls/c", `{"id":"c","partitionKey":{"paths":["/pk"]},"defaultTtl":10}`, 200)
	expect("a default of 10 seconds", map[string]int{"plain": 404, "long": 200, "never": 200, "odd": 404})
	send(t, s, "PUT", "/dbs/d/colls/c", `{"id":"c","partitionKey":{"paths":["/pk"]},"defaultTtl":-1}`, 200)
	now = now.Add(51 * time.Second)
	expect("on, without a default", map[string]int{"long": 404, "never": 200})
}
