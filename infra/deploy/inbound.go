package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// With the module's defaults only Event Grid and action groups may call the app. func ends a publication by asking the
// app itself for its health (Azure/azure-functions-core-tools AzureHelper.cs, CheckFunctionHostStatusForFlex: 15 tries,
// no flag to skip it) and fails when it is refused; az does the same. So the machine that publishes is let in for as long
// as that takes. A rule that a killed run left is taken away by the next run, and by any apply of the module.

// publisherRule starts the names of the rules that are ours to take away.
const publisherRule = "auditbell-publisher"

const webAPI = "2023-12-01" // of Microsoft.Web

// site is what is asked of the app.
type site struct {
	Properties struct {
		DefaultHostName     string
		HostNameSSLStates   []struct{ Name, HostType string }
		PublicNetworkAccess string
	}
}

// config is the part of config/web that says who may call. Rules stay as Azure gave them but for ours.
type config struct {
	Properties struct {
		Rules         []map[string]any `json:"ipSecurityRestrictions"`
		DefaultAction string           `json:"ipSecurityRestrictionsDefaultAction,omitempty"`
	} `json:"properties"`
}

// deploymentSite is the address of the site that archives are uploaded to.
func (s site) deploymentSite() (string, error) {
	for _, h := range s.Properties.HostNameSSLStates {
		if h.HostType == "Repository" {
			return "https://" + h.Name, nil
		}
	}
	return "", errors.New("the app has no deployment site")
}

func (d *deployment) site(ctx context.Context) (s site, err error) {
	err = d.arm.do(ctx, call{method: http.MethodGet, path: d.facts.FunctionAppID, api: webAPI, out: &s})
	return s, err
}

func (d *deployment) config(ctx context.Context) (c config, err error) {
	err = d.arm.do(ctx, call{method: http.MethodGet, path: d.facts.FunctionAppID + "/config/web", api: webAPI, out: &c})
	return c, err
}

func (d *deployment) setRules(ctx context.Context, rules []map[string]any) error {
	var c config
	c.Properties.Rules = rules
	err := d.arm.do(ctx, call{method: http.MethodPatch, path: d.facts.FunctionAppID + "/config/web", api: webAPI, in: c})
	if isStatus(err, http.StatusForbidden) {
		return fmt.Errorf("%w (hint: where a policy forbids this, --through-arm publishes without it)", err)
	}
	return err
}

// closeLeftOver takes away the rules of a run that was killed.
func (d *deployment) closeLeftOver(ctx context.Context) error {
	f, ok, err := d.terraform.facts(ctx)
	if err != nil || !ok {
		return err
	}
	d.facts = f
	n, err := d.shut(ctx)
	if isStatus(err, http.StatusNotFound) {
		return nil // the app is gone, and its rules with it
	}
	if n > 0 {
		d.say("took away %d rules that let a machine in", n)
	}
	return err
}

// shut takes our rules away and returns how many there were.
func (d *deployment) shut(ctx context.Context) (int, error) {
	c, err := d.config(ctx)
	if err != nil {
		return 0, err
	}
	others := slices.DeleteFunc(slices.Clone(c.Properties.Rules), isOurs)
	n := len(c.Properties.Rules) - len(others)
	if n == 0 {
		return 0, nil
	}
	return n, d.setRules(ctx, others)
}

func isOurs(rule map[string]any) bool {
	name, _ := rule["name"].(string)
	return strings.HasPrefix(name, publisherRule)
}

// openToMe lets this machine call the app. The returned function takes that away again, also after a signal.
func (d *deployment) openToMe(ctx context.Context, s site) (func() error, error) {
	shut := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		defer cancel()
		n, err := d.shut(ctx)
		if err == nil && n > 0 {
			d.say("the app is closed to this machine again")
		}
		return err
	}
	c, err := d.config(ctx)
	if err != nil {
		return shut, err
	}
	if !strings.EqualFold(c.Properties.DefaultAction, "Deny") {
		return shut, nil // open to any address: inbound_access = "any"
	}
	if strings.EqualFold(s.Properties.PublicNetworkAccess, "Disabled") {
		return shut, d.reachFromInside(ctx, s)
	}
	return shut, d.letIn(ctx, s, c)
}

