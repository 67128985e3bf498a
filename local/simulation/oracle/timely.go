package oracle

import (
	"cmp"
	"strings"
	"time"
)

// How soon readers are shown an act after the program had it, where nothing misbehaved and nothing that the operator wrote has
// it wait.
const (
	firstIn  = 10 * time.Second // a grave act of which the first message of an alert is
	joinsIn  = 30 * time.Second // a grave act that joins an alert
	milderIn = 5 * time.Minute
)

// inTime judges when a talk had named a grave act with all of its facts.
func (j *judge) inTime(a *Act, t *talk, arrived, when time.Time) {
	bound := joinsIn
	if when.Equal(t.messages[0].At) {
		bound = firstIn
	}
	if late := when.Sub(arrived); late > bound && !a.Late && j.calm(arrived.Add(-calmTime), arrived.Add(bound)) {
		j.report(Timely, a, "%s named it %s after it came", t.channel, late.Round(time.Second))
	}
}

// milderInTime judges an act that is not grave: a message that names it, or one by the same actor's alert that was sent since it
// came and counts it. What only a summary without the actor's name counts has no time.
func (j *judge) milderInTime(a *Act, channel string) {
	came, by := j.came[a.ID], j.arrived[a.ID].Add(milderIn)
	talks := j.about(cmp.Or(a.Actor, a.Resource), channel)
	if a.Late || len(talks) == 0 || j.nameless[channel] > 0 || !j.calm(came.Add(-calmTime), by) {
		return
	}
	for _, t := range talks {
		for _, m := range t.messages {
			if !m.At.After(by) && (!m.At.Before(came.Add(-time.Minute)) || strings.Contains(m.Text, a.Resource)) {
				return
			}
		}
	}
	j.report(Timely, a, "%s neither named nor counted it within %s", channel, milderIn)
}
