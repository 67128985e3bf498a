package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/tlog"
)

type witnessCmd struct {
	Name   string   `required:"" help:"Name of the witness, such as witness.auditor.example/contoso, without blanks and plus." placeholder:"NAME"`
	Key    string   `required:"" help:"File with the witness's key; made when it is not there." placeholder:"FILE"`
	Folder string   `required:"" help:"Folder for the newest checkpoint of each log. Keep it: without it the witness would sign a past that was written again." placeholder:"DIR"`
	LogKey []string `name:"log-key" sep:"none" required:"" help:"Verifier key of a log to watch; may be given several times." placeholder:"KEY"`
	Listen string   `default:"127.0.0.1:8099" help:"Address to listen on; put TLS before it." placeholder:"ADDRESS"`
}

// run serves the witness until the process is stopped.
func (c *witnessCmd) run(ctx context.Context, std Surroundings) error {
	keys, err := readKeys("--log-key", c.LogKey, false)
	if err != nil {
		return err
	}
	seed, err := publish.ReadSeedFile(c.Key)
	if errors.Is(err, fs.ErrNotExist) {
		seed = make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seed) // crypto/rand does not fail
		err = writeSeed(c.Key, seed)
	}
	if err != nil {
		return err
	}
	signer, err := tlog.NewWitnessSigner(c.Name, seed, time.Now)
	if err != nil {
		return misuse("--name: %v", err)
	}
	watcher, err := tlog.NewWatcher(signer, c.Folder, keys)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "listening on http://%s\nVerifier key, for the log's TLOG_WITNESSES and verify --witness: %s\n", listener.Addr(), signer.Key)
	return serveUntil(ctx, listener, watcher.Handler())
}

// serveUntil serves until ctx ends, and lets what was begun end.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := server.Shutdown(ending)
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}
