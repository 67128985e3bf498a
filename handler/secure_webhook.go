package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/auditbell/auditbell/handler/entra"
	"github.com/auditbell/auditbell/handler/host"
)

// admit decides whether a call of actiongroup-alert is an action group's, where an audience is configured; the result
// is the answer to one that is not. Nothing of the body is read before. Each refusal is a line "refused" in the log,
// which is where refusals are counted (docs/operations.md); the caller is not told what would have been right.
func (a *app) admit(ctx context.Context, in host.Invocation, request host.Request) (host.Result, bool) {
	if a.webhook == nil {
		return host.Result{}, true // the function key alone is what the operator chose
	}
	err := a.webhook.Verify(ctx, request.Headers)
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
		challenge = "Bearer" // RFC 6750, 3.1: no error for whoever did not try
	}
	return refused(http.StatusUnauthorized, "a token of Azure Monitor's action groups is required").WithHeader("WWW-Authenticate", challenge), false
}

// webhookCheck is the line of `handler check`; none when the function key alone guards the webhook.
func (a *app) webhookCheck(ctx context.Context) []checkLine {
	if a.webhook == nil {
		return nil
	}
	n, err := a.webhook.Check(ctx)
	if err != nil {
		return []checkLine{{"secure webhook", false, err.Error() + " (hint: check SECURE_WEBHOOK_TENANT_ID, SECURE_WEBHOOK_AUTHORITY and the way out to it)"}}
	}
	return []checkLine{{"secure webhook", true, fmt.Sprintf("keys of the tenant: %d", n)}}
}
