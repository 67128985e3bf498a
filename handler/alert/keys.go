package alert

import (
	"crypto/sha256"
	"encoding/base32"

	"github.com/auditbell/auditbell/handler/activity"
)

// LifecycleKey is the same for every record of one operation: Started, Accepted, Succeeded, through any feed. It is
// built from lower(correlation id), operation and resource id.
//
// Fallbacks where a part is missing: without a resource the subscription stands for it; without a correlation id or
// an operation the record is an operation of its own. Known error: two runs of one operation on one resource under
// one correlation id (a deployment that writes a resource twice) count as one operation; the field's figure for that
// is about 0.2 % (facts: peers §0.3). The operation id is never used: it changes between Accepted and Succeeded.
func LifecycleKey(e activity.Event) string { return lifecycleKey(&e, e.Operation) }

// lifecycleKey is LifecycleKey of the event as a record of the operation.
func lifecycleKey(e *activity.Event, operation string) string {
	if e.CorrelationID == "" || operation == "" {
		return hash("record", e.ID)
	}
	resource := activity.PlainID(e.ResourceID)
	if resource == "" {
		resource = "/subscriptions/" + e.SubscriptionID
	}
	return hash("operation", activity.Lower(e.CorrelationID), operation, resource)
}

// GroupKey is the same for the same noise: rule, actor and scope. The scope is the resource group, else the
// subscription, else the tenant; a rule may name other fields in group_by. An event that names no actor groups with
// others of its rule and scope that name none.
func GroupKey(r Rule, e activity.Event) string { return groupKey(&r, &e) }

func groupKey(r *Rule, e *activity.Event) string {
	if len(r.GroupBy) == 0 {
		return hash(r.ID, actor(e), e.TenantScope(), e.SubscriptionID, e.ResourceGroup)
	}
	parts := []string{r.ID}
	for _, field := range r.GroupBy {
		parts = append(parts, activity.Lower(e.Field(field)))
	}
	return hash(parts...)
}

// Group is the key of the partition that the finding goes to unless its operation is known already. What is delivered late
// keeps apart from what happens now: a message about today must not take in what was missed last week, nor hide it.
func (f Finding) Group() string { return f.group() }

func (f *Finding) group() string {
	key := groupKey(&f.Rule, &f.Event)
	if f.Late == "" {
		return key
	}
	return hash("late", f.Late, key)
}

// actor prefers the name, which every form carries, to the object id, which Event Grid and REST carry and action
// groups may not.
func actor(e *activity.Event) string {
	if e.Caller != "" {
		return activity.Lower(e.Caller)
	}
	return e.CallerObjectID
}

var encoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// hash folds parts to 26 characters of [0-9a-v]: 130 bits hold 128 of SHA-256. Ids and partition keys must stay
// within [a-z0-9-] because azcosmos v1.5.0 escapes others wrongly (facts: cosmos §1.6).
func hash(parts ...string) string {
	var space [512]byte // on the stack: most of what is hashed fits
	text := space[:0]
	for _, p := range parts {
		text = append(append(text, p...), 0)
	}
	var folded [26]byte
	sum := sha256.Sum256(text)
	encoding.Encode(folded[:], sum[:16])
	return string(folded[:])
}
