package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// mostNotes bounds the replies to one message that can be edited and is not grave; further changes only edit it.
const mostNotes = 10

// messageFor is the message for one destination, and what its readers know once they have it.
func (c *Composer) messageFor(a alert.Alert, d alert.Delivery) (notify.Message, alert.Shown) {
	m := c.Message(a)
	shown := alert.Shown{
		Count: a.Count, Operations: len(a.Operations), Outcome: string(a.Event.Outcome), Severity: a.Rule.Severity,
		Details: a.Revision, Notes: d.Shown.Notes, Recorded: d.Shown.Recorded, Rest: d.Shown.Rest, Unkept: d.Shown.Unkept, RecordSilent: d.Shown.RecordSilent, At: c.Now().UTC(),
	}
	if d.Revision == 0 {
		shown.Leave(unnamed(a, a.Operations, factFits))
		return m, shown
	}
	n := a.News(d)
	all := n
	text, editable := inWords(a, n), d.Channel != ""
	if !editable && !n.Again() {
		return m, d.Shown // nothing is sent, so readers still know only what they knew
	}
	silent := editable && !n.Graver && (a.IsSummary() || !a.Grave() && shown.Notes >= mostNotes)
	if text == "" || silent {
		return m, shown // an edit says it all
	}
	n, left := fitting(a, n)
	if shown.Leave(left); len(n.Detailed) < len(all.Detailed) {
		shown.Details = all.Detailed[len(n.Detailed)].Detailed - 1
	}
	if shown.Notes++; shown.Notes == mostNotes && editable && !a.Grave() {
		text += "; what follows is only counted above, all of it: " + allCommand(a)
	}
	m.News = text
	return m, shown
}

// inWords puts news in words: a new outcome, a graver rule, operations that readers have not heard of.
func inWords(a alert.Alert, n alert.News) string {
	var parts []string
	if n.Outcome && !a.IsSummary() {
		parts = append(parts, outcomeNews(a))
	}
	fits, left := fitting(a, n)
	if n.Graver {
		parts = append(parts, "now "+notify.Severity(a.Rule.Severity).Word()+": "+gravest(a)+why(a, n))
		fits.Detailed = slices.DeleteFunc(slices.Clone(fits.Detailed), func(op *alert.Operation) bool { return op.Key == reason(a, n).Key })
	}
	if known, _ := joined(a, fits.Detailed, len(fits.Detailed)); known != "" {
		parts = append(parts, "now known: "+known)
	}
	switch labels := andMore(joined(a, unheard(a, n, fits), mostJoined(a))); {
	case n.More == 0:
	case a.IsSummary():
		parts = append(parts, fmt.Sprintf("%d alerts now", a.Count))
	case labels == "":
		parts = append(parts, fmt.Sprintf("×%d now", a.Count))
	default:
		parts = append(parts, fmt.Sprintf("×%d now, new: %s", a.Count, labels))
		if strings.HasSuffix(labels, " more") {
			parts = append(parts, "all of them: "+allCommand(a))
		}
	}
	if left > 0 {
		parts = append(parts, fmt.Sprintf("%d more follow", left))
	}
	return strings.Join(parts, "; ")
}

// why says what the operation is that made an alert graver: role and principal, or port and source, which no message of a
// channel without edits has shown yet. What is new to readers is named as such.
func why(a alert.Alert, n alert.News) string {
	if op := reason(a, n); op.Detail != "" {
		return " (" + shortened(op.Detail, longestDetail) + ")"
	}
	return ""
}

// reason is the operation, among those that readers know, for which an alert is as grave as it is; none: without a key.
func reason(a alert.Alert, n alert.News) *alert.Operation {
	if !a.IsSummary() {
		for _, op := range a.Operations[:len(a.Operations)-len(n.Operations)] {
			if op.Severity == a.Rule.Severity && op.Detail != "" {
				return op
			}
		}
	}
	return &alert.Operation{}
}

// fitting is the news that one message has room for: what is known of operations by now, then those that joined. left is how
// many of these follow.
func fitting(a alert.Alert, n alert.News) (fits alert.News, left int) {
	room := newsFits
	n.Detailed = n.Detailed[:len(n.Detailed)-unnamed(a, n.Detailed, room)]
	for _, op := range n.Detailed {
		room -= len([]rune(label(a, op))) + len(", ")
	}
	if left = len(n.Operations); room > longestName+longestDetail || len(n.Detailed) == 0 {
		left = unnamed(a, n.Operations, room)
	}
	n.Operations = n.Operations[:len(n.Operations)-left]
	return n, left
}

// newsFits and factFits are how many characters the names of operations may take in news, and in a fact of a message: with
// what stands around them, every channel shows as many.
const (
	newsFits = notify.NewsFits - 200
	factFits = 250
)

