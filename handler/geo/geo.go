// Package geo says where on earth an address is, by a database that the operator supplies in MaxMind's format: country,
// city or network operator, whatever it holds. We ship none and fetch none.
//
// It is for a reader's judgement. Such databases are guesses, and nothing here may decide whether something rings.
package geo

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// DB is an open database, safe for concurrent use.
type DB struct{ reader *maxminddb.Reader }

// record is what is read of the databases that MaxMind describes (dev.maxmind.com: "GeoIP City and Country", "GeoIP ASN");
// one file has either places or networks.
type record struct {
	Country struct {
		Code  string            `maxminddb:"iso_code"`
		Names map[string]string `maxminddb:"names"`
	} `maxminddb:"country"`
	City struct {
		Names map[string]string `maxminddb:"names"`
	} `maxminddb:"city"`
	Number       uint   `maxminddb:"autonomous_system_number"`
	Organization string `maxminddb:"autonomous_system_organization"`
}

// Open opens the file, which is mapped and not read: it costs no time at start and no memory to speak of.
func Open(path string) (*DB, error) {
	reader, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open MaxMind database: %w", err)
	}
	return &DB{reader}, nil
}

// Where is "Hamburg, Germany", or "AS64500 Example Net"; "" when the database does not know.
func (d *DB) Where(addr netip.Addr) string {
	var r record
	if err := d.reader.Lookup(addr).Decode(&r); err != nil {
		return ""
	}
	country := r.Country.Names["en"]
	if country == "" {
		country = r.Country.Code
	}
	parts := []string{r.City.Names["en"], country}
	if r.Number != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("AS%d %s", r.Number, r.Organization)))
	}
	var told []string
	for _, p := range parts {
		if p != "" {
			told = append(told, p)
		}
	}
	return strings.Join(told, ", ")
}

// About is what the database says of itself: its type and the day it was made.
func (d *DB) About() string {
	return d.reader.Metadata.DatabaseType + " of " + d.reader.Metadata.BuildTime().UTC().Format("2006-01-02")
}
