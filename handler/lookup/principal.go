package lookup

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

const keepObjects = time.Hour

// principal names who gets or loses a role.
func (s *Set) principal(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	_, id := enrich.Assignment(*e)
	return s.named(ctx, id)
}

func isNameless(e *activity.Event) bool {
	return e.CallerName == "" && guid().MatchString(e.CallerObjectID) && e.CallerType != activity.Platform
}

// caller names a caller that the event tells by id only, as it does service principals.
func (s *Set) caller(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	return s.named(ctx, e.CallerObjectID)
}

func (s *Set) named(ctx context.Context, id string) (alert.Learned, error) {
	if !guid().MatchString(id) {
		return alert.Learned{}, errNothing
	}
	name, err := s.objects.get(ctx, strings.ToLower(id), keepObjects, func(ctx context.Context) (string, error) {
		return s.object(ctx, id)
	})
	if err != nil {
		return alert.Learned{}, err
	}
	return alert.Learned{Names: map[string]string{id: name}}, nil
}

// object reads the name of a user, group or service principal (learn: Microsoft Graph, "Get directoryObject", which
// needs Directory.Read.All). Of what is answered only what identifies it is kept.
func (s *Set) object(ctx context.Context, id string) (string, error) {
	var o directoryObject
	if err := s.azure.graph.call(ctx, func(ctx context.Context) error {
		return s.azure.ask(ctx, http.MethodGet, "directoryObjects/"+id, nil, &o)
	}); err != nil {
		return "", err
	}
	if o.name() == "" {
		return "", errNothing
	}
	return o.name(), nil
}

// qualified says what a display name alone hides, because anybody may choose one: who signs in under it, and that a
// user is a guest (learn: "Properties of a Microsoft Entra B2B collaboration user", #EXT# in the UPN).
func qualified(kind, upn string) string {
	switch {
	case strings.Contains(upn, "#EXT#"):
		return ", guest"
	case upn != "":
		return ", " + upn
	case kind == "#microsoft.graph.group":
		return ", group"
	}
	return ""
}

// probeGraph asks for an object that there is not: whoever may read the directory is told so.
func (s *Set) probeGraph(ctx context.Context) (string, error) {
	_, err := s.object(ctx, "00000000-0000-0000-0000-000000000000")
	if err != nil && !mayAnswerLater(err) && isNothing(err) {
		return "", nil
	}
	return "", err
}
