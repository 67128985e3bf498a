package lookup

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/turns"
)

const (
	keepTitles   = keepRoles
	mostPolicies = 6 // of one event that are asked for
)

// policiesOf are the policy objects that an event names: those of a Policy event, and the one that is written, with the
// definition that an assignment assigns.
func policiesOf(e *activity.Event) []resource {
	var ids []string
	if f, ok := activity.PolicyOf(*e); ok {
		for _, one := range f.Policies {
			ids = append(ids, one.AssignmentID, one.DefinitionID, one.SetDefinitionID)
		}
	}
	if strings.HasPrefix(e.Operation, "microsoft.authorization/policy") {
		ids = append(ids, e.ResourceID, cmp.Or(e.Properties.Text("requestbody", "properties", "policyDefinitionId"), e.Properties.Text("responsebody", "properties", "policyDefinitionId")))
	}
	var asked []resource
	seen := map[string]bool{}
	for _, id := range ids {
		path, kind, ok := parsed(id)
		if version := policyKinds[kind]; ok && version != "" && !seen[path] && len(asked) < mostPolicies {
			seen[path] = true
			asked = append(asked, resource{path, version})
		}
	}
	return asked
}

func isPolicy(e *activity.Event) bool { return len(policiesOf(e)) > 0 }

// policy names policies, assignments and definitions, whose ids are often GUIDs. What cannot be read keeps its id.
func (s *Set) policy(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	asked := policiesOf(e)
	names, errs := map[string]string{}, make([]error, len(asked))
	var mu sync.Mutex
	turns.Each(ctx, len(asked), max(1, len(asked)), func(ctx context.Context, i int) {
		title, err := s.titles.get(ctx, asked[i].path, keepTitles, func(ctx context.Context) (string, error) { return s.title(ctx, asked[i]) })
		if errs[i] = err; err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		names[asked[i].path[strings.LastIndexByte(asked[i].path, '/')+1:]] = title
	})
	for _, err := range errs {
		if mayAnswerLater(err) {
			return alert.Learned{Names: names}, err
		}
	}
	if len(names) == 0 {
		return alert.Learned{}, errors.Join(errs...)
	}
	return alert.Learned{Names: names}, nil
}

// title is the display name of a policy object.
func (s *Set) title(ctx context.Context, r resource) (string, error) {
	body, err := s.read(ctx, r)
	if err != nil {
		return "", err
	}
	if title := body.Text("properties", "displayName"); title != "" {
		return title, nil
	}
	return "", errNothing
}
