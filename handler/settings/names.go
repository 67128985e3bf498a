package settings

import (
	"errors"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// namesFile is the file of the config folder that says what people call subscriptions, principals and apps.
const namesFile = "names.yaml"

// ReadNames reads names.yaml of the config folder: names of subscriptions, principals, apps and roles by their ids. What is
// wrong with a name leaves that one out and is a warning: no alert hangs on it.
func (s *Set) ReadNames(folder fs.FS) map[string]string {
	text, err := fs.ReadFile(folder, namesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		s.Warn(Problem{Name: namesFile, Reason: "cannot be read: " + err.Error()})
		return nil
	}
	names, problems := ParseNames("config/"+namesFile, text)
	for _, p := range problems {
		s.Warn(p)
	}
	return names
}

// ParseNames reads a file of names by id, in lower case: an object in YAML or JSON, such as the names.json of a bundle. What is
// wrong with it is reported with line and column, and left out.
func ParseNames(file string, text []byte) (map[string]string, []Problem) {
	var all map[string]string
	d, ok := newDocument(file, text, &all)
	if !ok {
		d.problems[0].Hint = `an object of ids and names: {"8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner"}`
	}
	names := map[string]string{}
	for _, id := range slices.SortedFunc(maps.Keys(all), func(a, b string) int { return d.places[a].compare(d.places[b]) }) {
		key, name := strings.ToLower(id), strings.TrimSpace(all[id])
		switch {
		case !isID().MatchString(key):
			d.problem(id, strconv.Quote(id)+" is no id", "a GUID, such as 8e3af657-a8ff-443c-a75c-2fe8c4bcb635")
		case name == "":
			d.problem(id, "the id "+id+" has no name", "write the name behind it, or leave the line out")
		case names[key] != "":
			d.problem(id, "the id "+id+" stands twice; only one name would count", "")
		default:
			names[key] = name
		}
	}
	return names, d.inOrder()
}

var isID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`) })