// reachFromInside says early that a private app is published from inside its network.
func (d *deployment) reachFromInside(ctx context.Context, s site) error {
	if address, err := d.refusedAddress(ctx, s); err != nil || address != "" {
		return errors.Join(err, errors.New("the app has no public entrance (hint: run this on a machine inside the network, whose DNS knows the private endpoint)"))
	}
	return nil
}

// letIn adds a rule for each address, given or as the app sees it, until the app refuses this machine no more. Behind
// some networks calls come from several addresses in turn.
func (d *deployment) letIn(ctx context.Context, s site, c config) error {
	rules := c.Properties.Rules
	for _, given := range d.PublisherAddress {
		prefix, err := parseAddress(given)
		if err != nil {
			return fmt.Errorf("--publisher-address: %w", err)
		}
		rules = append(rules, letIn(prefix, len(rules)))
	}
	known, calm := map[string]bool{}, 0
	if len(d.PublisherAddress) > 0 {
		d.say("%s may call the app while it is published", strings.Join(d.PublisherAddress, ", "))
		if err := d.setRules(ctx, rules); err != nil {
			return err
		}
	}
	return d.until(ctx, "the app lets this machine in", func() (bool, error) {
		address, err := d.refusedAddress(ctx, s)
		if err != nil {
			return false, err
		}
		if address == "" {
			calm++
			return calm >= believed, nil
		}
		calm = 0
		if known[address] || len(d.PublisherAddress) > 0 {
			return false, nil // a rule takes a while to hold everywhere
		}
		known[address] = true
		prefix, err := parseAddress(address)
		if err != nil {
			return false, fmt.Errorf("the app sees this machine under %w (hint: --publisher-address, or --through-arm)", err)
		}
		d.say("the app sees this machine as %s, which may call it while it is published", prefix)
		rules = append(rules, letIn(prefix, len(rules)))
		return false, d.setRules(ctx, rules)
	})
}

// believed is how often in a row the app must let this machine in. Rules hold at one front end sooner than at another,
// and those that the run before took away may let it in for a while yet.
const believed = 6

func letIn(prefix netip.Prefix, n int) map[string]any {
	return map[string]any{
		"name": fmt.Sprintf("%s-%d", publisherRule, n), "description": "While this machine publishes. Any later deployment or apply takes it away.",
		"action": "Allow", "priority": 50 + n, "tag": "Default", "ipAddress": prefix.String(),
	}
}

// parseAddress reads an address, with a port or without, or a range. One that is not public cannot be in a rule, and a range
// of the whole internet must not be.
func parseAddress(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if withPort, portErr := netip.ParseAddrPort(text); portErr == nil {
			address, err = withPort.Addr(), nil
		}
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q, which is no address", text)
		}
		address = address.Unmap() // ::ffff:203.0.113.7 is an IPv4 address to the rules
		prefix = netip.PrefixFrom(address, address.BitLen())
	}
	switch address := prefix.Addr(); {
	case address.IsPrivate() || carriers.Contains(address):
		return netip.Prefix{}, fmt.Errorf("%q, an address of a private network", text)
	case address.IsUnspecified() || address.IsMulticast() || address.IsLinkLocalUnicast() || prefix.Bits() < widest:
		return netip.Prefix{}, fmt.Errorf("%q, which is not an address of one network on the internet", text)
	}
	return prefix.Masked(), nil
}

// carriers is the address space that providers share behind their own translation (RFC 6598).
var carriers = netip.MustParsePrefix("100.64.0.0/10")

// widest bounds a range: no organisation publishes from more than a /8.
const widest = 8

// refusedAddress calls the app as func will and returns the address under which it was refused, which App Service puts
// into the header x-ms-forbidden-ip of a 403; empty when it was let in, whatever the app itself answered.
func (d *deployment) refusedAddress(ctx context.Context, s site) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.Properties.DefaultHostName+"/admin/host/status", nil)
	if err != nil {
		return "", fmt.Errorf("call the app: %w", err)
	}
	response, err := d.plain.Do(request)
	if err != nil {
		return "", fmt.Errorf("call the app: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode != http.StatusForbidden {
		return "", nil
	}
	address := response.Header.Get("x-ms-forbidden-ip")
	if address == "" {
		return "", errors.New("the app refuses this machine and does not say under which address it sees it (hint: --publisher-address, or --through-arm)")
	}
	return address, nil
}
