package email

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/auditbell/auditbell/handler/notify"
)

// tokens gets tokens for the app's identity, or the developer's own sign-in outside Azure. Nothing is made before the
// first mail, because a start must not wait for it.
type tokens struct {
	clientID string

	mu         sync.Mutex
	credential azcore.TokenCredential
}

// authorize adds a token for scope to the request. azcore's own policy would refuse plain http, which is what a mail
// service on this machine speaks; the client that sends refuses it to any other machine.
func (t *tokens) authorize(ctx context.Context, r *http.Request, scope string) error {
	credential, err := t.identity()
	if err != nil {
		return notify.Fail(notify.DestinationRefused, errors.New("there is no identity to sign in with (hint: switch on the app's managed identity)"))
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		if ctx.Err() != nil {
			return notify.Fail(notify.NotSent, ctx.Err())
		}
		return notify.Fail(notify.NotSent, errors.New("no token for the identity (hint: is the managed identity switched on?)"))
	}
	r.Header.Set("Authorization", "Bearer "+token.Token)
	return nil
}

func (t *tokens) identity() (azcore.TokenCredential, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.credential != nil {
		return t.credential, nil
	}
	var err error
	if _, inAzure := os.LookupEnv("IDENTITY_ENDPOINT"); inAzure {
		options := &azidentity.ManagedIdentityCredentialOptions{}
		if t.clientID != "" {
			options.ID = azidentity.ClientID(t.clientID)
		}
		t.credential, err = azidentity.NewManagedIdentityCredential(options)
	} else {
		t.credential, err = azidentity.NewDefaultAzureCredential(nil)
	}
	return t.credential, err
}
