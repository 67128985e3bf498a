package digest

import (
	"cmp"
	"hash/maphash"
	"iter"
	"math"
	"slices"
	"strings"
)

// AlertList holds alerts in some hundred bytes each, and what became of an alert beside, where it was sent: a month from
// files may have a hundred thousand that never were. The zero value is empty.
type AlertList struct {
	texts      textStore
	blocks     [][]alertRow // never moved
	n          int
	order      []int32 // nil: as they were added
	operations []string
	numbers    map[string]int32 // of operations
	words      []string         // severities, outcomes and bases
	rules      []Rule
	ruleIDs    map[string][]int32 // numbers of the rules with an id
	keys       []uint64           // of entries
	owners     []int32            // their alerts
	seed       maphash.Seed
	fates      map[int32]alertFate
}

// alertRow is what every alert has. Its resource is cut into three, because each of the three comes often.
type alertRow struct {
	happened, opened            int64
	id, event, headline, caller uint32
	scope, kind, name           uint32
	operation, rule             int32
	count, records              int32
	severity, outcome, basis    uint8 // numbers
}

// alertFate is what became of an alert that was sent.
type alertFate struct {
	deliveries []Delivery
	answers    []Answer
}

// alertBlock is how many rows are kept together.
const alertBlock = 1 << 10

// AlertsOf is a list of these alerts.
func AlertsOf(all ...Alert) (l AlertList) {
	for i := range all {
		l.Add(&all[i])
	}
	return l
}

// Len is their number.
func (l *AlertList) Len() int { return l.n }

// Add takes an alert in.
func (l *AlertList) Add(a *Alert) {
	if l.n%alertBlock == 0 {
		l.blocks = append(l.blocks, make([]alertRow, 0, alertBlock))
	}
	t := &l.texts
	scope, kind, name := CutResource(a.Resource)
	row := alertRow{
		happened: nanos(a.Happened), opened: nanos(a.Opened), id: t.keep(a.ID), event: t.keep(a.EventID), headline: t.keep(a.Headline), caller: t.keep(a.Caller),
		scope: t.keep(scope), kind: t.keep(kind), name: t.keep(name), severity: l.word(a.Severity), outcome: l.word(a.Outcome), basis: l.word(string(a.JudgedBy)),
		operation: l.operation(a.Operation), rule: l.rule(&a.Rule), count: int32(a.Count), records: int32(a.Records), //nolint:gosec // far fewer
	}
	for _, key := range a.entryKeys() {
		if key != "" {
			l.keys, l.owners = append(l.keys, l.key(key)), append(l.owners, int32(l.n)) //nolint:gosec // far fewer
		}
	}
	if len(a.Deliveries)+len(a.Answers) > 0 {
		if l.fates == nil {
			l.fates = map[int32]alertFate{}
		}
		l.fates[int32(l.n)] = alertFate{a.Deliveries, a.Answers} //nolint:gosec // far fewer
	}
	last := len(l.blocks) - 1
	l.blocks[last] = append(l.blocks[last], row)
	l.n++
}

// entryKeys are what the entries of an alert are found by.
func (a *Alert) entryKeys() []string {
	if slices.Contains(a.Entries, a.EventID) {
		return a.Entries
	}
	return append([]string{a.EventID}, a.Entries...)
}

// CutResource cuts an id behind its last provider and before its name, which together with what is between are all of it.
func CutResource(id string) (scope, kind, name string) {
	at := strings.LastIndex(id, "/providers/") + 1
	end := max(strings.LastIndexByte(id, '/'), at)
	return id[:at], id[at:end], id[end:]
}

// key is what an entry and its alert find each other by: of an EntryKey 64 bits.
func (l *AlertList) key(text string) uint64 {
	if l.seed == (maphash.Seed{}) {
		l.seed = maphash.MakeSeed()
	}
	return maphash.String(l.seed, text)
}

func (l *AlertList) operation(text string) int32 {
	n, known := l.numbers[text]
	if !known {
		if l.numbers == nil {
			l.numbers = map[string]int32{}
		}
		n, l.operations = int32(len(l.operations)), append(l.operations, text) //nolint:gosec // far fewer
		l.numbers[text] = n
	}
	return n
}

// word is the number of a severity, an outcome or a basis, of which there are few.
func (l *AlertList) word(text string) uint8 {
	n := slices.Index(l.words, text)
	if n < 0 {
		n, l.words = min(len(l.words), math.MaxUint8), append(l.words, text)
	}
	return uint8(n) //nolint:gosec // bounded
}

