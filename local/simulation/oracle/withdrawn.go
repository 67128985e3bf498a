package oracle

import (
	"slices"
	"strings"
	"time"
)

// reread is how long other instances may go on by exceptions as they read them.
const reread = time.Minute

// withdrawn has acts be alerted like any other from when readers were shown that what excepted them was withdrawn.
func (j *judge) withdrawn() {
	j.Acts = slices.Clone(j.Acts)
	for i := range j.Acts {
		a := &j.Acts[i]
		says := func(m Message) bool {
			_, expected, found := strings.Cut(m.Text, "marked as expected by ")
			return found && strings.Contains(expected, ", withdrawn by ") && m.At.Before(a.At.Add(-reread))
		}
		if a.After != "" && slices.ContainsFunc(j.byWord[a.After], func(t *talk) bool { return slices.ContainsFunc(t.messages, says) }) {
			a.Excepted = false
		}
	}
}

// returned judges acts that had been excepted until then, on one channel: each is named, or in a summary that may count it.
func (j *judge) returned(channel string) {
	for i := range j.Acts {
		a := &j.Acts[i]
		if a.After == "" || !j.owed(a) || j.excused(a, channel) || j.inSummary(a.Actor, channel) || len(j.about(a.Resource, channel)) > 0 {
			continue
		}
		j.report(Returned, a, "%s was not shown it, although its message says that the exception was withdrawn", channel)
	}
}
