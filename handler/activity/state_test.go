package activity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
)

// TestStatesInAnyOrder adds six states, two of one moment, in every order, each twice: the newest four are kept, and the
// same ones.
func TestStatesInAnyOrder(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 20, 13, 10, 841806300, time.UTC)
	state := func(s int, body string) activity.State {
		return activity.State{Kind: activity.CreatedOrUpdated, ResourceID: "/subscriptions/s/r", Time: at.Add(time.Duration(s) * time.Second), Resource: activity.Properties(body)}
	}
	all := []activity.State{
		state(0, `{"a":0}`), state(1, `{"a":1}`), state(2, `{"a":2}`), state(3, `{"a":3}`), state(3, `{"a":4}`),
		{Kind: activity.Deleted, ResourceID: "/subscriptions/s/r", Time: at.Add(5 * time.Second)},
	}
	permutations(all, 0, func(order []activity.State) {
		var kept []activity.State
		for _, s := range append(slices.Clone(order), order...) {
			kept, _ = activity.WithState(kept, s)
		}
		if diff := cmp.Diff(all[2:], kept); diff != "" {
			t.Fatalf("%v (-want +got):\n%s", order, diff)
		}
	})
	if _, changed := activity.WithState(all[2:], all[3]); changed {
		t.Error("what came before changes nothing")
	}
	if _, changed := activity.WithState(all[2:], all[0]); changed {
		t.Error("what is older than all that are kept changes nothing")
	}
}

func permutations(all []activity.State, k int, do func([]activity.State)) {
	if k == len(all) {
		do(slices.Clone(all))
		return
	}
	order := slices.Clone(all)
	for i := k; i < len(order); i++ {
		order[k], order[i] = order[i], order[k]
		permutations(order, k+1, do)
		order[k], order[i] = order[i], order[k]
	}
}
