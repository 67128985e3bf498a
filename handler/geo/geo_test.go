package geo_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/geo"
)

func TestWhere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.mmdb")
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	names := func(name string) map[string]any { return map[string]any{"names": map[string]any{"en": name}} }
	germany := names("Germany")
	germany["iso_code"] = "DE"
	database := write(t, built, map[string]any{
		"198.51.100.0/24":  map[string]any{"country": germany, "city": names("Hamburg")},
		"203.0.113.128/25": map[string]any{"country": map[string]any{"iso_code": "XX"}},
		"192.0.2.0/24":     map[string]any{"autonomous_system_number": uint32(64500), "autonomous_system_organization": "Example Net"},
	})
	if err := os.WriteFile(path, database, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := geo.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ address, want string }{
		{"198.51.100.7", "Hamburg, Germany"},
		{"203.0.113.200", "XX"},
		{"203.0.113.1", ""},
		{"192.0.2.1", "AS64500 Example Net"},
		{"8.8.8.8", ""},
		{"2001:db8::1", ""},
	} {
		if got := db.Where(netip.MustParseAddr(c.address)); got != c.want {
			t.Errorf("%s is in %q, want %q", c.address, got, c.want)
		}
	}
	if got := db.About(); got != "Test of 2026-11-01" {
		t.Errorf("about: %q", got)
	}
}

func TestWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "no.mmdb")
	if _, err := geo.Open(path); err == nil {
		t.Error("a file that is not there opened")
	}
	if err := os.WriteFile(path, []byte("country,code\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := geo.Open(path); err == nil {
		t.Error("a text opened")
	}
}

// write makes a database for IPv4 with records of 32 bits, by the format's specification (maxmind.github.io/MaxMind-DB):
// a search tree, sixteen zero bytes, the data, a marker and the metadata.
func write(t *testing.T, built time.Time, networks map[string]any) []byte {
	t.Helper()
	type node [2]uint32 // 0: nothing; else the number of a node, or with top set an offset into the data
	const top = 1 << 31
	nodes := []node{{}}
	var data bytes.Buffer
	for text, value := range networks {
		prefix := netip.MustParsePrefix(text)
		at := uint32(data.Len())
		encode(&data, value)
		bits, n := binary.BigEndian.Uint32(prefix.Addr().AsSlice()), uint32(0)
		for i := range prefix.Bits() {
			side := bits >> (31 - i) & 1
			if i == prefix.Bits()-1 {
				nodes[n][side] = top | at
				break
			}
			if nodes[n][side] == 0 {
				nodes = append(nodes, node{})
				nodes[n][side] = uint32(len(nodes) - 1)
			}
			n = nodes[n][side]
		}
	}
	var out bytes.Buffer
	for _, n := range nodes {
		for _, record := range n {
			switch {
			case record == 0:
				record = uint32(len(nodes)) // by the specification: not there
			case record&top != 0:
				record = record&^uint32(top) + uint32(len(nodes)) + 16
			}
			_ = binary.Write(&out, binary.BigEndian, record)
		}
	}
	out.Write(make([]byte, 16))
	out.Write(data.Bytes())
	out.WriteString("\xab\xcd\xefMaxMind.com")
	encode(&out, map[string]any{
		"node_count": uint32(len(nodes)), "record_size": uint16(32), "ip_version": uint16(4), "database_type": "Test",
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(built.Unix()),
	})
	return out.Bytes()
}

// encode writes a value: a control byte of type and size, then the value. Types above 7 have a byte of their own.
func encode(w *bytes.Buffer, v any) {
	number := func(kind byte, width int, n uint64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], n)
		if kind > 7 {
			w.WriteByte(byte(width))
			w.WriteByte(kind - 7)
		} else {
			w.WriteByte(kind<<5 | byte(width))
		}
		w.Write(b[8-width:])
	}
	switch v := v.(type) {
	case string:
		if len(v) >= 29 {
			w.Write([]byte{2<<5 | 29, byte(len(v) - 29)})
		} else {
			w.WriteByte(2<<5 | byte(len(v)))
		}
		w.WriteString(v)
	case uint16:
		number(5, 2, uint64(v))
	case uint32:
		number(6, 4, uint64(v))
	case uint64:
		number(9, 8, v)
	case map[string]any:
		w.WriteByte(7<<5 | byte(len(v)))
		var keys []string
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			encode(w, k)
			encode(w, v[k])
		}
	}
}
