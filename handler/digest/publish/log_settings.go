package publish

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/digest/archive"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/tlog"
)

// readLog opens the log, nil when none is set. The key is read when it is first needed.
func readLog(s *settings.Set, kept *archive.Archive, client *http.Client) *Log {
	l := &Log{files: logFiles{kept}, Patience: 10 * time.Second}
	l.name = s.Text(settings.Def{
		Name: "TLOG_NAME", Doc: "Name of the transparency log that hours and digests go into, such as auditbell.contoso.com/log; empty keeps none.",
		Hint: "it needs DIGEST_ARCHIVE, and a key: `handler log init` makes one",
	})
	l.seed = readSeed(s, client)
	l.former = readFormer(s)
	l.witnesses = readWitnesses(s, client)
	l.quorum = s.Int(settings.Def{Name: "TLOG_QUORUM", Default: "0", Doc: "How many witnesses should sign each checkpoint; digests and the app's log say when fewer did."})
	if l.name == "" {
		return nil
	}
	report := func(name, reason, hint string) { s.Report(settings.Problem{Name: name, Reason: reason, Hint: hint}) }
	switch {
	case kept == nil:
		report("TLOG_NAME", "needs DIGEST_ARCHIVE: the log is kept there", "")
	case l.seed == nil:
		report("TLOG_NAME", "has no key", "set TLOG_KEY_FILE, or TLOG_KEY and TLOG_VAULT_KEY; `handler log init` makes them")
	case l.quorum > len(l.witnesses):
		report("TLOG_QUORUM", fmt.Sprintf("is %d, and there are %d witnesses", l.quorum, len(l.witnesses)), "")
	}
	return l
}

// readSeed reads where the log's key is, nil when nowhere.
func readSeed(s *settings.Set, client *http.Client) func(context.Context) ([]byte, error) {
	file := s.Text(settings.Def{Name: "TLOG_KEY_FILE", Doc: "File with the log's key, for a log on one machine; in Azure use TLOG_KEY and TLOG_VAULT_KEY."})
	wrapped := s.Text(settings.Def{Name: "TLOG_KEY", Doc: "The log's key, as `handler log init --vault-key` wrapped it."})
	vault := s.Text(settings.Def{Name: "TLOG_VAULT_KEY", Doc: "Address of the Key Vault key that wraps the log's key; its role is Key Vault Crypto User."})
	switch {
	case file != "":
		return func(context.Context) ([]byte, error) { return ReadSeedFile(file) }
	case wrapped == "" && vault == "":
		return nil
	}
	key, err := azure.OpenVaultKey(vault, azure.Credential(s), client)
	raw, wrongKey := base64.StdEncoding.DecodeString(wrapped)
	if err != nil {
		s.Report(settings.Problem{Name: "TLOG_VAULT_KEY", Reason: err.Error()})
		return nil
	}
	if wrongKey != nil || len(raw) == 0 {
		s.Report(settings.Problem{Name: "TLOG_KEY", Reason: "is not what `handler log init` printed"})
	}
	return func(ctx context.Context) ([]byte, error) { return key.Unwrap(ctx, raw) }
}

// ReadSeedFile reads a key's file: 32 bytes in base64.
func ReadSeedFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator named it
	if err != nil {
		return nil, fmt.Errorf("read log key: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != 32 {
		return nil, fmt.Errorf("read log key: %s does not hold 32 bytes in base64", path)
	}
	return seed, nil
}

func readFormer(s *settings.Set) (keys []tlog.Key) {
	text := s.Text(settings.Def{Name: "TLOG_FORMER_KEYS", Doc: "Verifier keys that were the log's before, comma-separated; `handler log rotate` says which."})
	for _, one := range strings.FieldsFunc(text, isSeparator) {
		key, err := tlog.ParseKey(one)
		if err != nil {
			s.Report(settings.Problem{Name: "TLOG_FORMER_KEYS", Reason: err.Error()})
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

func isSeparator(r rune) bool { return r == ',' || r == ' ' || r == '\n' }

// readWitnesses reads pairs of an address and a key.
func readWitnesses(s *settings.Set, client *http.Client) (list []*tlog.Witness) {
	text := s.Text(settings.Def{
		Name: "TLOG_WITNESSES", Doc: "Witnesses that sign the log's checkpoints: address and verifier key of each, comma-separated.",
		Hint: "such as https://witness.example witness.example+1234abcd+BE…",
	})
	fields := strings.FieldsFunc(text, isSeparator)
	if len(fields)%2 != 0 {
		s.Report(settings.Problem{Name: "TLOG_WITNESSES", Reason: "is not a list of an address and a verifier key each"})
		return nil
	}
	for pair := range slices.Chunk(fields, 2) {
		key, err := tlog.ParseKey(pair[1])
		if err == nil && !key.Witness() {
			err = fmt.Errorf("%s is a log's key, not a witness's", key.Short())
		}
		if err = errors.Join(err, settings.CheckURL(pair[0])); err != nil {
			s.Report(settings.Problem{Name: "TLOG_WITNESSES", Reason: err.Error()})
			continue
		}
		list = append(list, tlog.NewWitness(pair[0], key, client))
	}
	return list
}
