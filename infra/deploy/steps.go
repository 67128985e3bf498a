package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// deploySteps bring everything to Azure. The titles say what happens.
var deploySteps = []step{
	{"look for the programs and sign in", (*deployment).signIn},
	{"write down the choices", (*deployment).writeChoices},
	{"take away what an interrupted publication left", (*deployment).closeLeftOver},
	{"register the resource providers", (*deployment).registerProviders},
	{"apply: make or update everything in Azure", (*deployment).apply},
	{"look for the secrets", (*deployment).waitForSecrets},
	{"publish the functions", (*deployment).publish},
	{"apply again: let events in", (*deployment).deliver},
	{"check", (*deployment).check},
	{"cause the first message", (*deployment).firstMessage},
}

// destroySteps remove it.
var destroySteps = []step{
	{"look for the programs and sign in", (*deployment).signIn},
	{"stop delivery and take the locks off", (*deployment).disarm},
	{"delete what Azure added by itself", (*deployment).deleteGenerated},
	{"destroy", (*deployment).destroy},
}

// deployment is what the steps share.
type deployment struct {
	flags
	out       io.Writer
	in        *os.File
	arm       *client
	plain     *http.Client // for the app's two sites
	terraform *terraform
	facts     facts // outputs of the module, once there are some
}

// patience is how long a step waits for Azure.
const patience = 10 * time.Minute

func open(f flags) (*deployment, error) {
	if _, err := os.Stat(f.Infra); err != nil {
		return nil, fmt.Errorf("find --infra: %w (hint: name the folder with your main.tf, such as infra/examples/minimal)", err)
	}
	arm, err := newClient(f.ARM)
	if err != nil {
		return nil, err
	}
	return &deployment{flags: f, out: os.Stdout, in: os.Stdin, arm: arm, plain: &http.Client{Timeout: time.Minute}}, nil
}

// signIn finds the programs before minutes of work, and says who is signed in and where.
func (d *deployment) signIn(ctx context.Context) error {
	tool, err := findTool(candidates(d.Tool, d.Infra))
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("func"); err != nil && !d.ThroughArm && !d.Destroy {
		return errors.New("func is not installed (hint: install Azure Functions Core Tools v4, or say --through-arm)")
	}
	account, err := azAccount(ctx)
	if err != nil {
		return err
	}
	d.arm.subscription = account.subscription()
	d.terraform = &terraform{tool: tool, dir: d.Infra, subscription: d.arm.subscription, out: d.out, in: d.in}
	d.say("%s, signed in as %s, subscription %s (%s)", tool, account.User.Name, account.Name, d.arm.subscription)
	if err := d.terraform.init(ctx); err != nil {
		return err
	}
	return d.sameSubscription(ctx)
}

// sameSubscription refuses to work in another subscription than before: the module's names are made of it, so that an
// apply would replace everything, evidence included.
func (d *deployment) sameSubscription(ctx context.Context) error {
	f, _, err := d.terraform.facts(ctx)
	if err != nil {
		return err
	}
	meant := os.Getenv("ARM_SUBSCRIPTION_ID")
	if parts := strings.Split(f.FunctionAppID, "/"); len(parts) > 2 {
		meant = parts[2]
	}
	if meant != "" && !strings.EqualFold(meant, d.arm.subscription) {
		return fmt.Errorf("az is signed in to the subscription %s, and this deployment is of %s (hint: az account set --subscription %s)", d.arm.subscription, meant, meant)
	}
	return nil
}

// apply is the first apply of a new deployment and the only one of a deployed one.
func (d *deployment) apply(ctx context.Context) error {
	if err := d.terraform.apply(ctx, d.approval()...); err != nil {
		return err
	}
	return d.readFacts(ctx)
}

// deliver applies once more where the first apply could not deliver yet.
func (d *deployment) deliver(ctx context.Context) error {
	if err := d.terraform.apply(ctx, d.approval()...); err != nil {
		return err
	}
	if err := d.readFacts(ctx); err != nil {
		return err
	}
	if !d.facts.Delivering {
		return errors.New("the module does not deliver events although the functions are published (hint: event_delivery_enabled is false somewhere in your variables)")
	}
	return nil
}

func (d *deployment) approval() []string {
	if d.Yes {
		return []string{"-auto-approve", "-input=false"}
	}
	return nil
}

func (d *deployment) readFacts(ctx context.Context) error {
	f, ok, err := d.terraform.facts(ctx)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s has no output named deployment (hint: output \"deployment\" { value = module.auditbell.deployment })", d.Infra)
	}
	d.facts = f
	return nil
}

// disarm makes a first apply of destroying: without delivery nothing arrives while the app goes, and without locks it can go.
func (d *deployment) disarm(ctx context.Context) error {
	err := d.terraform.apply(ctx, append(d.approval(), "-var", "event_delivery_enabled=false", "-var", "locks_enabled=false")...)
	if err != nil {
		return err
	}
	return d.readFacts(ctx)
}

func (d *deployment) destroy(ctx context.Context) error {
	return d.terraform.destroy(ctx, append(d.approval(), "-var", "event_delivery_enabled=false", "-var", "locks_enabled=false")...)
}

// deleteGenerated deletes what Application Insights makes for itself in its resource group, because azurerm refuses to
// delete a group that holds what it does not know (hashicorp/terraform-provider-azurerm, resource_group features). What
// others put there stays, and makes destroy stop.
func (d *deployment) deleteGenerated(ctx context.Context) error {
	if d.facts.ApplicationInsightsName == "" {
		return nil
	}
	group := fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/", d.arm.subscription, d.facts.ResourceGroupName)
	generated := []struct{ path, api string }{
		{group + "microsoft.alertsManagement/smartDetectorAlertRules/Failure Anomalies - " + d.facts.ApplicationInsightsName, "2021-04-01"},
		{group + "microsoft.insights/actionGroups/Application Insights Smart Detection", "2023-01-01"},
	}
	for _, g := range generated {
		if err := d.arm.remove(ctx, g.path, g.api); err != nil {
			return err
		}
	}
	return nil
}
