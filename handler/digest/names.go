package digest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Masthead is what the operator wants to stand on the document.
type Masthead struct {
	Organisation   string `json:"organisation,omitempty"`
	Classification string `json:"classification,omitempty"`
	PreparedBy     string `json:"prepared_by,omitempty"`
	ReviewedBy     string `json:"reviewed_by,omitempty"`
}

// Names are names of subscriptions, principals, apps and roles by their id, in lower case.
type Names map[string]string

// Add takes in the names of ids that have none yet.
func (n Names) Add(more map[string]string) {
	for _, id := range slices.Sorted(maps.Keys(more)) { // of two casings of an id always the same one counts
		if key, name := strings.ToLower(id), strings.TrimSpace(more[id]); name != "" && n[key] == "" {
			n[key] = name
		}
	}
}

// write writes the file of a bundle, which a later digest can be given as its names file.
func (n Names) write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(n)
}

// IDs are ids that a report shows and that people know by a name, in lower case and in order.
type IDs struct {
	Subscriptions []string
	Principals    []string // users, groups and service principals by object id, apps by client id
	Roles         []string // definitions
}

// all are the ids, each once.
func (i IDs) all() []string {
	all := slices.Concat(i.Subscriptions, i.Principals, i.Roles)
	slices.Sort(all)
	return slices.Compact(all)
}

// Nameless are the ids of the report that have no name.
func (r *Report) Nameless() IDs {
	all := r.ids()
	for _, list := range []*[]string{&all.Subscriptions, &all.Principals, &all.Roles} {
		*list = slices.DeleteFunc(*list, func(id string) bool { return r.Names[id] != "" })
	}
	return all
}

// AddNames names those ids of the report that have no name yet. Of other ids it keeps no name: what a bundle has of them is what
// was used.
func (r *Report) AddNames(names map[string]string) {
	more, used, ids := Names{}, Names{}, r.ids()
	more.Add(names)
	for _, id := range ids.all() {
		if more[id] != "" {
			used[id] = more[id]
		}
	}
	maps.Copy(used, r.Names)
	r.Names = used
}

// ids are the ids in what the report counts and lists.
func (r *Report) ids() IDs {
	subscriptions, principals, roles := idSet{}, idSet{}, idSet{}
	for _, s := range r.Completeness.Scopes {
		subscriptions.add(s.Name)
	}
	for _, caller := range r.callerIDs {
		principals.add(caller)
	}
	for _, c := range r.Roles.Changes {
		principals.add(c.Principal)
		roles.add(c.Role)
	}
	return IDs{subscriptions.sorted(), principals.sorted(), roles.sorted()}
}

// idSet is a set of GUIDs.
type idSet map[string]bool

func (s idSet) add(id string) {
	if guid().MatchString(id) {
		s[strings.ToLower(id)] = true
	}
}

func (s idSet) sorted() []string { return slices.Sorted(maps.Keys(s)) }

var guid = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
})

// namesInWords says how many ids have a name; "" where there are no ids.
func (r *Report) namesInWords() string {
	ids := r.ids()
	n := len(ids.all())
	switch without := n - len(r.Names); {
	case n == 0:
		return ""
	case without == 0:
		return fmt.Sprintf("all %s ids of subscriptions, principals, apps and roles have a name (%s)", number(int64(n)), NamesName)
	case without == n:
		return fmt.Sprintf("%s ids of subscriptions, principals, apps and roles are shown as they are: neither the store nor Azure nor a names file gave a name", number(int64(n)))
	}
	return fmt.Sprintf("%s of %s ids of subscriptions, principals, apps and roles have a name (%s); of the others neither the store nor Azure nor a names file gave one", number(int64(len(r.Names))), number(int64(n)), NamesName)
}

// named is an id with its name where that is known: the id stays beside it.
func (r *Report) named(id string) any {
	if name := r.Names[strings.ToLower(id)]; name != "" {
		return Named{name, id}
	}
	return ID(orUnknown(id))
}

// who is a caller: an address as it is, an id with its name.
func (r *Report) who(caller string) any {
	if strings.Contains(caller, "@") {
		return caller
	}
	return r.named(caller)
}

// role is the role of an assignment: a built-in one by its name, one of the tenant's own by name and definition.
func (r *Report) role(role string) Named {
	return Named{firstText(r.Names[strings.ToLower(role)], firstText(role, "unknown role")), role}
}
