package digest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
)

// rollup is one hour's entries, as far as a digest needs them: what they count for, the operations they belong to, and
// the listed ones whole. Texts are kept once. Its bytes depend on nothing but the events.
type rollup struct {
	Version    int      `json:"v"`
	Operations []string `json:"operations"`
	Callers    []string `json:"callers"`
	Scopes     []string `json:"scopes"`
	Types      []string `json:"types"`
	// What holds counts by category, outcome, form, operation, caller, scope and type, as indexes; -1 for none.
	What [][8]int64  `json:"what"`
	When [4][2]int64 `json:"when"` // entries and listed ones of each quarter
	// Lives holds the operations: a Key and the stage each has come to, 12 bytes one after the other, by Key.
	Lives []byte        `json:"lives"`
	List  []rollupEntry `json:"list"`
	Again int64         `json:"again"` // entries that came through another feed as well
}

// rollupEntry is one listed entry.
type rollupEntry struct {
	At        int64              `json:"t"` // nanoseconds of the hour
	Operation int64              `json:"o"`
	Caller    int64              `json:"c"`
	Outcome   int64              `json:"s"`
	Life      []byte             `json:"l"`
	Resource  string             `json:"r,omitempty"`
	EventID   string             `json:"e,omitempty"`
	Join      string             `json:"j,omitempty"` // correlation id
	Role      *source.RoleChange `json:"role,omitempty"`
}

const rollupVersion = 1

// RollUp makes the rollup of an hour's events. One record may be among them in several forms, because it came through
// several feeds: of a state of an operation, the form that has it most often counts, and the others are the same
// entries again. It needs some 100 bytes of memory for each event, and what the list says of listed ones.
func RollUp(hour time.Time, events iter.Seq2[activity.Event, error]) (body []byte, n int, err error) {
	v := source.NewStoredVocabulary(Listed)
	var all []rolled
	for e, err := range events {
		if err != nil {
			return nil, 0, err
		}
		entry := v.Entry(&e)
		all = append(all, rolledOf(hour, &entry))
	}
	n = len(all)
	r := rollup{Version: rollupVersion}
	slices.SortFunc(all, func(a, b rolled) int {
		return cmp.Or(bytes.Compare(a.life[:], b.life[:]), cmp.Compare(a.outcome, b.outcome))
	})
	all = onceAcrossFeeds(all)
	r.Again = int64(n - len(all))
	r.countLives(all)
	slices.SortFunc(all, func(a, b rolled) int {
		return cmp.Or(cmp.Compare(a.since, b.since), bytes.Compare(a.key[:], b.key[:]))
	})
	r.fill(all)
	body, err = r.zip()
	return body, n, err
}

// rolled is what a rollup needs of an entry.
type rolled struct {
	since                          int64 // nanoseconds of the hour
	key, life                      source.Key
	category, outcome, form        int8
	operation, caller, scope, kind *source.Symbol
	detail                         *source.Detail
}

func rolledOf(hour time.Time, e *source.Entry) rolled {
	return rolled{
		since: int64(e.Time.Sub(hour)), key: e.Key, life: e.Life,
		category: int8(categoryIndex(e.Category)), outcome: int8(outcomeIndex(e.Outcome)), form: int8(slices.Index(formNames[:], e.Form)), //nolint:gosec // a handful of each
		operation: e.Operation, caller: e.Caller, scope: e.Scope, kind: e.Type, detail: e.Detail,
	}
}

// onceAcrossFeeds keeps, of each state of an operation, the entries of one form: the one that has most of them, and of
// equal ones the first of formNames, which is the fullest. Entries of one state must follow each other.
func onceAcrossFeeds(all []rolled) []rolled {
	kept := all[:0]
	for len(all) > 0 {
		state := all
		if end := slices.IndexFunc(all, func(e rolled) bool { return e.life != all[0].life || e.outcome != all[0].outcome }); end > 0 {
			state = all[:end]
		}
		all = all[len(state):]
		var forms [len(formNames)]int
		for i := range state {
			forms[max(state[i].form, 0)]++
		}
		most := slices.Index(forms[:], slices.Max(forms[:]))
		for i := range state {
			if int(max(state[i].form, 0)) == most {
				kept = append(kept, state[i])
			}
		}
	}
	return kept
}

// countLives says how far each operation has come. Entries of one operation must follow each other.
func (r *rollup) countLives(all []rolled) {
	for i := range all {
		stage := stage(outcomes[all[i].outcome])
		if i > 0 && all[i].life == all[i-1].life {
			last := &r.Lives[len(r.Lives)-1]
			*last = max(*last, stage)
			continue
		}
		r.Lives = append(append(r.Lives, all[i].life[:]...), stage)
	}
}

