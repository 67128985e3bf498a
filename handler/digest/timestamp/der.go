package timestamp

import (
	"errors"
	"fmt"
)

// Limits of an answer. Public authorities answer 4 to 8 KiB, nested about 12 deep, with 1 to 4 certificates.
const (
	maxAnswer       = 64 << 10 // bytes
	maxDepth        = 32       // elements inside of elements
	maxCertificates = 16
	maxRSABits      = 8192 // crypto/tls draws the line here too: larger keys cost seconds each
)

var errDER = errors.New("is not DER")

// checkDER walks the elements of data before any decoder sees them: each lies within its parent, has a definite, minimal
// length and a tag of one byte, and none is deeper than maxDepth. The time it takes is linear in len(data).
//
// RFC 3161 §2.4.2 asks for DER. Decoders that accept BER rewrite it first, and hostile input has made them do so at
// exponential cost.
func checkDER(data []byte) error {
	if len(data) > maxAnswer {
		return fmt.Errorf("has %d bytes, more than the %d that are read", len(data), maxAnswer)
	}
	rest, err := skipElement(data, maxDepth)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes follow its end", errDER, len(rest))
	}
	return err
}

// skipElement checks the element at the start of data, with everything inside it, and returns what follows it.
func skipElement(data []byte, depth int) (rest []byte, err error) {
	if depth == 0 {
		return nil, fmt.Errorf("%w: elements are nested more than %d deep", errDER, maxDepth)
	}
	content, rest, err := splitElement(data)
	if err != nil || data[0]&0x20 == 0 {
		return rest, err
	}
	for len(content) > 0 {
		if content, err = skipElement(content, depth-1); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// splitElement reads tag and length at the start of data (X.690 §8.1, §10.1).
func splitElement(data []byte) (content, rest []byte, err error) {
	if len(data) < 2 {
		return nil, nil, fmt.Errorf("%w: it ends within an element", errDER)
	}
	tag, length, head := data[0], int(data[1]), 2
	switch {
	case tag&0x1f == 0x1f:
		return nil, nil, fmt.Errorf("%w: a tag has several bytes", errDER)
	case tag&0xc0 == 0 && tag&0x20 != 0 != (tag&0x1f == 16 || tag&0x1f == 17):
		return nil, nil, fmt.Errorf("%w: of the universal types, sequences and sets have elements, and no others", errDER)
	case length == 0x80:
		return nil, nil, fmt.Errorf("%w: a length is indefinite", errDER)
	case length > 0x80:
		if length, head, err = longLength(data); err != nil {
			return nil, nil, err
		}
	}
	if length > len(data)-head {
		return nil, nil, fmt.Errorf("%w: an element reaches beyond what it is in", errDER)
	}
	return data[head : head+length], data[head+length:], nil
}

// longLength reads a length of two or three bytes; maxAnswer needs no more.
func longLength(data []byte) (length, head int, err error) {
	n := int(data[1] & 0x7f)
	if n > 3 || len(data) < 2+n {
		return 0, 0, fmt.Errorf("%w: an element reaches beyond what it is in", errDER)
	}
	for _, b := range data[2 : 2+n] {
		length = length<<8 | int(b)
	}
	if length < 0x80 || data[2] == 0 {
		return 0, 0, fmt.Errorf("%w: a length is longer than it need be", errDER)
	}
	return length, 2 + n, nil
}
