package activity

import (
	"bytes"
	"errors"
	"time"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Parked is something that came in and is not an Activity Log event: unreadable, or another of Azure's signals. It is
// kept with the reason, so that nothing is lost and nothing is delivered to us again for a day.
type Parked struct {
	ID       string    `json:"item"`     // from the payload's hash: the same payload again is the same item
	Signal   string    `json:"signal"`   // "invalid", or the kind of signal: metric_alert, budget, signin, …
	Function string    `json:"function"` // where it came in
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
	Size     int       `json:"size"`              // bytes of the payload
	Excerpt  string    `json:"excerpt,omitempty"` // the beginning of what was unreadable, claims removed
}

// KeepExcerpt is how many bytes of something that was set aside are kept at most.
const KeepExcerpt = 64 << 10

// Excerpt is the beginning of an unreadable payload as valid UTF-8 without any claim: claims are personal data, and in
// a text that is not JSON their end is not known. So the text is cut in front of the first one that is not a
// well-formed value. The same holds for an identity, which holds claims; one that is well-formed is looked into.
func Excerpt(raw []byte) string {
	kept := raw[:min(len(raw), KeepExcerpt)]
	var out []byte
	for {
		at, name := firstPersonal(kept)
		if at < 0 {
			out = append(out, kept...)
			break
		}
		end, err := memberEnd(kept[at:], name)
		if name == "identity" && err == nil && jsonscan.Kind(kept[at+bytes.IndexByte(kept[at:], ':')+1:]) == '{' {
			inside := at + len(name)
			out, kept = append(out, kept[:inside]...), kept[inside:]
			continue
		}
		out = append(append(out, kept[:at]...), name+" removed"...)
		if err != nil {
			break
		}
		kept = kept[at+end:]
	}
	return string(bytes.ToValidUTF8(out, []byte("\uFFFD")))
}

// firstPersonal returns where the first claims stand, wherever they do, or the first member identity.
func firstPersonal(text []byte) (at int, name string) {
	lower := bytes.ToLower(text)
	at, name = bytes.Index(lower, []byte("claims")), "claims"
	for from := 0; ; {
		next := bytes.Index(lower[from:], []byte(`identity"`))
		if next < 0 || at >= 0 && from+next > at {
			return at, name
		}
		from += next
		if colon := jsonscan.Space(text, from+len(`identity"`)); colon < len(text) && text[colon] == ':' {
			return from, "identity"
		}
		from += len("identity")
	}
}

// memberEnd returns the offset behind the member that begins with `name":`.
func memberEnd(text []byte, name string) (int, error) {
	at := bytes.IndexByte(text, ':')
	if at < 0 || at > len(name)+len(`" `) {
		return 0, errors.New("not a member")
	}
	return jsonscan.Value(text, at+1)
}
