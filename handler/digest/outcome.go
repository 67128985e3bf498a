package digest

import (
	"slices"

	"github.com/auditbell/auditbell/handler/activity"
)

// Counters are arrays; these are their indexes. 0 stands for what an entry does not say.
const (
	categoryCount = 9
	outcomeCount  = 10
)

// outcomes in the order of an operation's life, so that of two the later one counts. Of two final ones the worse counts:
// an operation that failed once is not shown as having succeeded.
var outcomes = [outcomeCount]activity.Outcome{
	"", activity.Started, activity.Accepted, activity.InProgress, activity.Active, activity.Updated,
	activity.Resolved, activity.Succeeded, activity.Canceled, activity.Failed,
}

func outcomeIndex(o activity.Outcome) int {
	switch o {
	case activity.Succeeded:
		return 7
	case activity.Started:
		return 1
	case activity.Failed:
		return 9
	}
	return max(slices.Index(outcomes[:], o), 0)
}

func categoryIndex(c activity.Category) int {
	if c == activity.Administrative {
		return 1
	}
	return slices.Index(activity.Categories, c) + 1
}

// Stage orders outcomes by an operation's life: the last state seen of an operation is the one with the highest. It says
// what an operation came to, for reports and for every command that counts operations.
func Stage(o activity.Outcome) int { return outcomeIndex(o) }

// stage is the byte that the set of lives keeps of an outcome: never 0, and the larger of two counts.
func stage(o activity.Outcome) byte { return byte(outcomeIndex(o)) + 1 } //nolint:gosec // below outcomeCount

// Word is an outcome as the Activity Log itself writes it, whatever the feed it came through called it.
func Word(o activity.Outcome) string { return outcomeWords[o] }

var outcomeWords = map[activity.Outcome]string{
	activity.Started: "Started", activity.Accepted: "Accepted", activity.InProgress: "In Progress",
	activity.Succeeded: "Succeeded", activity.Failed: "Failed", activity.Canceled: "Canceled",
	activity.Active: "Active", activity.Resolved: "Resolved", activity.Updated: "Updated",
}
