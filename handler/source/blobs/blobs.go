// Package blobs finds what a diagnostic setting exports to a storage account: a container, usually
// insights-activity-logs, with a blob for each subscription and hour. Its inputs are files like any others for
// source.Files, which reads them.
//
// Not for writing (digest/archive).
package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/auditbell/auditbell/handler/source"
)

// Container is a container of a storage account.
type Container struct {
	client *container.Client
	name   string
}

// Options say how to reach the account.
type Options struct {
	Credential azcore.TokenCredential
	Transport  policy.Transporter // nil: azblob's own; a service on this machine may speak http with it
}

// Open returns the container at an address. It calls nothing.
func Open(address string, o Options) (*Container, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || len(u.Path) < 2 {
		return nil, errors.New("open container: not the address of one, such as https://ACCOUNT.blob.core.windows.net/insights-activity-logs")
	}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: o.Transport}}
	c := &Container{name: u.Path[1:]}
	if u.Scheme == "http" { // azcore sends no token without encryption
		c.client, err = container.NewClientWithNoCredential(address, options)
	} else {
		c.client, err = container.NewClient(address, o.Credential, options)
	}
	if err != nil {
		return nil, errors.New("open container: the address does not do")
	}
	return c, nil
}

// Inputs yields the blobs that may hold entries of a window, in the order of their names, which is by subscription and
// time. A blob whose name has no hour is always one of them. Only months that the window touches are listed, and some
// blobs are read ahead: the requests for a period do not grow with what else the container keeps.
func (c *Container) Inputs(ctx context.Context, w source.Window) iter.Seq2[source.Input, error] {
	return source.Ahead(func(yield func(source.Input, error) bool) { c.walk(ctx, "", w, yield) }, source.AtOnce)
}

// walk lists what lies below a prefix, folder by folder down to a month, and a month whole; false when the caller has had
// enough.
func (c *Container) walk(ctx context.Context, prefix string, w source.Window, yield func(source.Input, error) bool) bool {
	if source.IsMonth(prefix) {
		return c.flat(ctx, prefix, w, yield)
	}
	pages := c.client.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{Prefix: &prefix})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil || !c.offer(ctx, page.Segment.BlobItems, w, yield) {
			return c.unlisted(err, yield)
		}
		for _, below := range page.Segment.BlobPrefixes {
			if below.Name != nil && w.MayHold(*below.Name) && !c.walk(ctx, *below.Name, w, yield) {
				return false
			}
		}
	}
	return true
}

// flat lists everything below a prefix.
func (c *Container) flat(ctx context.Context, prefix string, w source.Window, yield func(source.Input, error) bool) bool {
	pages := c.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil || !c.offer(ctx, page.Segment.BlobItems, w, yield) {
			return c.unlisted(err, yield)
		}
	}
	return true
}

// unlisted ends a listing, with the reason when there is one.
func (c *Container) unlisted(err error, yield func(source.Input, error) bool) bool {
	if err != nil {
		yield(source.Input{Name: c.name}, fmt.Errorf("list %s: %w", c.name, short(err)))
	}
	return false
}

// offer yields the blobs that may hold entries of the window.
func (c *Container) offer(ctx context.Context, items []*container.BlobItem, w source.Window, yield func(source.Input, error) bool) bool {
	for _, item := range items {
		if item.Name != nil && w.MayHold(*item.Name) && !yield(c.input(ctx, *item.Name), nil) {
			return false
		}
	}
	return true
}

func (c *Container) input(ctx context.Context, name string) source.Input {
	version := ""
	return source.Input{Name: name, Version: func() string { return version }, Open: func() (io.ReadCloser, error) {
		r, err := c.client.NewBlobClient(name).DownloadStream(ctx, nil)
		if err != nil {
			return nil, fmt.Errorf("read blob: %w", short(err))
		}
		if r.ETag != nil {
			version = string(*r.ETag)
		}
		return blob{r.NewRetryReader(ctx, nil)}, nil // goes on where a connection broke, of the same version
	}}
}

// blob is a blob's text, whose errors are one line.
type blob struct{ io.ReadCloser }

func (b blob) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, short(err)
}

// short is an azcore error in one line: its text holds the whole answer otherwise.
func short(err error) error {
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return err
	}
	hint := ""
	switch response.StatusCode {
	case 401, 403:
		hint = " (hint: the identity needs the role Storage Blob Data Reader on the container)"
	case 412:
		hint = " (hint: it changed while it was read; make the digest again)"
	case 404:
		hint = " (hint: is the container's name right?)"
	}
	return fmt.Errorf("storage answered %d %s%s", response.StatusCode, response.ErrorCode, hint)
}
