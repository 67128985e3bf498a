package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// choicesFile is read by every apply in its folder, ours or a plain one. It holds no secret; keep it with your main.tf.
const choicesFile = "auditbell.auto.tfvars.json"

// writeChoices adds what was chosen now to what was chosen before, and asks for what is missing.
func (d *deployment) writeChoices(ctx context.Context) error {
	path := filepath.Join(d.Infra, choicesFile)
	choices, err := readChoices(path)
	if err != nil {
		return err
	}
	takes, err := variablesOf(d.Infra)
	if err != nil {
		return err
	}
	if err := d.chooseWatchers(choices, takes); err != nil {
		return err
	}
	if err := d.chooseOperators(ctx, choices, takes); err != nil {
		return err
	}
	text, err := json.MarshalIndent(choices, "", "  ")
	if err != nil {
		return fmt.Errorf("encode choices: %w", err)
	}
	d.say("%s: %s", path, text)
	return replaceFile(path, append(text, '\n'))
}

// replaceFile writes a file that is never half written.
func replaceFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o644); err != nil { //nolint:gosec // no secret is in it
		return err
	}
	return os.Rename(path+".new", path)
}

func readChoices(path string) (map[string]any, error) {
	choices := map[string]any{}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return choices, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &choices); err != nil {
		return nil, fmt.Errorf("read %s: %w (hint: correct it, or delete it and give the choices again)", path, err)
	}
	return choices, nil
}

var variableBlock = regexp.MustCompile(`(?m)^variable\s+"([^"]+)"`)

// variablesOf are the variables that a folder declares: a choice without one would be a warning at every apply.
func variablesOf(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("%s holds no .tf file (hint: --infra)", dir)
	}
	var names []string
	for _, p := range paths {
		text, err := os.ReadFile(p) //nolint:gosec // a file of the folder that the operator named
		if err != nil {
			return nil, err
		}
		for _, m := range variableBlock.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	return names, nil
}

func (d *deployment) chooseWatchers(choices map[string]any, takes []string) error {
	if !slices.Contains(takes, "alert_emails") {
		return nil // decided in main.tf
	}
	if len(d.AlertEmail) > 0 {
		choices["alert_emails"] = d.AlertEmail
	}
	if choices["alert_emails"] != nil || choices["no_outside_watcher"] != nil {
		return nil
	}
	address := d.ask("Whom shall Azure Monitor mail when Auditbell does not work? ")
	if address == "" {
		return errors.New("no address is notified when the app does not run (hint: --alert-email you@example.com, or no_outside_watcher = true in your module block)")
	}
	choices["alert_emails"] = []string{address}
	return nil
}

// chooseOperators keeps the right to write the secrets with who has it, and gives it to who deploys first.
func (d *deployment) chooseOperators(ctx context.Context, choices map[string]any, takes []string) error {
	if !slices.Contains(takes, "operator_object_ids") {
		return nil
	}
	if len(d.Operator) > 0 {
		choices["operator_object_ids"] = d.Operator
	}
	if choices["operator_object_ids"] != nil {
		return nil
	}
	me, err := objectID(ctx)
	if err != nil {
		return err
	}
	choices["operator_object_ids"] = []string{me}
	return nil
}

// objectID reads who is signed in from the token's claim oid (learn: "Access token claims reference").
func objectID(ctx context.Context) (string, error) {
	credential, err := azidentity.NewAzureCLICredential(nil)
	if err != nil {
		return "", fmt.Errorf("use az: %w", err)
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	if err != nil {
		return "", fmt.Errorf("get a token from az: %w", err)
	}
	var claims struct{ OID string }
	parts := strings.Split(token.Token, ".")
	if len(parts) == 3 {
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(text, &claims)
	}
	if claims.OID == "" {
		return "", errors.New("the token does not say who you are (hint: --operator with your Entra object id)")
	}
	return claims.OID, nil
}

// terminal reports whether a person can be asked.
func (d *deployment) terminal() bool {
	info, err := d.in.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && !d.Yes
}

// ask asks on a terminal; elsewhere the answer is empty.
func (d *deployment) ask(question string) string {
	if !d.terminal() {
		return ""
	}
	_, _ = fmt.Fprint(d.out, question)
	line, _ := bufio.NewReader(d.in).ReadString('\n')
	return strings.TrimSpace(line)
}
