package cosmos

import (
	"fmt"
	"strings"
)

// partitionKey is a container's partition key definition: one path ("Hash"), or up to three ("MultiHash",
// learn.microsoft.com/azure/cosmos-db/hierarchical-partition-keys).
type partitionKey struct {
	kind  string
	paths [][]string
}

const maxKeyPaths = 3

// parsePartitionKey reads {"kind", "paths", "version"}. The version decides how keys are hashed to physical partitions,
// of which there is one here, so it is kept and has no effect.
func parsePartitionKey(v value) (partitionKey, error) {
	key := partitionKey{kind: v.member("kind").str}
	if key.kind == "" {
		key.kind = "Hash"
	}
	for _, item := range v.member("paths").items {
		steps, err := parseKeyPath(item)
		if err != nil {
			return partitionKey{}, err
		}
		key.paths = append(key.paths, steps)
	}
	switch {
	case key.kind == "Hash" && len(key.paths) == 1:
		return key, nil
	case key.kind == "MultiHash" && len(key.paths) > 1 && len(key.paths) <= maxKeyPaths:
		return key, nil
	}
	return partitionKey{}, badRequest(fmt.Sprintf(
		"The partition key definition is invalid: kind %q with %d paths.", key.kind, len(key.paths)))
}

// parseKeyPath splits a path like /address/zip or /"a-b"/c into property names.
func parseKeyPath(v value) ([]string, error) {
	path, ok := strings.CutPrefix(v.str, "/")
	if v.kind != text || !ok || path == "" || strings.ContainsAny(path, "[]*?") {
		return nil, badRequest(fmt.Sprintf("The path %q is invalid.", v.str))
	}
	steps := strings.Split(path, "/")
	for i, step := range steps {
		steps[i] = strings.Trim(step, `"`)
		if steps[i] == "" {
			return nil, badRequest(fmt.Sprintf("The path %q is invalid.", v.str))
		}
	}
	return steps, nil
}

// lookup follows property names from v.
func (v value) lookup(steps []string) value {
	for _, step := range steps {
		v = v.member(step)
	}
	return v
}

// ofDocument is the partition key value that a document carries, in canonical form: a JSON array, one element per
// path, {} where the property is absent.
func (k partitionKey) ofDocument(doc value) (string, error) {
	parts := make([]value, len(k.paths))
	for i, steps := range k.paths {
		parts[i] = doc.lookup(steps)
	}
	return canonicalKey(parts)
}

// ofHeader reads x-ms-documentdb-partitionkey. Point operations need a value for every path.
func (k partitionKey) ofHeader(header string) (string, error) {
	v, err := decodeJSON(header)
	if err != nil || v.kind != array {
		// azcosmos v1.5.0 writes some characters (outside the BMP, DEL) in Go's notation; the service cannot read
		// that either.
		return "", badRequest(fmt.Sprintf("Partition key %s is invalid.", header))
	}
	if len(v.items) != len(k.paths) {
		return "", &problem{
			status: 400, substatus: substatusKeyMismatch, charge: missCharge,
			message: "Partition key provided either doesn't correspond to definition in the collection or doesn't " +
				"match partition key field values specified in the document.",
		}
	}
	for i, item := range v.items {
		if item.kind == object && len(item.items) == 0 {
			v.items[i] = value{} // {} is how the protocol writes undefined
		}
	}
	return canonicalKey(v.items)
}

// canonicalKey writes key values so that equal keys are equal text, whatever white space or escapes a client used. It
// is what the table stores and what ranges are compared by.
func canonicalKey(parts []value) (string, error) {
	out := []byte{'['}
	for i, part := range parts {
		if i > 0 {
			out = append(out, ',')
		}
		switch part.kind {
		case undefined:
			out = append(out, "{}"...)
		case null, boolean, number:
			out = appendJSON(out, part)
		case text:
			if len(part.str) > maxKeyBytes {
				return "", badRequest("Partition key value is longer than 2048 bytes.")
			}
			out = appendJSON(out, part)
		default:
			return "", badRequest("Partition key values must be strings, numbers, booleans or null.")
		}
	}
	return string(append(out, ']')), nil
}

// covers reports whether a patch path touches the partition key: the path itself, or something above or below it.
func (k partitionKey) covers(steps []string) bool {
	for _, path := range k.paths {
		shared := min(len(path), len(steps))
		if strings.Join(path[:shared], "/") == strings.Join(steps[:shared], "/") {
			return true
		}
	}
	return false
}