// rule is the number of a rule. Rules of one id may differ: Azure's own, and one that was changed meanwhile.
func (l *AlertList) rule(r *Rule) int32 {
	for _, n := range l.ruleIDs[r.ID] {
		if sameRule(&l.rules[n], r) {
			return n
		}
	}
	if l.ruleIDs == nil {
		l.ruleIDs = map[string][]int32{}
	}
	n := int32(len(l.rules)) //nolint:gosec // far fewer
	l.rules, l.ruleIDs[r.ID] = append(l.rules, *r), append(l.ruleIDs[r.ID], n)
	return n
}

func sameRule(a, b *Rule) bool {
	return a.Title == b.Title && a.Author == b.Author && a.Severity == b.Severity &&
		slices.Equal(a.Controls, b.Controls) && slices.Equal(a.Categories, b.Categories) && slices.Equal(a.Feeds, b.Feeds)
}

// sort puts the gravest first, then by kind of operation, then by time.
func (l *AlertList) sort() {
	ranks := make([]int, len(l.words))
	for i, word := range l.words {
		ranks[i] = severityRank(word)
	}
	l.order = make([]int32, l.n)
	for i := range l.order {
		l.order[i] = int32(i) //nolint:gosec // far fewer
	}
	slices.SortFunc(l.order, func(x, y int32) int {
		a, b := l.row(x), l.row(y)
		if c := cmp.Or(cmp.Compare(ranks[b.severity], ranks[a.severity]), cmp.Compare(l.operations[a.operation], l.operations[b.operation]),
			cmp.Compare(a.happened, b.happened), cmp.Compare(a.opened, b.opened)); c != 0 {
			return c
		}
		return cmp.Compare(l.texts.text(a.id), l.texts.text(b.id))
	})
}

func (l *AlertList) row(n int32) *alertRow { return &l.blocks[n/alertBlock][n%alertBlock] }

// place is where the alert at i was added.
func (l *AlertList) place(i int) int32 {
	if l.order == nil {
		return int32(i) //nolint:gosec // far fewer
	}
	return l.order[i]
}

// All iterates over them.
func (l *AlertList) All() iter.Seq2[int, Alert] {
	return func(yield func(int, Alert) bool) {
		for i := range l.n {
			if !yield(i, l.At(i)) {
				return
			}
		}
	}
}

// At makes one of them.
func (l *AlertList) At(i int) Alert {
	a, row, text := l.bare(i), l.row(l.place(i)), l.texts.text
	a.ID, a.EventID, a.Headline, a.Caller = text(row.id), text(row.event), text(row.headline), text(row.caller)
	a.Resource = text(row.scope) + text(row.kind) + text(row.name)
	return a
}

// bare is an alert without its texts, for who counts.
func (l *AlertList) bare(i int) Alert {
	at := l.place(i)
	row, fate := l.row(at), l.fates[at]
	a := Alert{
		Rule: l.rules[row.rule], Happened: moment(row.happened), Opened: moment(row.opened), Operation: l.operations[row.operation],
		Count: int64(row.count), Records: int64(row.records), Deliveries: fate.deliveries, Answers: fate.answers,
		Severity: l.words[row.severity], Outcome: l.words[row.outcome], JudgedBy: Basis(l.words[row.basis]),
	}
	a.Latency = a.latency()
	return a
}

// finder finds the alert of an entry by its EntryKey.
func (l *AlertList) finder() func(key string) (i int, found bool) {
	type known struct {
		key uint64
		at  int32
	}
	all := make([]known, 0, len(l.keys))
	places := make([]int32, l.n) // of what was added where, now
	for i := range l.n {
		places[l.place(i)] = int32(i) //nolint:gosec // far fewer
	}
	for i, key := range l.keys {
		all = append(all, known{key, places[l.owners[i]]})
	}
	slices.SortFunc(all, func(a, b known) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(b.at, a.at)) }) // the last of two alerts
	return func(key string) (int, bool) {
		if key == "" || len(all) == 0 {
			return 0, false
		}
		hash := l.key(key)
		i, found := slices.BinarySearchFunc(all, hash, func(a known, hash uint64) int { return cmp.Compare(a.key, hash) })
		if !found {
			return 0, false
		}
		return int(all[i].at), true
	}
}
