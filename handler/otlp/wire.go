package otlp

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// wire is a protobuf message that is being written (protobuf.dev, "Encoding"). Zero values are left out, as proto3 does,
// where a method does not say otherwise.
type wire []byte

// Wire types.
const (
	varint  = 0
	fixed64 = 1
	lengths = 2
)

func (m *wire) tag(field, wire uint64) { *m = binary.AppendUvarint(*m, field<<3|wire) }

// number writes a varint: int64, uint32, bool or an enum.
func (m *wire) number(field, v uint64) {
	if v != 0 {
		m.tag(field, varint)
		*m = binary.AppendUvarint(*m, v)
	}
}

// fixed writes a fixed64 or a double, zero too.
func (m *wire) fixed(field, bits uint64) {
	m.tag(field, fixed64)
	*m = binary.LittleEndian.AppendUint64(*m, bits)
}

func (m *wire) double(field uint64, v float64) { m.fixed(field, math.Float64bits(v)) }

func (m *wire) time(field uint64, t time.Time) { m.fixed(field, uint64(t.UnixNano())) } //nolint:gosec // after 1970

// message writes what has a length, empty ones too: within a oneof, that they are there says something.
func (m *wire) message(field uint64, v []byte) {
	m.tag(field, lengths)
	*m = binary.AppendUvarint(*m, uint64(len(v)))
	*m = append(*m, v...)
}

func (m *wire) text(field uint64, v string) {
	if v != "" {
		m.message(field, []byte(v))
	}
}

// packed writes repeated fixed64 or double.
func packed[T uint64 | float64](m *wire, field uint64, values []T) {
	var all []byte
	for _, v := range values {
		bits := uint64(v)
		if f, ok := any(v).(float64); ok {
			bits = math.Float64bits(f)
		}
		all = binary.LittleEndian.AppendUint64(all, bits)
	}
	m.message(field, all)
}

// encode writes a KeyValue (opentelemetry.proto.common.v1).
func (a Attr) encode() []byte {
	var value, pair wire
	switch v := a.Value.(type) {
	case bool:
		value.tag(2, varint)
		value = append(value, map[bool]byte{true: 1}[v])
	case int:
		value.tag(3, varint)
		value = binary.AppendUvarint(value, uint64(v)) //nolint:gosec // two's complement, as int64 is written
	case float64:
		value.double(4, v)
	default:
		value.message(1, []byte(fmt.Sprint(v)))
	}
	pair.text(1, a.Key)
	pair.message(2, value)
	return pair
}

// scope wraps what one library of instrumentation recorded: of a resource, in a scope, all items of one kind.
func (t *Telemetry) scope(items []wire) []byte {
	var name, scope, whole, request wire
	name.text(1, "github.com/auditbell/auditbell/handler/otlp")
	scope.message(1, name)
	for _, item := range items {
		scope.message(2, item)
	}
	whole.message(1, t.resource)
	whole.message(2, scope)
	request.message(1, whole)
	return request
}

// encode writes a Span (opentelemetry.proto.trace.v1).
func (s span) encode() wire {
	var m, status wire
	m.message(1, s.trace[:])
	m.message(2, s.id[:])
	if s.parent != [8]byte{} {
		m.message(4, s.parent[:])
	}
	m.text(5, s.name)
	m.number(6, s.kind)
	m.time(7, s.start)
	m.time(8, s.end)
	for _, a := range s.attrs {
		m.message(9, a.encode())
	}
	if s.failed {
		status.number(3, 2) // STATUS_CODE_ERROR
		m.message(15, status)
	}
	return m
}
