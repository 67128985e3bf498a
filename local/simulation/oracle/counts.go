package oracle

import "slices"

// counts compares what readers of channels with edits were last shown with the truth, actor by actor.
func (j *judge) counts() {
	acts := map[string][]*Act{}
	var actors []string
	for i := range j.Acts {
		a := &j.Acts[i]
		if acts[a.Actor] == nil {
			actors = append(actors, a.Actor)
		}
		acts[a.Actor] = append(acts[a.Actor], a)
	}
	for _, actor := range actors {
		all := acts[actor]
		unsure := func(a *Act) bool { _, ok := j.arrived[a.ID]; return !ok || j.begun[a.ID] || a.Excepted }
		if actor == "" || slices.ContainsFunc(all, unsure) {
			continue
		}
		for _, channel := range j.Channels {
			sum, again := j.counted(actor, channel)
			least := len(all)
			if j.inSummary(actor, channel) && !scattered(all) {
				least -= mild(all)
			}
			if doubted := slices.ContainsFunc(all, func(a *Act) bool { return j.excused(a, channel) }); !doubted && (sum > len(all) || again > len(all) || sum+again < least) {
				j.report(Counted, all[len(all)-1], "%s shows %d acts of %s, and %d once more as many, there were %d", channel, sum, actor, again, len(all))
			}
		}
	}
}

// counted is how many acts of an actor a channel's messages count; again: how many the rule about many of them does.
func (j *judge) counted(actor, channel string) (sum, again int) {
	for _, t := range j.about(actor, channel) {
		switch {
		case t.own: // it counts none of its own
		case t.summary:
			sum += t.sum.of(actor)
		case t.many:
			again += t.count
		default:
			sum += t.count
		}
	}
	return sum, again
}

// inSummary reports whether a summary may count acts of an actor that no other message counts: one that names the actor, in
// which an alert of several acts counts once, or one that counts alerts without a name (milder judges how many).
func (j *judge) inSummary(actor, channel string) bool {
	return j.nameless[channel] > 0 || slices.ContainsFunc(j.about(actor, channel), func(t *talk) bool { return t.summary })
}

// scattered reports whether each of many acts is in a group of its own, so that an alert has one of them.
func scattered(acts []*Act) bool {
	groups := map[string]bool{}
	for _, a := range acts {
		groups[a.Group] = true
	}
	return len(acts) > 20 && len(groups) == len(acts)
}

// mild counts acts that may stand in a summary.
func mild(acts []*Act) (n int) {
	for _, a := range acts {
		if a.Severity < High {
			n++
		}
	}
	return n
}
