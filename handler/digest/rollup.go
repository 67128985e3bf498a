package digest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
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
// entries again.
func RollUp(hour time.Time, events iter.Seq2[activity.Event, error]) (body []byte, n int, err error) {
	v := source.NewStoredVocabulary(Listed)
	var entries []source.Entry
	for e, err := range events {
		if err != nil {
			return nil, 0, err
		}
		entries = append(entries, v.Entry(&e))
	}
	n = len(entries)
	slices.SortFunc(entries, func(a, b source.Entry) int {
		return cmp.Or(a.Time.Compare(b.Time), slices.Compare(a.Key[:], b.Key[:]))
	})
	r := rollup{Version: rollupVersion}
	kept := onceAcrossFeeds(entries)
	r.Again = int64(n - len(kept))
	r.fill(hour, kept)
	text, err := json.Marshal(&r)
	if err != nil {
		return nil, 0, fmt.Errorf("write rollup: %w", err)
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := zip.Write(text); err != nil {
		return nil, 0, fmt.Errorf("write rollup: %w", err)
	}
	if err := zip.Close(); err != nil {
		return nil, 0, fmt.Errorf("write rollup: %w", err)
	}
	return out.Bytes(), n, nil
}

// feedState is a state of an operation.
type feedState struct {
	life    source.Key
	outcome activity.Outcome
}

// onceAcrossFeeds keeps, of each state of an operation, the entries of one form: the one that has most of them, and of
// equal ones the first of formNames, which is the fullest.
func onceAcrossFeeds(entries []source.Entry) []source.Entry {
	counts := map[feedState]*[len(formNames)]int{}
	at := func(e *source.Entry) (*[len(formNames)]int, int) {
		state := feedState{e.Life, e.Outcome}
		if counts[state] == nil {
			counts[state] = &[len(formNames)]int{}
		}
		return counts[state], max(slices.Index(formNames[:], e.Form), 0)
	}
	for i := range entries {
		forms, form := at(&entries[i])
		forms[form]++
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e source.Entry) bool {
		forms, form := at(&e)
		return form != slices.Index(forms[:], slices.Max(forms[:]))
	})
}

func (r *rollup) fill(hour time.Time, entries []source.Entry) {
	var operations, callers, scopes, types texts
	what := map[[7]int64]int64{}
	lives := map[source.Key]byte{}
	for i := range entries {
		e := &entries[i]
		key := [7]int64{
			int64(categoryIndex(e.Category)), int64(outcomeIndex(e.Outcome)), int64(slices.Index(formNames[:], e.Form)),
			operations.of(e.Operation), callers.of(e.Caller), scopes.of(e.Scope), types.of(e.Type),
		}
		what[key]++
		lives[e.Life] = max(lives[e.Life], stage(e.Outcome))
		since := e.Time.Sub(hour)
		quarter := min(max(int64(since/(quarterSeconds*time.Second)), 0), 3)
		r.When[quarter][0]++
		if !e.Operation.Listed {
			continue
		}
		r.When[quarter][1]++
		r.List = append(r.List, rollupEntry{
			At: int64(since), Operation: key[3], Caller: key[4], Outcome: key[1], Life: bytes.Clone(e.Life[:]),
			Resource: e.Detail.Resource, EventID: e.Detail.EventID, Join: e.Detail.Correlation, Role: e.Detail.Role,
		})
	}
	for key, n := range what {
		r.What = append(r.What, [8]int64(append(key[:], n)))
	}
	slices.SortFunc(r.What, func(a, b [8]int64) int { return slices.Compare(a[:], b[:]) })
	keys := make([]source.Key, 0, len(lives))
	for key := range lives {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b source.Key) int { return bytes.Compare(a[:], b[:]) })
	for _, key := range keys {
		r.Lives = append(append(r.Lives, key[:]...), lives[key])
	}
	r.Operations, r.Callers, r.Scopes, r.Types = operations.list, callers.list, scopes.list, types.list
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
