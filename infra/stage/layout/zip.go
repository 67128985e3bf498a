package layout

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// epoch is every entry's time: the earliest a zip can hold, so that equal input gives equal bytes.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// writeZip archives root as Core Tools v4 would (ZipHelper.cs): files only, the executable as a regular file of mode
// 0777, everything else 0666. fs.WalkDir goes in lexical order, which makes the order deterministic.
func writeZip(root, path string) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".stage-*.zip")
	if err != nil {
		return fmt.Errorf("write zip: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone already when all went well
	archive := zip.NewWriter(temporary)
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return addEntry(archive, root, name)
	})
	if err := errors.Join(err, archive.Close(), temporary.Chmod(0o644), temporary.Close()); err != nil {
		return fmt.Errorf("write zip: %w", err)
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return fmt.Errorf("write zip: %w", err)
	}
	return nil
}

func addEntry(archive *zip.Writer, root, name string) error {
	// SetMode also names Unix as the creator, without which unzip ignores the mode.
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o666)
	if name == Executable {
		header.SetMode(0o777)
	}
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	file, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(entry, file)
	return err
}
