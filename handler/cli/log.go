package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/tlog"
)

// logCmd groups what there is to do about the transparency log.
type logCmd struct {
	Init   logInitCmd   `cmd:"" help:"Make a key for a transparency log, wrapped by Key Vault or in a file, and print the settings."`
	Key    logKeyCmd    `cmd:"" help:"Print the log's verifier key, which auditors give to verify --log-key."`
	Rotate logRotateCmd `cmd:"" help:"Log that the key gives way to a new one, signed by both."`
}

type logInitCmd struct {
	Name     string `required:"" help:"Name of the log, such as auditbell.contoso.com/log: a domain of yours and a path, without blanks and plus." placeholder:"NAME"`
	VaultKey string `help:"Address of an RSA key's version in Key Vault, which wraps the log's key." placeholder:"URL"`
	Out      string `short:"o" help:"File for the key, where there is no Key Vault; it must not exist." placeholder:"FILE"`
}

func (c *logInitCmd) run(ctx context.Context, std Surroundings) error {
	if (c.VaultKey == "") == (c.Out == "") {
		return misuse("give either --vault-key or --out: without one of them the key would be lost")
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // crypto/rand does not fail
	defer clear(seed)
	signer, err := tlog.NewSigner(c.Name, seed)
	if err != nil {
		return misuse("%v", err)
	}
	kept, err := c.keep(ctx, std, seed)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "TLOG_NAME=%s\n%s\nVerifier key, for auditors (verify --log-key): %s\n", c.Name, kept, signer.Key)
	return nil
}

// keep keeps the key and returns the settings that name it.
func (c *logInitCmd) keep(ctx context.Context, std Surroundings, seed []byte) (string, error) {
	if c.Out != "" {
		return "TLOG_KEY_FILE=" + c.Out, writeSeed(c.Out, seed)
	}
	return wrapSeed(ctx, std, c.VaultKey, seed)
}

// wrapSeed has Key Vault wrap a key, and returns the settings that name it.
func wrapSeed(ctx context.Context, std Surroundings, vaultKey string, seed []byte) (string, error) {
	s := settings.New(std.Env)
	key, err := azure.OpenVaultKey(vaultKey, azure.Credential(s), http.DefaultClient)
	if err != nil {
		return "", misuse("--vault-key: %v", err)
	}
	if err := s.Err(); err != nil {
		return "", err
	}
	wrapped, err := key.Wrap(ctx, seed)
	if err != nil {
		return "", err
	}
	return "TLOG_KEY=" + base64.StdEncoding.EncodeToString(wrapped) + "\nTLOG_VAULT_KEY=" + vaultKey, nil
}

// writeSeed writes a key's file, which must not be there.
func writeSeed(path string, seed []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator named it
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(seed))
	return errors.Join(err, file.Close())
}

type logKeyCmd struct{}

func (*logKeyCmd) run(ctx context.Context, std Surroundings) error {
	l, err := openLog(std)
	if err != nil {
		return err
	}
	key, err := l.Key(ctx, slog.New(slog.NewTextHandler(std.Err, nil)))
	if err != nil {
		return err
	}
	fmt.Fprintln(std.Out, key)
	return nil
}

// openLog opens the log that the settings name.
func openLog(std Surroundings) (*publish.Log, error) {
	s := settings.New(std.Env)
	l := publish.Read(s, nil, http.DefaultClient).TransparencyLog()
	if l == nil {
		return nil, errors.New("TLOG_NAME is not set: there is no transparency log (hint: `handler log init`)")
	}
	return l, s.Err()
}

type logRotateCmd struct {
	NewKeyFile string `help:"File with the new key, as log init --out writes it." placeholder:"FILE"`
	VaultKey   string `help:"Address of an RSA key's version in Key Vault: a new key is made, and wrapped by it." placeholder:"URL"`
}

func (c *logRotateCmd) run(ctx context.Context, std Surroundings) error {
	if (c.VaultKey == "") == (c.NewKeyFile == "") {
		return misuse("give either --vault-key, for a new key that Key Vault wraps, or --new-key-file")
	}
	l, err := openLog(std)
	if err != nil {
		return err
	}
	seed, kept, err := c.seed(ctx, std)
	if err != nil {
		return err
	}
	defer clear(seed)
	fmt.Fprintf(std.Out, "%s\n", kept) // before it is logged: a key that is logged must not be lost
	from, to, err := l.Rotate(ctx, slog.New(slog.NewTextHandler(std.Err, nil)), seed)
	if err != nil {
		return fmt.Errorf("%w (hint: the key of before still signs; leave the settings as they are and try again)", err)
	}
	fmt.Fprintf(std.Out, "TLOG_FORMER_KEYS=%s\nLogged: %s gives way to %s. Set these and restart; give witnesses the new verifier key before.\nVerifier key, for auditors and witnesses: %s\n",
		formerKeys(from, l.Former()), from.Short(), to.Short(), to)
	return nil
}

// seed reads or makes the new key. kept are the settings that name it.
func (c *logRotateCmd) seed(ctx context.Context, std Surroundings) (seed []byte, kept string, err error) {
	if c.NewKeyFile != "" {
		seed, err = publish.ReadSeedFile(c.NewKeyFile)
		return seed, "TLOG_KEY_FILE=" + c.NewKeyFile, err
	}
	seed = make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // crypto/rand does not fail
	kept, err = wrapSeed(ctx, std, c.VaultKey, seed)
	return seed, kept, err
}

// formerKeys is the setting of the keys that were the log's before.
func formerKeys(last tlog.Key, before []tlog.Key) string {
	list := []string{last.String()}
	for _, k := range before {
		if !k.Equal(last) {
			list = append(list, k.String())
		}
	}
	return strings.Join(list, ",")
}
