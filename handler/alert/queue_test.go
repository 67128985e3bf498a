package alert_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
)

func TestManyOfOneActorDelayNoOther(t *testing.T) {
	t.Parallel()
	var queue []alert.Queued
	add := func(id, severity, actor string) {
		queue = append(queue, alert.Queued{Ref: alert.Ref{ID: id}, Rule: "r", Severity: severity, Actor: actor, Opened: noon.Add(time.Duration(len(queue)) * time.Second)})
	}
	add("low", "low", "eve")
	for i := range 5000 {
		add(fmt.Sprint("eve", i), "high", "eve")
	}
	add("other", "high", "rob")
	add("critical", "critical", "eve")
	refs := alert.InOrder(queue)
	var first []string
	for _, r := range refs[:4] {
		first = append(first, r.ID)
	}
	if got := strings.Join(first, " "); got != "critical eve0 other eve1" || refs[len(refs)-1].ID != "low" {
		t.Errorf("the queue begins with %s and ends with %s", got, refs[len(refs)-1].ID)
	}
}
