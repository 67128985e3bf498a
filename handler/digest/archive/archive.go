// Package archive keeps digests where they cannot be changed: a container of an Azure storage account with an
// immutability policy, or, on one machine, a folder.
//
// It writes a file once and never again. Not for reading what others export (source/blobs).
package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// ErrOther reports that there is a file of that name already, with other content.
var ErrOther = errors.New("there is another file of that name")

// Archive keeps files by path. It is safe for concurrent use.
type Archive struct {
	keeper keeper
	base   string
}

// keeper is where files are kept. It is no interface, because the linker keeps all exported methods of a client that
// stands in one: 0.9 MB of the program.
type keeper struct {
	// create writes a file that is not there; errExists when there is one.
	create func(ctx context.Context, name, mediaType string, data []byte) error
	read   func(ctx context.Context, name string) ([]byte, error) // fs.ErrNotExist when it is not there
}

var errExists = errors.New("exists already")

// Options are for the storage account.
type Options struct {
	Credential azcore.TokenCredential
	Transport  policy.Transporter // nil: azblob's own; a service on this machine may speak http with it
}

// Open returns the archive at a place: the address of a container, or a folder. It calls nothing.
func Open(place string, o Options) (*Archive, error) {
	u, err := url.Parse(place)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		f := folder(place)
		return &Archive{keeper{f.create, f.read}, place}, nil
	}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: o.Transport}}
	var client *container.Client
	if u.Scheme == "http" { // azcore sends no token without encryption
		client, err = container.NewClientWithNoCredential(place, options)
	} else {
		client, err = container.NewClient(place, o.Credential, options)
	}
	if err != nil {
		return nil, errors.New("open archive: the address is not one of a container")
	}
	b := blobs{client}
	return &Archive{keeper{b.create, b.read}, strings.TrimRight(place, "/")}, nil
}

// Put keeps a file. To keep the same content again is to keep it once; other content is ErrOther.
func (a *Archive) Put(ctx context.Context, name, mediaType string, data []byte) error {
	if !localName(name) {
		return fmt.Errorf("archive %q: not a path within the archive", name)
	}
	err := a.keeper.create(ctx, name, mediaType, data)
	if !errors.Is(err, errExists) {
		return wrap(name, err)
	}
	have, err := a.keeper.read(ctx, name)
	if err != nil {
		return wrap(name, err)
	}
	if !bytes.Equal(have, data) {
		return fmt.Errorf("archive %s: %w", name, ErrOther)
	}
	return nil
}

// Get reads a file; one that is not there is fs.ErrNotExist.
func (a *Archive) Get(ctx context.Context, name string) ([]byte, error) {
	if !localName(name) {
		return nil, fmt.Errorf("archive %q: not a path within the archive", name)
	}
	data, err := a.keeper.read(ctx, name)
	return data, wrap(name, err)
}

// Link is where a person finds a file.
func (a *Archive) Link(name string) string { return a.base + "/" + name }

func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("archive %s: %w", name, err)
}

func localName(name string) bool { return filepath.IsLocal(name) && path.Clean(name) == name }

// blobs keeps files in a container.
type blobs struct{ client *container.Client }

// create asks the service to write only what is not there: a policy of immutability would refuse to replace it anyway,
// and without one nothing else would.
func (b blobs) create(ctx context.Context, name, mediaType string, data []byte) error {
	any := azcore.ETagAny
	_, err := b.client.NewBlockBlobClient(name).Upload(ctx, readSeekCloser{bytes.NewReader(data)}, &blockblob.UploadOptions{
		HTTPHeaders:      &blob.HTTPHeaders{BlobContentType: &mediaType},
		AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &any}},
	})
	if bloberror.HasCode(err, bloberror.BlobAlreadyExists, bloberror.BlobImmutableDueToPolicy, bloberror.ConditionNotMet) {
		return errExists
	}
	return short(err)
}

func (b blobs) read(ctx context.Context, name string) ([]byte, error) {
	r, err := b.client.NewBlobClient(name).DownloadStream(ctx, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, short(err)
	}
	body := r.NewRetryReader(ctx, nil)
	defer body.Close()
	return io.ReadAll(body)
}

// short is an azcore error in one line: its text holds the whole answer otherwise.
func short(err error) error {
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return err
	}
	hint := ""
	switch response.StatusCode {
	case 403:
		hint = " (hint: give the identity the role Storage Blob Data Contributor on the container)"
	case 404:
		hint = " (hint: the container must be there, infra makes it)"
	}
	return fmt.Errorf("storage answered %d %s%s", response.StatusCode, response.ErrorCode, hint)
}

type readSeekCloser struct{ io.ReadSeeker }

func (readSeekCloser) Close() error { return nil }

// folder keeps files below a folder of this machine.
type folder string

func (f folder) create(_ context.Context, name, _ string, data []byte) error {
	full := filepath.Join(string(f), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
		return err
	}
	if _, err := os.Stat(full); err == nil {
		return errExists
	}
	// A link is made only when there is no file of that name, and then to a whole one.
	part, err := os.CreateTemp(filepath.Dir(full), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) //nolint:errcheck // a leftover does no harm
	_, err = part.Write(data)
	if err := errors.Join(err, part.Close()); err != nil {
		return err
	}
	if err := os.Link(part.Name(), full); errors.Is(err, os.ErrExist) {
		return errExists
	} else if err != nil {
		return err
	}
	return nil
}

func (f folder) read(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), filepath.FromSlash(name))) //nolint:gosec // Put checked the name
}
