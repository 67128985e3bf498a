package check

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// ofItself finds an assignment that reads a variable.
var ofItself = regexp.MustCompile(`(?m)^ +(\w+) += .*\bvar\.(\w+)`)

// checkRuns looks for variables of a run that are made of themselves.
func checkRuns(r *repo) ([]string, error) {
	var problems []string
	for _, m := range r.parts() {
		err := r.eachTest(m, func(path, text string) {
			for _, found := range ofItself.FindAllStringSubmatch(text, -1) {
				if found[1] == found[2] {
					problems = append(problems, fmt.Sprintf("%s makes the variable %s of itself, which OpenTofu refuses; write its value", path, found[1]))
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// eachTest reads the tests of a module.
func (r *repo) eachTest(m *module, look func(path, text string)) error {
	paths, err := fs.Glob(r.fsys, m.dir+"/tests/*.tftest.hcl")
	if err != nil {
		return fmt.Errorf("list tests: %w", err)
	}
	for _, p := range paths {
		text, err := fs.ReadFile(r.fsys, p)
		if err != nil {
			return fmt.Errorf("read %s: %w", p, err)
		}
		look(p, string(text))
	}
	return nil
}

// tripped is how a test names the variables whose validations it trips.
var tripped = regexp.MustCompile(`expect_failures\s*=\s*\[([^\]]*)\]`)

// checkValidations demands of every variable a description and a type, and of every validation a test that trips it.
func checkValidations(r *repo) ([]string, error) {
	problems := r.eachModule(func(m *module) []string {
		var problems []string
		for _, v := range m.variables {
			problems = append(problems, lacks(v, "description", "type")...)
		}
		for _, o := range m.outputs {
			problems = append(problems, lacks(o, "description")...)
		}
		return problems
	})
	for _, m := range r.parts() {
		untripped, err := r.untripped(m)
		if err != nil {
			return nil, err
		}
		problems = append(problems, untripped...)
	}
	return problems, nil
}

func lacks(b *hclsyntax.Block, arguments ...string) []string {
	var problems []string
	for _, name := range arguments {
		if b.Body.Attributes[name] == nil {
			problems = append(problems, fmt.Sprintf("%s has no %s; it is what README and the editor show", at(b), name))
		}
	}
	return problems
}

// untripped compares how many validations a variable has with how many tests trip it.
func (r *repo) untripped(m *module) ([]string, error) {
	count := map[string]int{}
	err := r.eachTest(m, func(_, text string) {
		for _, found := range tripped.FindAllStringSubmatch(text, -1) {
			for name := range strings.SplitSeq(found[1], ",") {
				count[strings.TrimPrefix(strings.TrimSpace(name), "var.")]++
			}
		}
	})
	if err != nil {
		return nil, err
	}
	var problems []string
	for name, v := range m.variables {
		n := 0
		for _, b := range v.Body.Blocks {
			if b.Type == "validation" {
				n++
				problems = append(problems, checkMessage(v, b)...)
			}
		}
		if count[name] < n {
			problems = append(problems, fmt.Sprintf("%s has %d validations and %d tests that trip one; add a run to %s/tests with expect_failures = [var.%s]", at(v), n, count[name], m.dir, name))
		}
	}
	return problems, nil
}

// checkMessage demands that a validation's message says which variable it is about.
func checkMessage(v, validation *hclsyntax.Block) []string {
	message, ok := literal(validation.Body, "error_message")
	if ok && strings.HasPrefix(message, v.Labels[0]) && strings.HasSuffix(message, ".") {
		return nil
	}
	return []string{at(v) + ": the error_message of a validation must start with the variable's name and be a sentence"}
}
