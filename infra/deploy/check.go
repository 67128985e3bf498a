package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// providers are the resource providers of the module; azurerm 5 registers none by itself.
var providers = []string{
	"Microsoft.App", "Microsoft.Communication", "Microsoft.DocumentDB", "Microsoft.EventGrid", "Microsoft.EventHub", "Microsoft.Insights",
	"Microsoft.KeyVault", "Microsoft.ManagedIdentity", "Microsoft.Network", "Microsoft.OperationalInsights", "Microsoft.Storage", "Microsoft.Web",
}

const resourcesAPI = "2021-04-01" // of Microsoft.Resources

// registerProviders asks for all that are missing, then waits for them.
func (d *deployment) registerProviders(ctx context.Context) error {
	var missing []string
	for _, name := range providers {
		ok, err := d.registered(ctx, name)
		if err != nil {
			return err
		}
		if ok {
			continue
		}
		missing = append(missing, name)
		d.say("registering %s", name)
		if err := d.arm.do(ctx, call{method: http.MethodPost, path: d.subscription("/providers/" + name + "/register"), api: resourcesAPI}); err != nil {
			return err
		}
	}
	return d.until(ctx, "the resource providers are registered", func() (bool, error) {
		for _, name := range missing {
			if ok, err := d.registered(ctx, name); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func (d *deployment) subscription(rest string) string {
	return "/subscriptions/" + d.arm.subscription + rest
}

func (d *deployment) registered(ctx context.Context, name string) (bool, error) {
	var p struct{ RegistrationState string }
	err := d.arm.do(ctx, call{method: http.MethodGet, path: d.subscription("/providers/" + name), api: resourcesAPI, out: &p})
	return p.RegistrationState == "Registered", err
}

// waitForSecrets shows how to put in each secret that the vault lacks. Azure Resource Manager says whether a secret is
// there and never its value.
func (d *deployment) waitForSecrets(ctx context.Context) error {
	for {
		missing, err := d.missingSecrets(ctx)
		if err != nil || len(missing) == 0 {
			return err
		}
		d.say("Put these in; the value is read from the terminal, so that no history keeps it:")
		for _, name := range missing {
			d.say("  az keyvault secret set --vault-name %s --name %s --file /dev/stdin", path.Base(d.facts.KeyVaultID), name)
		}
		if d.ask("Press Enter when they are in, or type q to stop: ") != "" || !d.terminal() {
			return fmt.Errorf("the key vault lacks %s", strings.Join(missing, ", "))
		}
	}
}

func (d *deployment) missingSecrets(ctx context.Context) ([]string, error) {
	var missing []string
	for _, setting := range slices.Sorted(maps.Keys(d.facts.Secrets)) {
		name := d.facts.Secrets[setting]
		err := d.arm.do(ctx, call{method: http.MethodGet, path: d.facts.KeyVaultID + "/secrets/" + name, api: "2023-07-01"})
		if isStatus(err, http.StatusNotFound) {
			missing = append(missing, name)
		} else if err != nil {
			return nil, err
		}
	}
	return missing, nil
}

// check looks at the result as Azure has it, and lists everything that is wrong.
func (d *deployment) check(ctx context.Context) error {
	checks := []struct {
		title string
		look  func(context.Context) error
	}{
		{"the functions are listed", d.checkFunctions},
		{"every Key Vault reference of the settings is resolved", d.checkReferences},
		{"Event Grid delivers", d.checkDelivery},
		{"no machine is let in beside Azure", d.checkClosed},
	}
	var problems []error
	for _, c := range checks {
		if err := c.look(ctx); err != nil {
			d.say("  no  %s: %v", c.title, err)
			problems = append(problems, fmt.Errorf("%s: %w", c.title, err))
			continue
		}
		d.say("  yes %s", c.title)
	}
	return errors.Join(problems...)
}

func (d *deployment) checkFunctions(ctx context.Context) error {
	names, err := d.functions(ctx)
	if err == nil && !slices.Contains(names, d.facts.Target) {
		err = fmt.Errorf("%s is not among %v", d.facts.Target, names)
	}
	return err
}

// checkReferences asks what App Service made of the references: a secret that is missing, or a right that has not
// arrived (learn: "Use Key Vault references", troubleshooting).
func (d *deployment) checkReferences(ctx context.Context) error {
	var list struct {
		Value []struct {
			Name       string
			Properties struct{ Status, Details string }
		}
	}
	if err := d.arm.do(ctx, call{method: http.MethodGet, path: d.facts.FunctionAppID + "/config/configreferences/appsettings", api: webAPI, out: &list}); err != nil {
		return err
	}
	var problems []error
	for _, r := range list.Value {
		if r.Properties.Status != "Resolved" {
			problems = append(problems, fmt.Errorf("%s is %s %s", r.Name, r.Properties.Status, r.Properties.Details))
		}
	}
	return errors.Join(problems...)
}

func (d *deployment) checkDelivery(ctx context.Context) error {
	if d.facts.SystemTopicID == "" {
		return nil // the home subscription is not watched
	}
	var s struct {
		Properties struct{ ProvisioningState string }
	}
	err := d.arm.do(ctx, call{method: http.MethodGet, path: d.facts.SystemTopicID + "/eventSubscriptions/auditbell", api: "2022-06-15", out: &s})
	if err == nil && s.Properties.ProvisioningState != "Succeeded" {
		err = fmt.Errorf("the event subscription is %s", s.Properties.ProvisioningState)
	}
	return err
}

func (d *deployment) checkClosed(ctx context.Context) error {
	c, err := d.config(ctx)
	if err == nil && slices.ContainsFunc(c.Properties.Rules, isOurs) {
		err = errors.New("a rule of a publication is there; run this again")
	}
	return err
}

// firstMessage makes a resource group and deletes it, which is what people notice first, and waits until Event Grid has
// brought something to the app. That a channel shows it is for people to see.
func (d *deployment) firstMessage(ctx context.Context) error {
	if d.NoTry || d.facts.SystemTopicID == "" {
		d.say("left out; delete a resource group to see a message")
		return nil
	}
	const name = "rg-auditbell-try"
	start := time.Now().UTC().Add(-time.Minute).Truncate(time.Minute)
	group := d.subscription("/resourceGroups/" + name)
	in := map[string]string{"location": d.facts.Location}
	if err := d.arm.do(ctx, call{method: http.MethodPut, path: group, api: resourcesAPI, in: in}); err != nil {
		return err
	}
	if err := d.arm.remove(ctx, group, resourcesAPI); err != nil {
		return err
	}
	d.say("made and deleted %s; Event Grid takes a minute or two", name)
	err := d.until(ctx, "Event Grid counts a delivered event", func() (bool, error) { return d.deliveredSince(ctx, start) })
	if err != nil {
		return fmt.Errorf("%w (hint: docs/deploy.md, \"Nothing after ten minutes?\")", err)
	}
	d.say("The app accepted the event. Look into your channel: within a minute it says who deleted %s, and whether it worked.", name)
	return nil
}

// deliveredSince asks the topic's metric DeliverySuccessCount, which counts what the app answered with a success.
func (d *deployment) deliveredSince(ctx context.Context, start time.Time) (bool, error) {
	var m struct {
		Value []struct {
			Timeseries []struct {
				Data []struct{ Total float64 }
			}
		}
	}
	query := url.Values{
		"metricnames": {"DeliverySuccessCount"}, "aggregation": {"Total"}, "interval": {"PT1M"},
		"timespan": {start.Format(time.RFC3339) + "/" + time.Now().UTC().Add(time.Minute).Format(time.RFC3339)},
		"$filter":  {"EventSubscriptionName eq 'auditbell'"},
	}
	if err := d.arm.do(ctx, call{method: http.MethodGet, path: d.facts.SystemTopicID + "/providers/Microsoft.Insights/metrics", api: "2018-01-01", query: query, out: &m}); err != nil {
		return false, err
	}
	for _, v := range m.Value {
		for _, series := range v.Timeseries {
			for _, point := range series.Data {
				if point.Total > 0 {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
