package cli

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditbell/auditbell/handler/verify"
)

// record checks what the log has of one record; nil when none was asked for.
func (c *verifyCmd) record(ctx context.Context, bundles []fs.FS, trust verify.Trust) (*verify.Record, error) {
	if c.Record == "" {
		if c.RecordFile != "" || c.SaveProof != "" {
			return nil, misuse("--record-file and --save-proof go with --record")
		}
		return nil, nil
	}
	q, err := c.question(ctx, bundles, trust.Log)
	if err != nil {
		return nil, err
	}
	if c.RecordFile != "" {
		if q.Have, err = os.ReadFile(c.RecordFile); err != nil {
			return nil, err
		}
	}
	if c.SaveProof != "" {
		if err := os.WriteFile(c.SaveProof, q.Proof, 0o600); err != nil {
			return nil, err
		}
	}
	return verify.CheckRecord(q, trust), nil
}

// logFolder is the copy of the log that was given, or that lies where the archive has it, and whether it is there.
func (c *verifyCmd) logFolder() (place string, ok bool) {
	if c.Log != "" {
		return c.Log, true
	}
	place = filepath.Join(c.Paths[len(c.Paths)-1], "..", "..", "..", "log")
	info, err := os.Stat(filepath.Join(place, "checkpoints"))
	return place, err == nil && info.IsDir()
}

// question reads a proof from a file, or makes it from a copy of the log.
func (c *verifyCmd) question(ctx context.Context, bundles []fs.FS, log fs.FS) (q verify.Question, err error) {
	if info, err := os.Stat(c.Record); err == nil && info.Mode().IsRegular() {
		proof, err := os.ReadFile(c.Record)
		if err != nil {
			return q, err
		}
		return verify.ProvenRecord(ctx, log, proof)
	}
	if log == nil {
		place, _ := c.logFolder()
		return q, misuse("--record: there is no copy of the transparency log at %s (hint: download the archive's folder log and name it with --log, or ask the operator for the record's proof and give its file)", place)
	}
	return verify.FindRecord(ctx, log, bundles, c.Record)
}