// unnamed is how many operations of a grave alert, the last of these, a text of so many characters has no room for. Readers
// learn of them by the next message. At least one is named.
func unnamed(a alert.Alert, ops []*alert.Operation, fits int) int {
	if !a.Grave() || a.IsSummary() {
		return 0
	}
	for i, op := range ops {
		if fits -= len([]rune(label(a, op))) + len(", "); fits < 0 {
			return len(ops) - max(1, i)
		}
	}
	return 0
}

// gravest names why the severity is what it is: the rule, or the gravest of what a summary counts.
func gravest(a alert.Alert) string {
	if !a.IsSummary() {
		return a.Rule.Title
	}
	for _, op := range a.Operations {
		if op.Severity == a.Rule.Severity {
			return label(a, op)
		}
	}
	return a.Rule.Title
}

// unheard are the operations to name: of a grave alert each, of others those at resources that were not named before.
func unheard(a alert.Alert, n, fits alert.News) []*alert.Operation {
	if a.Grave() {
		return fits.Operations
	}
	before := a.Operations[:len(a.Operations)-len(n.Operations)]
	return slices.DeleteFunc(slices.Clone(fits.Operations), func(op *alert.Operation) bool {
		return slices.ContainsFunc(before, func(have *alert.Operation) bool { return label(a, have) == label(a, op) })
	})
}

// mostJoined is how many operations one message names: of a grave alert all that it keeps.
func mostJoined(a alert.Alert) int {
	if a.Grave() {
		return len(a.Operations)
	}
	return 10
}

// joined names operations, gravest first and then by name, each label once with the number of its operations. rest is
// how many labels there was no room for.
func joined(a alert.Alert, ops []*alert.Operation, most int) (text string, rest int) {
	ops = slices.Clone(ops)
	slices.SortStableFunc(ops, func(x, y *alert.Operation) int {
		return cmp.Or(notify.Severity(y.Severity).Rank()-notify.Severity(x.Severity).Rank(), strings.Compare(label(a, x), label(a, y)))
	})
	times := map[string]int{}
	var labels []string
	for _, op := range ops {
		text := label(a, op)
		if times[text]++; text != "" && times[text] == 1 {
			labels = append(labels, text)
		}
	}
	rest = max(0, len(labels)-most)
	labels = labels[:len(labels)-rest]
	for i, text := range labels {
		if n := times[text]; n > 1 {
			labels[i] = fmt.Sprintf("%s (×%d)", text, n)
		}
	}
	return strings.Join(labels, ", "), rest
}

// andMore is "a, b and 3 more".
func andMore(text string, rest int) string {
	if rest == 0 {
		return text
	}
	return strings.TrimPrefix(fmt.Sprintf("%s and %d more", text, rest), " and ")
}

// label is what an operation is known by: its resource, and what sets it apart beside that. A summary's are whole alerts, by
// their headlines.
func label(a alert.Alert, op *alert.Operation) string {
	if a.IsSummary() {
		return op.Name
	}
	name, detail := shortened(pathOf(a, op), longestName), shortened(op.Detail, longestDetail)
	if detail == "" || name == "" {
		return name + detail
	}
	return name + " (" + detail + ")"
}

// longestName and longestDetail are how much of an operation a list shows: fifteen fit into one message.
const (
	longestName   = 58
	longestDetail = 94 // two GUIDs and the kind of a principal
)

// shortened leaves out the middle of what is too long: names that were chosen to be long may differ at their ends.
func shortened(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	half := most / 2
	return string(runes[:half]) + "…" + string(runes[len(runes)-(most-half-1):])
}

// pathOf is the operation's resource among those of its alert: a rule "allow" is that of a network security group, and is not
// that of another one. Where the alert is about several resource groups, those that are not its first one's are named too.
func pathOf(a alert.Alert, op *alert.Operation) string {
	scope, below, found := strings.Cut(op.Resource, "/providers/")
	if !found || op.Name == "" {
		return op.Name
	}
	var names []string
	parts := strings.Split(below, "/")
	for i := 2; i < len(parts); i += 2 { // behind the provider: type, name, type, name, and again providers, provider
		if parts[i-1] == "providers" {
			continue
		}
		names = append(names, parts[i])
	}
	if len(names) == 0 {
		return op.Name
	}
	names[len(names)-1] = op.Name
	if _, group, in := strings.Cut(scope, "/resourcegroups/"); in && !strings.EqualFold(group, a.Event.ResourceGroup) {
		names = append([]string{group}, names...)
	}
	return strings.Join(names, "/")
}

func outcomeNews(a alert.Alert) string {
	word := strings.ToUpper(string(a.Event.Outcome)[:1]) + strings.ReplaceAll(string(a.Event.Outcome)[1:], "_", " ")
	op := a.Operations[0]
	if took := op.Ended.Sub(op.Started.Time); !op.Ended.IsZero() && took >= time.Second {
		word += " after " + took.Round(time.Second).String()
	}
	return word
}
