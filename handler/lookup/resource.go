package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// resource is a resource as it can be asked for, built of parsed parts.
type resource struct{ path, version string }

// resourceOf parses the id of the resource that a record writes. An access policy of a vault is a part of the vault.
func resourceOf(e *activity.Event) (resource, bool) {
	if !strings.HasSuffix(e.Operation, "/write") || e.Properties.SaysWhat() {
		return resource{}, false
	}
	written := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(e.Operation), "/write"), "/accesspolicies")
	version, known := readable[written]
	if !known { // the body of another resource says nothing of it
		return resource{}, false
	}
	id, _, _ := strings.Cut(activity.Lower(e.ResourceID), "/accesspolicies/")
	path, kind, ok := parsed(id)
	return resource{path, version}, ok && kind == written
}

// parsed takes a resource's id apart: the path by which it is asked for, and its type.
func parsed(id string) (path, kind string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(activity.Lower(id), "/"), "/")
	at := -1
	for i, part := range parts {
		if !isSegment(part) {
			return "", "", false
		}
		if part == "providers" {
			at = i
		}
		parts[i] = url.PathEscape(part)
	}
	if at < 0 || len(parts) < at+4 || (len(parts)-at)%2 != 0 {
		return "", "", false
	}
	kind = parts[at+1]
	for i := at + 2; i < len(parts); i += 2 {
		kind += "/" + parts[i]
	}
	return strings.Join(parts, "/"), kind, true
}

// isSegment reports whether a text is one part of a resource id: what Azure allows in names, and nothing that a path could be led
// astray with.
func isSegment(part string) bool {
	if part == "" || len(part) > 128 || strings.IndexByte(".)~ -", part[0]) >= 0 {
		return false
	}
	for i := range len(part) {
		c := part[i]
		if letter := c | 0x20; ('a' > letter || letter > 'z') && ('0' > c || c > '9') && strings.IndexByte("._()~ -", c) < 0 {
			return false
		}
	}
	return true
}

// Reads reports whether resources are read.
func (s *Set) Reads() bool {
	return slices.ContainsFunc(s.on, func(l lookup) bool { return l.name == alert.ResourceLookup })
}

const keepResources = 10 * time.Second // a resource changes; the same act asks several times at most

// resource reads what an act was about by the id of its resource: the role assignment with role and principal, the rule
// with its sources. It is the state as of now, which may be later than the act.
func (s *Set) resource(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	r, ok := resourceOf(e)
	if !ok {
		return alert.Learned{}, errNothing
	}
	body, err := s.bodies.get(ctx, r.path, keepResources, func(ctx context.Context) (activity.Properties, error) {
		return s.read(ctx, r)
	})
	if err == nil {
		return alert.Learned{Body: body, AsOf: s.now().UTC()}, nil
	}
	if !mayAnswerLater(err) {
		return missing(err), err
	}
	return alert.Learned{}, err
}

// missing says why a resource could not be read.
func missing(err error) alert.Learned {
	var refused *refusedError
	if errors.As(err, &refused) {
		return alert.Learned{Missing: "Azure did not let Auditbell read it (" + refused.reason + ")", Refused: true}
	}
	return alert.Learned{Missing: "it was gone when it was read"}
}

// read asks Azure Resource Manager for a resource.
func (s *Set) read(ctx context.Context, r resource) (body activity.Properties, err error) {
	err = s.azure.arm.call(ctx, func(ctx context.Context) error {
		request, err := runtime.NewRequest(ctx, http.MethodGet, runtime.JoinPaths(s.azure.manager, r.path)+"?api-version="+r.version)
		if err != nil {
			return err
		}
		request.Raw().Header.Set("Accept", "application/json")
		response, err := s.azure.armPipeline.Do(request) //nolint:bodyclose // azcore's pipeline reads the body and closes it
		if err != nil {
			return err
		}
		if !runtime.HasStatusCode(response, http.StatusOK) {
			return runtime.NewResponseError(response)
		}
		var whole json.RawMessage
		if err := runtime.UnmarshalAsJSON(response, &whole); err != nil {
			return err
		}
		if err := body.UnmarshalJSON(whole); err != nil {
			return fmt.Errorf("%w: no object", errNothing)
		}
		return nil
	})
	return body, err
}