// fill counts entries, and numbers texts in their order.
func (r *rollup) fill(all []rolled) {
	var operations, callers, scopes, types texts
	what := map[[7]int64]int64{}
	for i := range all {
		e := &all[i]
		key := [7]int64{
			int64(e.category), int64(e.outcome), int64(e.form),
			operations.of(e.operation), callers.of(e.caller), scopes.of(e.scope), types.of(e.kind),
		}
		what[key]++
		quarter := min(max(e.since/int64(quarterSeconds*time.Second), 0), 3)
		r.When[quarter][0]++
		if !e.operation.Listed {
			continue
		}
		r.When[quarter][1]++
		r.List = append(r.List, rollupEntry{
			At: e.since, Operation: key[3], Caller: key[4], Outcome: key[1], Life: bytes.Clone(e.life[:]),
			Resource: e.detail.Resource, EventID: e.detail.EventID, Join: e.detail.Correlation, Role: e.detail.Role,
		})
	}
	for key, n := range what {
		r.What = append(r.What, [8]int64(append(key[:], n)))
	}
	slices.SortFunc(r.What, func(a, b [8]int64) int { return slices.Compare(a[:], b[:]) })
	r.Operations, r.Callers, r.Scopes, r.Types = operations.list, callers.list, scopes.list, types.list
}

func (r *rollup) zip() ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if err := errors.Join(json.NewEncoder(zip).Encode(r), zip.Close()); err != nil {
		return nil, fmt.Errorf("write rollup: %w", err)
	}
	return out.Bytes(), nil
}

// texts numbers texts in the order in which they appear.
type texts struct {
	list  []string
	index map[string]int64
}

// of is the number of a symbol's text, -1 for no symbol.
func (t *texts) of(s *source.Symbol) int64 {
	if s == nil {
		return -1
	}
	if i, ok := t.index[s.Text]; ok {
		return i
	}
	if t.index == nil {
		t.index = map[string]int64{}
	}
	i := int64(len(t.list))
	t.index[s.Text] = i
	t.list = append(t.list, s.Text)
	return i
}

// Unroll reads a rollup back as entries that stand for many.
func Unroll(hour time.Time, body []byte, v *source.Vocabulary) (*source.Batch, error) {
	zip, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read rollup: %w", err)
	}
	var r rollup
	if err := json.NewDecoder(zip).Decode(&r); err != nil {
		return nil, fmt.Errorf("read rollup: %w", err)
	}
	if r.Version != rollupVersion || len(r.Lives)%12 != 0 {
		return nil, fmt.Errorf("read rollup: version %d is unknown here", r.Version)
	}
	u := unrolling{
		rollup: &r, hour: hour, batch: &source.Batch{Name: hour.UTC().Format("2006-01-02T15Z"), Again: r.Again},
		operations: symbols(&v.Operations, r.Operations), callers: symbols(&v.Callers, r.Callers), scopes: symbols(&v.Scopes, r.Scopes), types: symbols(&v.Types, r.Types),
	}
	u.what()
	u.when()
	u.lives()
	u.list()
	return u.batch, nil
}

func symbols(of *source.Symbols, list []string) []*source.Symbol {
	all := make([]*source.Symbol, len(list))
	for i, text := range list {
		all[i] = of.Of(text)
	}
	return all
}

// unrolling makes the entries of a rollup.
type unrolling struct {
	*rollup
	hour                               time.Time
	batch                              *source.Batch
	operations, callers, scopes, types []*source.Symbol
}

func pick(all []*source.Symbol, index int64) *source.Symbol {
	if index < 0 || index >= int64(len(all)) {
		return nil
	}
	return all[index]
}

func (u *unrolling) add(e source.Entry) { u.batch.Entries = append(u.batch.Entries, e) }

func (u *unrolling) what() {
	for _, w := range u.What {
		e := source.Entry{
			Aspects: source.What, Outcome: outcomes[w[1]%outcomeCount], Operation: pick(u.operations, w[3]), Caller: pick(u.callers, w[4]),
			Scope: pick(u.scopes, w[5]), Type: pick(u.types, w[6]), Count: w[7],
		}
		if w[0] > 0 {
			e.Category = activity.Categories[(w[0]-1)%int64(len(activity.Categories))]
		}
		if w[2] >= 0 {
			e.Form = formNames[w[2]%int64(len(formNames))]
		}
		u.add(e)
	}
}

func (u *unrolling) when() {
	for i, n := range u.When {
		if n[0] > 0 {
			u.add(source.Entry{Aspects: source.When, Time: u.hour.Add(time.Duration(i) * quarterSeconds * time.Second), Count: n[0], Listed: n[1]})
		}
	}
}

func (u *unrolling) lives() {
	for at := 0; at < len(u.Lives); at += 12 {
		stage := min(max(u.Lives[at+11], 1), outcomeCount)
		u.add(source.Entry{Aspects: source.Lives, Life: source.Key(u.Lives[at : at+11]), Outcome: outcomes[stage-1]})
	}
}

func (u *unrolling) list() {
	for i := range u.List {
		l := &u.List[i]
		e := source.Entry{
			Aspects: source.List, Time: u.hour.Add(time.Duration(min(l.At, math.MaxInt64))).UTC(), Operation: pick(u.operations, l.Operation), Caller: pick(u.callers, l.Caller),
			Outcome: outcomes[l.Outcome%outcomeCount], Detail: &source.Detail{Resource: l.Resource, EventID: l.EventID, Correlation: l.Join, Role: l.Role},
		}
		copy(e.Life[:], l.Life)
		if e.Operation != nil {
			u.add(e)
		}
	}
}
