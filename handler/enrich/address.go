package enrich

import "net/netip"

// from says where a call came from: the address, what kind of address it is, and where on earth if the operator's
// database knows. A text that is no address is shown as it stands.
func from(text string, o Options) Fact {
	addr, ok := CallerAddr(text)
	switch {
	case text == "" || ok && addr.IsUnspecified(): // Advisor and others write 0.0.0.0 for "nobody's address"
		return Fact{}
	case !ok:
		return Fact{Name: "From", Value: text, Code: true}
	}
	kind := KindOf(addr)
	if kind == Public && o.Whereabouts != nil {
		kind = or(o.Whereabouts(addr), kind)
	}
	return Fact{Name: "From", Value: text + " (" + kind + ")"}
}

// CallerAddr reads the address of a caller; some services write a port behind it.
func CallerAddr(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// Public is the kind of an address that anybody on the internet may have. Whether it is Azure's own cannot be told from
// the address: Microsoft's ranges change weekly. A reverse name, or the operator's database, may say it.
const Public = "public"

// KindOf says what kind of address it is, by the registries of special-purpose addresses (RFC 6890 and its successors).
func KindOf(addr netip.Addr) string {
	switch {
	case addr == azureHost:
		return "Azure's own host"
	case addr.IsLoopback():
		return "the machine itself"
	case addr.IsPrivate():
		return "private network"
	case shared.Contains(addr):
		return "carrier network"
	case addr.IsLinkLocalUnicast():
		return "link-local"
	case addr.IsMulticast():
		return "multicast"
	}
	return Public
}

// azureHost is the address by which every virtual machine reaches its host (learn: "What is IP address 168.63.129.16?").
var azureHost = netip.MustParseAddr("168.63.129.16")

// shared is between a carrier and its customers (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")
