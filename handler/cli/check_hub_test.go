package cli

import (
	"strings"
	"testing"
)

// TestCheckSaysForHowLongTheHubKeeps holds check to the retention that Terraform sets.
func TestCheckSaysForHowLongTheHubKeeps(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	if out, _ := o.handler("", "check", "--format", "json"); strings.Contains(out, "event hub") {
		t.Errorf("there is no hub, and check says\n%s", out)
	}
	o.env["EVENT_HUB_CONNECTION__fullyQualifiedNamespace"] = "contoso.servicebus.windows.net"
	if out, _ := o.handler("", "check", "--format", "json"); !strings.Contains(out, "it is not known for how long") {
		t.Errorf("the retention is not known, and check says\n%s", out)
	}
	o.env["EVENT_HUB_RETENTION"] = "168h"
	if out, _ := o.handler("", "check", "--format", "json"); !strings.Contains(out, "keeps what is not taken for 168 hours") {
		t.Errorf("check says\n%s", out)
	}
}
