package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// client asks Azure Resource Manager as the person who is signed in to az.
type client struct {
	endpoint, subscription string
	pipeline               runtime.Pipeline
}

func newClient(endpoint string) (*client, error) {
	credential, err := azidentity.NewAzureCLICredential(nil)
	if err != nil {
		return nil, fmt.Errorf("use az: %w", err)
	}
	bearer := runtime.NewBearerTokenPolicy(credential, []string{"https://management.azure.com/.default"}, nil)
	pipeline := runtime.NewPipeline("auditbell-deploy", version, runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}}, nil)
	return &client{endpoint: strings.TrimSuffix(endpoint, "/"), pipeline: pipeline}, nil
}

// account is what `az account show` says.
type account struct {
	ID, Name string
	User     struct{ Name string }
}

func (a account) subscription() string { return a.ID }

func azAccount(ctx context.Context) (account, error) {
	text, err := exec.CommandContext(ctx, "az", "account", "show", "--output", "json").Output()
	if err != nil {
		return account{}, fmt.Errorf("ask az who is signed in: %w (hint: az login, then az account set --subscription NAME)", err)
	}
	var a account
	if err := json.Unmarshal(text, &a); err != nil {
		return account{}, fmt.Errorf("read az account show: %w", err)
	}
	return a, nil
}

// refusal is an answer of Azure that is not a success.
type refusal struct {
	status  int
	code    string
	message string
	what    string
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("%s: Azure answered %d %s", r.what, r.status, r.code)
	if r.message != "" {
		text += ": " + r.message
	}
	return text
}

func isStatus(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == status
}

// call is one request. in and out are JSON and may be nil; in may be a file.
type call struct {
	method      string
	path        string // starts with /subscriptions; for send, a whole address
	api         string // api-version
	query       url.Values
	contentType string // of a file
	in, out     any
}

// do asks Azure Resource Manager for one resource.
func (c *client) do(ctx context.Context, r call) error {
	query := url.Values{"api-version": {r.api}}
	maps.Copy(query, r.query)
	r.path = c.endpoint + (&url.URL{Path: r.path}).EscapedPath() + "?" + query.Encode()
	return c.send(ctx, r)
}

// send asks for any address with the same token: the app's deployment site takes it too.
func (c *client) send(ctx context.Context, r call) error {
	request, err := runtime.NewRequest(ctx, r.method, r.path)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	if err := setBody(request, r.contentType, r.in); err != nil {
		return err
	}
	what := r.method + " " + request.Raw().URL.Path
	request.Raw().Header.Set("If-Match", "*")
	response, err := c.pipeline.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", what, err)
	}
	if response.StatusCode/100 != 2 {
		return refused(what, response.StatusCode, text)
	}
	if r.out == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, r.out); err != nil {
		return fmt.Errorf("decode answer of %s: %w", what, err)
	}
	return nil
}

func setBody(request *policy.Request, contentType string, in any) error {
	switch in := in.(type) {
	case nil:
		return nil
	case io.ReadSeekCloser:
		return request.SetBody(in, contentType)
	default:
		return runtime.MarshalAsJSON(request, in)
	}
}

func refused(what string, status int, text []byte) error {
	var body struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(text, &body) != nil || body.Error.Code == "" {
		body.Error.Code = http.StatusText(status)
		body.Error.Message = strings.TrimSpace(string(bytes.ToValidUTF8(text[:min(len(text), 300)], nil)))
	}
	return &refusal{status: status, code: body.Error.Code, message: body.Error.Message, what: what}
}

// remove deletes a resource that may be gone already.
func (c *client) remove(ctx context.Context, path, api string) error {
	err := c.do(ctx, call{method: http.MethodDelete, path: path, api: api})
	if isStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// until asks again every pause until ready says so, for as long as the patience lasts.
func (d *deployment) until(ctx context.Context, what string, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := ready()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s until %s", patience, what)
		case <-time.After(d.Pause):
		}
	}
}
