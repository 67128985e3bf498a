package publish

import (
	"context"

	"github.com/auditbell/auditbell/handler/digest"
)

// names are those of an earlier try, so that a retry makes the same bytes, and those of the configuration.
func (j *digestJob) names() digest.Names {
	names := digest.Names{}
	names.Add(j.state.Names)
	names.Add(j.Names)
	return names
}

// name asks Azure, once for a digest, what people call the ids that no name is known of, and notes the names that are used.
func (j *digestJob) name(ctx context.Context, r *digest.Report, first bool) {
	if first && j.NamesOf != nil {
		ids := r.Nameless()
		found, err := j.NamesOf(ctx, ids.Subscriptions, ids.Principals)
		if r.AddNames(found); err != nil {
			j.log.Info("digest has ids without names", "digest", j.digest.Name, "error", err)
		}
	}
	j.state.Names = r.Names
}
