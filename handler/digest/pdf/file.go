package pdf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/carlos7ags/folio/core"
)

// file is a file that is being put together. An object's number is its place, from 1.
type file struct {
	objects []core.PdfObject
	parent  *core.PdfIndirectReference // of the pages
	out     bytes.Buffer
	places  []core.XRefStreamEntry // by number
}

func (f *file) add(o core.PdfObject) *core.PdfIndirectReference {
	f.objects = append(f.objects, o)
	return core.NewPdfIndirectReference(len(f.objects), 0)
}

func (f *file) reserve(n int) []*core.PdfIndirectReference {
	refs := make([]*core.PdfIndirectReference, n)
	for i := range refs {
		refs[i] = f.add(nil)
	}
	return refs
}

func (f *file) set(ref *core.PdfIndirectReference, o core.PdfObject) { f.objects[ref.Num()-1] = o }

// packed is how many objects one stream of objects holds.
const packed = 200

// write writes streams as they are, everything else in streams of objects, and where each is at the end (ISO 32000-1
// §7.5.7 and §7.5.8).
func (f *file) write(w io.Writer, catalog, info *core.PdfIndirectReference) error {
	f.out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	f.places = make([]core.XRefStreamEntry, len(f.objects)+1)
	f.places[0].Field3 = 65535
	var pack []core.ObjStmEntry
	for i, o := range f.objects {
		var err error
		if o.Type() == core.ObjectTypeStream {
			err = f.put(i+1, o)
		} else {
			pack = append(pack, core.ObjStmEntry{ObjectNumber: i + 1, Object: o})
		}
		if err == nil && (len(pack) == packed || i+1 == len(f.objects) && len(pack) > 0) {
			err, pack = f.pack(pack), nil
		}
		if err != nil {
			return fmt.Errorf("write object %d: %w", i+1, err)
		}
	}
	if err := f.finish(catalog, info); err != nil {
		return fmt.Errorf("write references: %w", err)
	}
	_, err := f.out.WriteTo(w)
	return err //nolint:wrapcheck // the writer's own
}

func (f *file) put(number int, o core.PdfObject) error {
	f.places[number] = core.XRefStreamEntry{Type: core.XRefEntryInUse, Field2: uint64(f.out.Len())} //nolint:gosec // a length
	fmt.Fprintf(&f.out, "%d 0 obj\n", number)
	_, err := o.WriteTo(&f.out)
	f.out.WriteString("\nendobj\n")
	return err //nolint:wrapcheck // write says which object
}

// pack puts objects into a stream, which is an object beyond those that were added.
func (f *file) pack(all []core.ObjStmEntry) error {
	stream, err := core.BuildObjStm(all)
	if err != nil {
		return err //nolint:wrapcheck // write says where
	}
	number := len(f.places)
	for i, entry := range all {
		f.places[entry.ObjectNumber] = core.XRefStreamEntry{Type: core.XRefEntryCompressed, Field2: uint64(number), Field3: uint64(i)} //nolint:gosec // a count
	}
	f.places = append(f.places, core.XRefStreamEntry{})
	return f.put(number, stream)
}

// finish writes where each object is.
func (f *file) finish(catalog, info *core.PdfIndirectReference) error {
	hash := sha256.Sum256(f.out.Bytes())
	id := core.NewPdfHexString(string(hash[:16]))
	at, number := f.out.Len(), len(f.places)
	places := append(f.places, core.XRefStreamEntry{Type: core.XRefEntryInUse, Field2: uint64(at)}) //nolint:gosec,gocritic // a length; nothing follows
	table, err := core.BuildXRefStream([]core.XRefStreamSubsection{{Entries: places}}, len(places), dict("Root", catalog, "Info", info, "ID", core.NewPdfArray(id, id)))
	if err != nil {
		return err //nolint:wrapcheck // write says what
	}
	fmt.Fprintf(&f.out, "%d 0 obj\n", number)
	if _, err := table.WriteTo(&f.out); err != nil {
		return err //nolint:wrapcheck // write says what
	}
	fmt.Fprintf(&f.out, "\nendobj\nstartxref\n%d\n%%%%EOF\n", at)
	return nil
}
