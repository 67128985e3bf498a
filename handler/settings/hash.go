package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
)

// HashConfig is a hash of the configuration: the names and contents of all files of its folder, routes, exceptions and rules
// among them. Without a file it is empty. What cannot be read goes into s.
func (s *Set) HashConfig(folder fs.FS) string {
	sum, n := sha256.New(), 0
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return err //nolint:wrapcheck // names the file
		}
		n++
		fmt.Fprintf(sum, "%q %d\n%s\n", name, len(text), text)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Report(Problem{Name: "config", Reason: "cannot be read: " + err.Error()})
	}
	if n == 0 {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}
