package host

import (
	"os"
	"regexp"
	"strconv"
	"strings"
)

// environment is the host's: app settings and all else, last entry wins.
type environment struct {
	list   []string
	lookup map[string]string
}

func newEnvironment(list []string) environment {
	if list == nil {
		list = os.Environ()
	}
	e := environment{list: list, lookup: map[string]string{}}
	for _, entry := range list {
		if name, value, ok := strings.Cut(entry, "="); ok {
			e.lookup[name] = value
		}
	}
	return e
}

var percentName = regexp.MustCompile(`%([^%]+)%`)

// expand replaces %NAME%; what is not set becomes empty (DefaultWorkerProcessFactory.cs). missing names those.
func (e environment) expand(s string) (expanded string, missing []string) {
	expanded = percentName.ReplaceAllStringFunc(s, func(ref string) string {
		name := strings.Trim(ref, "%")
		value, ok := e.lookup[name]
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	return expanded, missing
}

// overridePrefix marks environment variables that replace values of host.json.
const overridePrefix = "AzureFunctionsJobHost__"

// override applies AzureFunctionsJobHost__a__b=value to the tree read from host.json. .NET configuration compares
// names without regard to case.
func (e environment) override(tree map[string]any) {
	for name, value := range e.lookup {
		if len(name) > len(overridePrefix) && strings.EqualFold(name[:len(overridePrefix)], overridePrefix) {
			set(tree, strings.Split(name[len(overridePrefix):], "__"), value)
		}
	}
}

func set(tree map[string]any, path []string, value string) {
	key := path[0]
	for existing := range tree {
		if strings.EqualFold(existing, key) {
			key = existing
		}
	}
	if len(path) == 1 {
		tree[key] = value
		if b, err := strconv.ParseBool(value); err == nil && len(value) > 1 {
			tree[key] = b // .NET configuration has strings only and converts on reading; JSON does not
		}
		return
	}
	branch, ok := tree[key].(map[string]any)
	if !ok {
		branch = map[string]any{}
		tree[key] = branch
	}
	set(branch, path[1:], value)
}
