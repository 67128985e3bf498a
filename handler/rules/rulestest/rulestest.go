// Package rulestest compiles the rule library for tests of rules and of what works with them. Nothing here is for the product itself.
package rulestest

import (
	"testing"

	"github.com/auditbell/auditbell/handler/rules"
)

// Library is the rule library, and the same compiled.
func Library(t testing.TB) ([]*rules.Rule, *rules.Set) {
	t.Helper()
	all, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return all, set
}
