package rules

import (
	"bytes"
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// Whom a request lets in, for every service that has a list of addresses: security rules of a network, firewall rules
// of a database, the networks of a vault, an account or Cosmos DB. What counts is the union of all sources that one
// request allows: two halves of the address space are the whole.

// opening appends internet where the sources cover half of IPv4 or of IPv6's global unicast space (2000::/3, RFC 4291)
// or more, and azure where they let in every Azure service. Request and answer are judged each for itself.
func (v *values) opening(properties activity.Properties) {
	var internet, azure, doubt bool
	for _, body := range bodyNames {
		if !v.mayHold(properties, body) {
			continue
		}
		o := opened{v: values{}, body: properties, at: body + ".properties."}
		o.all()
		internet, azure = internet || o.sources.wide(), azure || o.azure
		doubt = doubt || o.doubt
	}
	if internet {
		v.add("internet")
	}
	if azure {
		v.add("azure")
	}
	v.doubt, v.absent = doubt, doubt
}

// opened gathers the sources of one body.
type opened struct {
	v       values
	body    []byte
	at      string
	sources sources
	azure   bool
	doubt   bool
}

// texts are the trimmed values at a path below the body's properties.
func (o *opened) texts(raw []byte, path string) []string {
	o.v.list, o.v.arena = o.v.list[:0], o.v.arena[:0] // and not what was made of the body's text
	o.v.reading, o.v.depth = reading{}, 0
	o.v.properties(raw, path)
	o.doubt = o.doubt || o.v.doubt
	var list []string
	for _, text := range o.v.list {
		list = append(list, strings.TrimSpace(string(text)))
	}
	return list
}

func (o *opened) all() {
	o.securityRule(o.body, o.at)
	for _, rule := range o.objects(o.at + "securityrules") {
		o.securityRule(rule, "properties.")
		o.securityRule(rule, "")
	}
	o.ranges(o.body, o.at)
	for _, rule := range o.objects(strings.TrimSuffix(o.at, "properties.") + "values") {
		o.ranges(rule, "properties.")
	}
	for _, path := range []string{
		"networkacls.iprules.value", "networkacls.iprules.ipmask", "networkruleset.iprules.value", "networkruleset.iprules.ipmask",
		"iprules.ipaddressorrange", "iprules.value", "iprules", "iprangefilter", "networkacls.iprules",
	} {
		for _, source := range o.texts(o.body, o.at+path) {
			o.allow(source, false)
		}
	}
}

// objects are the objects of a list, as texts.
func (o *opened) objects(path string) [][]byte {
	var list [][]byte
	o.v.list, o.v.arena = o.v.list[:0], o.v.arena[:0]
	o.v.reading, o.v.depth, o.v.raw = reading{}, 0, true
	o.v.properties(o.body, path)
	o.doubt, o.v.raw = o.doubt || o.v.doubt, false
	for _, text := range o.v.list {
		if bytes.HasPrefix(text, []byte("{")) {
			list = append(list, bytes.Clone(text))
		}
	}
	return list
}

// securityRule adds the sources of a rule that allows inbound traffic.
func (o *opened) securityRule(raw []byte, at string) {
	if !slices.Contains(o.texts(raw, at+"access"), "allow") || !slices.Contains(o.texts(raw, at+"direction"), "inbound") {
		return
	}
	for _, name := range []string{"sourceaddressprefix", "sourceaddressprefixes"} {
		for _, source := range o.texts(raw, at+name) {
			o.allow(source, true)
		}
	}
}

// ranges adds a firewall rule that goes from one address to another. 0.0.0.0 to 0.0.0.0 is Azure's sign for all of its
// services (azure-sql/database/firewall-configure).
func (o *opened) ranges(raw []byte, at string) {
	for _, names := range [][2]string{{"startipaddress", "endipaddress"}, {"startip", "endip"}} {
		first, last := o.texts(raw, at+names[0]), o.texts(raw, at+names[1])
		if len(first)*len(last) > mostReadings*mostReadings { // each pair is a reading, and one of them may be anything
			o.sources.everything()
			return
		}
		for _, from := range first {
			for _, to := range last {
				if from == "0.0.0.0" && to == "0.0.0.0" {
					o.azure = true
					continue
				}
				o.sources.between(from, to)
			}
		}
	}
}

// allow adds one source as its author wrote it: a prefix, an address, a range, a word, or several separated by commas. In a
// security rule 0.0.0.0 without a length is everybody; in Cosmos DB's list it is Azure's sign for its services.
func (o *opened) allow(source string, rule bool) {
	for one := range strings.SplitSeq(source, ",") {
		switch one = strings.TrimSpace(one); one {
		case "":
		case "*", "any", "internet", "0/0":
			o.sources.everything()
		case "0.0.0.0", "::":
			if o.azure = o.azure || !rule; rule {
				o.sources.everything()
			}
		default:
			o.sources.add(one)
		}
	}
}

// sources is a set of address ranges: IPv4 by address, IPv6 by the upper half, which is where global prefixes are cut.
type sources struct{ v4, v6 []interval }

type interval struct{ from, to uint64 } // both included

func (s *sources) everything() {
	s.v4, s.v6 = append(s.v4, interval{0, math.MaxUint32}), append(s.v6, interval{0, math.MaxUint64})
}

// add reads a prefix or a range; what is neither (a tag of Azure's, a name) adds no addresses that can be counted.
func (s *sources) add(text string) {
	if from, to, ok := strings.Cut(text, "-"); ok {
		s.between(strings.TrimSpace(from), strings.TrimSpace(to))
		return
	}
	address, length, _ := strings.Cut(text, "/")
	addr, ok := looseAddress(address)
	if !ok {
		return
	}
	bits, err := strconv.Atoi(strings.TrimSpace(length))
	switch mask, isMask := looseAddress(length); {
	case length == "":
		bits = addr.BitLen()
	case isMask && mask.Is4() && addr.Is4():
		bits = ones(mask)
	case err != nil || bits < 0:
		return
	}
	if addr.Is4In6() && bits >= 96 {
		addr, bits = addr.Unmap(), bits-96
	}
	prefix, err := addr.Prefix(min(bits, addr.BitLen()))
	if err != nil {
		return
	}
	s.prefix(prefix)
}

func (s *sources) prefix(p netip.Prefix) {
	from := half(p.Addr())
	if p.Addr().Is4() {
		s.v4 = append(s.v4, interval{from, from | (1<<(32-p.Bits()) - 1)})
		return
	}
	if p.Bits() < 64 {
		s.v6 = append(s.v6, interval{from, from | (1<<(64-p.Bits()) - 1)})
	}
}

// between adds a range of addresses of one family.
func (s *sources) between(first, last string) {
	from, ok1 := looseAddress(first)
	to, ok2 := looseAddress(last)
	if !ok1 || !ok2 || from.Is4() != to.Is4() || to.Less(from) {
		return
	}
	if from.Is4() {
		s.v4 = append(s.v4, interval{half(from), half(to)})
		return
	}
	s.v6 = append(s.v6, interval{half(from), half(to)})
}

// half is an IPv4 address as a number, or the upper half of an IPv6 address.
func half(a netip.Addr) uint64 {
	n, bytes := uint64(0), a.AsSlice()
	for _, b := range bytes[:min(len(bytes), 8)] {
		n = n<<8 | uint64(b)
	}
	return n
}

// wide reports whether the sources cover half of a family's addresses or more.
func (s *sources) wide() bool {
	const global, half6 = uint64(0x2000) << 48, uint64(1) << 60 // 2000::/3 has 2^61 networks of /64
	return covered(s.v4, 0, math.MaxUint32) >= 1<<31 || covered(s.v6, global, global|(1<<61-1)) >= half6
}

// covered counts the numbers between low and high that lie in some interval.
func covered(list []interval, low, high uint64) uint64 {
	slices.SortFunc(list, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
	total, next := uint64(0), low
	for _, i := range list {
		from, to := max(i.from, next), min(i.to, high)
		if from > to {
			continue
		}
		total += to - from + 1
		if next = to + 1; to == high {
			break
		}
	}
	return total
}

// ones is the length of a netmask.
func ones(mask netip.Addr) int {
	n := 0
	for _, b := range mask.AsSlice() {
		for ; b&0x80 != 0; b <<= 1 {
			n++
		}
	}
	return n
}

// looseAddress reads an address with the leading zeros that lenient readers take.
func looseAddress(s string) (netip.Addr, bool) {
	s = strings.Trim(strings.TrimSpace(s), "[]")
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.WithZone(""), true
	}
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	var quad [4]byte
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		quad[i] = byte(n)
	}
	return netip.AddrFrom4(quad), true
}
