package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/auditbell/auditbell/handler/entra"
	"github.com/auditbell/auditbell/handler/host"
)

// admit decides whether a call of actiongroup-alert is an action group's, where an audience is configured; the result
// is the answer to one that is not. Nothing of the body is read before. Each refusal is a line "refused" in the log,
// which is where refusals are counted (docs/operations.md); the answer does not say what would have been right.
func (a *App) admit(ctx context.Context, in host.Invocation, request host.Request) (host.Result, bool) {
	if a.Webhook == nil {
		return host.Result{}, true // the function key alone is what the operator chose
	}
	err := a.Webhook.Verify(ctx, request.Headers)
	refusal := new(entra.Refusal)
	switch {
	case err == nil:
		return host.Result{}, true
	case !errors.As(err, &refusal):
		// 503 is among what action groups send again after, and 401 is not (learn: "Action groups", webhook retry).
		in.Logger.Error("refused", "status", http.StatusServiceUnavailable, "reason", "no_keys", "error", err.Error(), "bytes", len(request.Body))
		return host.Response(http.StatusServiceUnavailable, map[string]string{"error": "the token cannot be verified now, please send it again"}), false
	}
	in.Logger.Warn("refused", "status", http.StatusUnauthorized, "reason", string(refusal.Reason), "found", refusal.Found, "bytes", len(request.Body))
	challenge := `Bearer error="invalid_token"`
	if refusal.Reason == entra.NoToken {
		challenge = "Bearer" // RFC 6750, 3.1: no error where no token was sent
	}
	return host.Refuse(http.StatusUnauthorized, "a token of Azure Monitor's action groups is required").WithHeader("WWW-Authenticate", challenge), false
}
