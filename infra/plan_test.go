//go:build plan

package infra_test

import (
	"encoding/pem"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The real providers plan and apply the examples against Azure Resource Manager on the loopback: `make infra-plan`, which
// sets the build tag. The program must be able to get its providers.
var program = flag.String("tool", "tofu", "tofu or terraform")

// tool runs the program in a folder, with an identity that opens nothing outside of this machine.
type tool struct {
	t    *testing.T
	dir  string
	env  []string
	args []string
}

func newTool(t *testing.T, a *arm, example string, variables ...string) *tool {
	t.Helper()
	root := t.TempDir()
	for _, part := range []string{"infra", "functions", "local.settings.json.example"} {
		if text, err := exec.Command("cp", "-R", filepath.Join("..", part), root).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	ca := filepath.Join(root, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
	if err := os.WriteFile(ca, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(a.URL, "https://")
	w := &tool{t: t, dir: filepath.Join(root, "infra", "examples", example)}
	w.env = append(os.Environ(), "SSL_CERT_FILE="+ca, "ARM_METADATA_HOSTNAME="+host, "ARM_METADATA_HOST="+host, "ARM_SUBSCRIPTION_ID="+subscription, "ARM_TENANT_ID="+tenant,
		// A managed identity: azapi asks a public address before it uses a secret.
		"ARM_CLIENT_ID="+principal, "ARM_USE_MSI=true", "ARM_USE_CLI=false", "ARM_MSI_ENDPOINT="+a.URL+"/msi", "IDENTITY_ENDPOINT="+a.URL+"/msi", "IDENTITY_HEADER=none",
		"ARM_RESOURCE_MANAGER_ENDPOINT="+a.URL, "ARM_RESOURCE_MANAGER_AUDIENCE="+a.URL,
		"ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST="+a.URL+"/", "ARM_RESOURCE_PROVIDER_REGISTRATIONS=none", "ARM_SKIP_PROVIDER_REGISTRATION=true",
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	w.args = append([]string{"-var", `alert_emails=["security@example.com"]`}, variables...)
	w.run(0, "init", "-input=false", "-no-color")
	return w
}

// run fails unless the program ends with the code.
func (w *tool) run(code int, args ...string) string {
	w.t.Helper()
	cmd := exec.Command(*program, append([]string{"-chdir=" + w.dir}, args...)...)
	cmd.Env = w.env
	text, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		w.t.Fatalf("%v: %d, want %d: %v\n%s", args, got, code, err, text)
	}
	return string(text)
}

func (w *tool) plan(code int) string {
	w.t.Helper()
	return w.run(code, append([]string{"plan", "-input=false", "-no-color", "-detailed-exitcode", "-lock=false"}, w.args...)...)
}

func (w *tool) apply() string {
	w.t.Helper()
	return w.run(0, append([]string{"apply", "-input=false", "-no-color", "-auto-approve"}, w.args...)...)
}

var toAdd = regexp.MustCompile(`Plan: (\d+) to add, 0 to change, 0 to destroy`)

func TestEveryExamplePlans(t *testing.T) {
	for _, example := range []string{"minimal", "complete", "multi-subscription", "private-network"} {
		t.Run(example, func(t *testing.T) {
			var variables []string
			switch example {
			case "complete": // both stages at once
				variables = []string{"-var", "event_delivery_enabled=true"}
			case "multi-subscription":
				variables = []string{"-var", "second_subscription_id=7d4c2b1a-9e8f-4a6b-8c5d-3e2f1a0b9c8d", "-var", `management_groups=["contoso"]`, "-var", "read_tenant=true"}
			}
			a := newARM(t)
			text := newTool(t, a, example, variables...).plan(2)
			found := toAdd.FindString(text)
			if found == "" {
				t.Fatalf("the plan does not only add:\n%s", text)
			}
			if registered := slices.Contains(a.asked, "POST /subscriptions/7d4c2b1a-9e8f-4a6b-8c5d-3e2f1a0b9c8d/providers/Microsoft.EventGrid/register"); registered != (example == "multi-subscription") {
				t.Errorf("Event Grid is registered in the second subscription: %v\n%s", registered, strings.Join(a.asked, "\n"))
			}
			if example == "complete" {
				for _, planned := range []string{"azapi_resource.log_key[0]", `azurerm_eventgrid_system_topic_event_subscription.main["HealthResources"]`} {
					if !strings.Contains(text, planned+" will be created") {
						t.Errorf("the plan lacks %s", planned)
					}
				}
			}
			t.Log(found)
		})
	}
}

// TestPlanAfterApplyIsEmpty applies, publishes, applies again, and plans: nothing is left to do, without any argument that
// says which apply it is. Then it changes who may call the app, as a killed publication does: the plan takes that away.
func TestPlanAfterApplyIsEmpty(t *testing.T) {
	a := newARM(t)
	w := newTool(t, a, "minimal")
	w.apply()
	w.plan(0)
	if text := w.run(0, "output", "-no-color", "next_command"); !strings.Contains(text, "deploy INFRA=") {
		t.Errorf("next command after the first apply: %s", text)
	}
	a.mu.Lock()
	a.published = []string{"eventgrid-activity", "actiongroup-alert", "deliver"}
	a.mu.Unlock()
	w.plan(2)
	w.apply()
	w.plan(0)
	a.mu.Lock()
	a.published = nil // a host that does not start lists nothing
	a.mu.Unlock()
	w.plan(0)
	a.letIn()
	if text := w.plan(2); !strings.Contains(text, "inbound") || !toChange.MatchString(text) {
		t.Errorf("a rule that a publication left is not taken away:\n%s", text)
	}
	w.apply()
	w.plan(0)
}

var toChange = regexp.MustCompile(`Plan: 0 to add, 1 to change, 0 to destroy`)

// letIn adds a rule as infra/deploy does.
func (a *arm) letIn() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, r := range a.resources {
		if strings.HasSuffix(key, "/config/web") {
			properties := r["properties"].(map[string]any)
			rules := properties["ipSecurityRestrictions"].([]any)
			properties["ipSecurityRestrictions"] = append(rules, map[string]any{"name": "auditbell-publisher-2", "action": "Allow", "priority": 52.0, "tag": "Default", "ipAddress": "203.0.113.7/32"})
		}
	}
}
