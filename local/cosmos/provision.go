package cosmos

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/auditbell/auditbell/infra"
)

// OpenDeployed opens a Server that has the database and the containers that Terraform makes in Azure.
func OpenDeployed(ctx context.Context, o Options) (*Server, error) {
	layout, err := infra.ReadCosmos()
	if err != nil {
		return nil, err
	}
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.Provision(ctx, layout); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Provision makes the database and the containers that Terraform makes in Azure, from the same file. What is there
// already is brought to the same time to live and indexing; items stay. A container with another partition key is an
// error, because no change could make it right.
func (s *Server) Provision(ctx context.Context, layout infra.Cosmos) error {
	name := value{kind: object}.with("id", textOf(layout.Database))
	in := call{Request: &http.Request{}, body: appendJSON(nil, name)}
	if _, err := s.createDatabase(ctx, in); err != nil && !isConflict(err) {
		return fmt.Errorf("create database %q: %w", layout.Database, err)
	}
	for _, c := range layout.Containers {
		in := call{
			Request: &http.Request{}, route: route{database: layout.Database, container: c.Name},
			body: appendJSON(nil, containerProperties(c)),
		}
		_, err := s.createContainer(ctx, in)
		if isConflict(err) {
			_, err = s.replaceContainer(ctx, in)
		}
		if err != nil {
			return fmt.Errorf("create container %q: %w", c.Name, err)
		}
	}
	return nil
}

// isConflict reports whether something was there already.
func isConflict(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.status == http.StatusConflict
}

// containerProperties writes a container of the layout the way a client would ask for it.
func containerProperties(c infra.Container) value {
	paths := func(texts []string) value {
		list := value{kind: array}
		for _, text := range texts {
			list.items = append(list.items, value{kind: object}.with("path", textOf(text)))
		}
		return list
	}
	key := value{kind: object}.
		with("kind", textOf("Hash")).
		with("paths", value{kind: array, items: []value{textOf(c.PartitionKeyPath)}}).
		with("version", numberOf(2))
	policy := value{kind: object}.
		with("indexingMode", textOf("consistent")).
		with("automatic", boolOf(true)).
		with("includedPaths", paths(c.IncludedPaths)).
		with("excludedPaths", paths(c.ExcludedPaths))
	out := value{kind: object}.with("id", textOf(c.Name)).with("partitionKey", key).with("indexingPolicy", policy)
	if c.DefaultTTLSeconds != 0 {
		out = out.with("defaultTtl", numberOf(float64(c.DefaultTTLSeconds)))
	}
	return out
}
