// Package zonetest lists the time zones of the database that comes with Go, for property tests over all of them. Nothing
// here is for the product itself.
package zonetest

import (
	"archive/zip"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// Zones returns one zone for each distinct set of rules (597 names share some 350 of them), by name.
func Zones(t testing.TB) []*time.Location {
	t.Helper()
	zones, err := once()
	if err != nil {
		t.Fatalf("read the time zone database: %v", err)
	}
	return zones
}

var once = sync.OnceValues(read)

func read() ([]*time.Location, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	database, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = database.Close() }()
	slices.SortFunc(database.File, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	var zones []*time.Location
	seen := map[string]bool{}
	for _, f := range database.File {
		if f.FileInfo().IsDir() {
			continue
		}
		rules, err := contents(f)
		if err != nil {
			return nil, err
		}
		if seen[string(rules)] {
			continue
		}
		seen[string(rules)] = true
		zone, err := time.LoadLocationFromTZData(f.Name, rules)
		if err != nil {
			return nil, err
		}
		zones = append(zones, zone)
	}
	return zones, nil
}

func contents(f *zip.File) ([]byte, error) {
	file, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// Changes returns the instants from 1970 to the end of 2037 at which clocks of a zone change, to the second. Each zone is
// searched once.
func Changes(zone *time.Location) []time.Time {
	found, _ := changes.LoadOrStore(zone, sync.OnceValue(func() []time.Time { return search(zone) }))
	return found.(func() []time.Time)()
}

var changes sync.Map // of *time.Location to what returns its changes

// search does not ask Go for a zone's next change (ZoneBounds), because there it does not end for every zone.
func search(zone *time.Location) []time.Time {
	const step = 3 * 60 * 60
	offset := func(unix int64) int { _, o := time.Unix(unix, 0).In(zone).Zone(); return o }
	var all []time.Time
	end := time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for at, before := int64(0), offset(0); at < end; at += step {
		after := offset(at + step)
		if after != before {
			n := sort.Search(step, func(i int) bool { return offset(at+int64(i)) != before })
			all = append(all, time.Unix(at+int64(n), 0).In(zone))
		}
		before = after
	}
	return all
}
