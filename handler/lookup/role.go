package lookup

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

// roleKind is a role definition as a reader needs it.
type roleKind struct {
	name    string
	permits string
}

const keepRoles = 6 * time.Hour // a custom role changes now and then; that rings by itself

func isAssignment(e *activity.Event) bool {
	definition, principal := enrich.Assignment(*e)
	return definition != "" || principal != ""
}

// role names the role of an assignment and says what class of permissions it has.
func (s *Set) role(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	definition, _ := enrich.Assignment(*e)
	id := definition[strings.LastIndexByte(definition, '/')+1:]
	if !guid().MatchString(id) {
		return alert.Learned{}, errNothing
	}
	kind, err := s.roles.get(ctx, strings.ToLower(e.SubscriptionID+"/"+id), keepRoles, func(ctx context.Context) (roleKind, error) {
		return s.definition(ctx, e.SubscriptionID, id)
	})
	if err != nil {
		return alert.Learned{}, err
	}
	return alert.Learned{
		Names: map[string]string{id: kind.name},
		Facts: []alert.Fact{{Name: "Permissions", Value: kind.permits}},
	}, nil
}

// definition reads a role definition as it is seen from a subscription, or from the tenant's root. The path is built of
// ids that were looked at: the event's own could lead elsewhere.
func (s *Set) definition(ctx context.Context, subscription, id string) (roleKind, error) {
	path := "providers/Microsoft.Authorization/roleDefinitions/" + id
	if guid().MatchString(subscription) {
		path = "subscriptions/" + subscription + "/" + path
	}
	var answer armauthorization.RoleDefinitionsClientGetByIDResponse
	err := s.azure.arm.call(ctx, func(ctx context.Context) (err error) {
		answer, err = s.azure.roles.GetByID(ctx, path, nil)
		return err
	})
	if err != nil {
		return roleKind{}, err
	}
	p := answer.Properties
	if p == nil || p.RoleName == nil || *p.RoleName == "" {
		return roleKind{}, errNothing
	}
	return roleKind{name: *p.RoleName, permits: permits(p.Permissions)}, nil
}

// probeRole reads the definition of Reader, which is in every tenant.
func (s *Set) probeRole(ctx context.Context) (string, error) {
	_, err := s.definition(ctx, "", "acdd72a7-3385-48ef-bd42-f606fba81ae7")
	return "", err
}

// permits sorts a role's permissions into a class (learn: "Understand Azure role definitions"). What notActions take
// away counts only where it takes the right to give rights away: everything else is a detail.
func permits(all []*armauthorization.Permission) string {
	var c class
	for _, p := range all {
		if p != nil {
			c.add(p)
		}
	}
	var parts []string
	switch {
	case c.everything:
		parts = append(parts, "may change everything")
	case c.writes:
		parts = append(parts, "may change some resources")
	case c.reads:
		parts = append(parts, "reads only")
	}
	if c.grants {
		parts = append(parts, "may give rights to others")
	}
	switch {
	case c.dataWrites:
		parts = append(parts, "reads and changes data")
	case c.dataReads:
		parts = append(parts, "reads data")
	}
	return strings.Join(parts, "; ")
}

type class struct{ everything, writes, reads, grants, dataReads, dataWrites bool }

const grant = "microsoft.authorization/roleassignments/write"

func (c *class) add(p *armauthorization.Permission) {
	if covers(p.Actions, grant) && !covers(p.NotActions, grant) {
		c.grants = true
	}
	for _, action := range texts(p.Actions) {
		switch {
		case action == "*":
			c.everything = true
		case strings.HasSuffix(action, "/read"):
			c.reads = true
		default:
			c.writes = true
		}
	}
	for _, action := range texts(p.DataActions) {
		if strings.HasSuffix(action, "/read") {
			c.dataReads = true
		} else {
			c.dataWrites = true
		}
	}
}

// covers reports whether one of the patterns covers an operation; * stands for any text.
func covers(patterns []*string, operation string) bool {
	return slices.ContainsFunc(texts(patterns), func(p string) bool {
		parts := strings.Split(p, "*")
		if len(parts) == 1 {
			return p == operation
		}
		rest, ok := strings.CutPrefix(operation, parts[0])
		if !ok || !strings.HasSuffix(rest, parts[len(parts)-1]) {
			return false
		}
		for _, part := range parts[1 : len(parts)-1] {
			_, after, found := strings.Cut(rest, part)
			if !found {
				return false
			}
			rest = after
		}
		return true
	})
}

func texts(all []*string) []string {
	var out []string
	for _, t := range all {
		if t != nil {
			out = append(out, strings.ToLower(*t))
		}
	}
	return out
}
