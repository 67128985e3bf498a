// Package infra holds the facts that Terraform, the handler's tests and the local stand-ins must agree on.
//
// It is data, not logic: infra/*.tf reads the same files with jsondecode(file(…)). Nothing under handler/ imports
// it outside tests, because the program never creates what infrastructure owns; but for `handler kql`, which prints
// the texts of its queries.
package infra

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed containers.json
var containersJSON []byte

// Cosmos is the database layout that `infra` creates and that the store expects to find.
type Cosmos struct {
	Database   string      `json:"database"`
	Containers []Container `json:"containers"`
}

// Container is one Cosmos container. DefaultTTLSeconds is -1 for "items expire only if they say so themselves".
type Container struct {
	Name              string   `json:"name"`
	PartitionKeyPath  string   `json:"partition_key_path"`
	DefaultTTLSeconds int32    `json:"default_ttl_seconds"`
	IncludedPaths     []string `json:"included_paths"`
	ExcludedPaths     []string `json:"excluded_paths"`
}

// ReadCosmos returns the layout in containers.json.
func ReadCosmos() (Cosmos, error) {
	var c Cosmos
	if err := json.Unmarshal(containersJSON, &c); err != nil {
		return Cosmos{}, fmt.Errorf("read infra/containers.json: %w", err)
	}
	return c, nil
}
