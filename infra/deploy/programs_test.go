//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The programs that deploy runs, as far as it uses them. The test binary is each of them, by AUDITBELL_ROLE.

// role does what a program does and ends with its code.
func role(name string, args []string) {
	programs := map[string]func([]string) error{"deploy": runDeploy, "az": az, "tofu": tofu, "func": coreTools}
	if err := programs[name](args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runDeploy(args []string) error {
	os.Args = append([]string{"auditbell-deploy"}, args...)
	main()
	return nil
}

func az(args []string) error {
	if slices.Contains(args, "get-access-token") {
		return print(map[string]any{"accessToken": strings.TrimPrefix(bearer, "Bearer "), "expires_on": time.Now().Add(time.Hour).Unix(), "tokenType": "Bearer"})
	}
	return print(map[string]any{"id": cmp.Or(os.Getenv("AUDITBELL_ACCOUNT"), subscriptionID), "name": "Contoso", "user": map[string]string{"name": "ada@contoso.example"}})
}

func print(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

// ask asks the stand-in as one of the programs.
func ask(agent, method, address string, in, out any) (int, error) {
	var body io.Reader
	switch in := in.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(in)
	default:
		text, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Authorization", bearer)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && out != nil && response.StatusCode/100 == 2 {
		err = json.Unmarshal(text, out)
	}
	return response.StatusCode, err
}

func armCall(agent, method, path string, in, out any) error {
	status, err := ask(agent, method, os.Getenv("AUDITBELL_ARM")+path+"?api-version=1", in, out)
	if err == nil && status/100 != 2 {
		err = &refusal{status: status, what: path}
	}
	return err
}

// tofu does to the stand-in what the module does, as infra/stage.tf and infra/function.tf say: it reads the stage first,
// gives the app the module's rules, and makes the event subscription once the function is listed.
func tofu(args []string) error {
	dir := strings.TrimPrefix(args[0], "-chdir=")
	state := filepath.Join(dir, "terraform.tfstate")
	switch args[1] {
	case "init":
		return nil
	case "output":
		text, err := os.ReadFile(state)
		if errors.Is(err, os.ErrNotExist) {
			text, err = []byte("{}"), nil
		}
		fmt.Println(string(text))
		return err
	case "apply":
		return tofuApply(dir, state, args)
	case "plan":
		return tofuPlan()
	case "destroy":
		return tofuDestroy(state)
	}
	return fmt.Errorf("unknown %v", args)
}

func tofuApply(dir, state string, args []string) error {
	var choices struct {
		Emails    []string `json:"alert_emails"`
		Operators []string `json:"operator_object_ids"`
	}
	text, _ := os.ReadFile(filepath.Join(dir, choicesFile))
	if json.Unmarshal(text, &choices); len(choices.Emails) == 0 || len(choices.Operators) == 0 {
		return errors.New("Error: No value for required variable")
	}
	published, subscribed, there, err := stage()
	if err != nil {
		return err
	}
	if !there {
		err = armCall("tofu", http.MethodPut, appID, nil, nil)
	} else if added, _ := rulesChanged(); added {
		err = armCall("tofu", http.MethodPatch, appID+"/config/web", map[string]any{"properties": map[string]any{"ipSecurityRestrictions": byModule()}}, nil)
	}
	delivering := (published || subscribed) && !slices.Contains(args, "event_delivery_enabled=false")
	if err == nil && delivering && !subscribed {
		err = armCall("tofu", http.MethodPut, topicID+"/eventSubscriptions/auditbell", nil, nil)
	}
	if err != nil {
		return err
	}
	outputs := map[string]any{"deployment": map[string]any{"value": facts{
		FunctionAppID: appID, ResourceGroupName: "rg-auditbell", Location: "westeurope", KeyVaultID: vaultID, SystemTopicID: topicID,
		Secrets: map[string]string{"SLACK_WEBHOOK_URL": "slack-webhook-url"}, ApplicationInsightsName: "appi-auditbell-1a2b3c",
		Target: "eventgrid-activity", Delivering: delivering,
	}}}
	if text, err = json.Marshal(outputs); err != nil {
		return err
	}
	return replaceFile(state, text)
}

// stage reads what the module's data sources read.
func stage() (published, subscribed, there bool, err error) {
	var list struct{ Value []struct{ Name string } }
	err = armCall("tofu", http.MethodGet, appID+"/functions", nil, &list)
	if isStatus(err, http.StatusNotFound) {
		return false, false, false, nil
	}
	published = slices.ContainsFunc(list.Value, func(f struct{ Name string }) bool { return strings.HasSuffix(f.Name, "/eventgrid-activity") })
	subscribed = armCall("tofu", http.MethodGet, topicID+"/eventSubscriptions/auditbell", nil, nil) == nil
	return published, subscribed, true, err
}

// tofuPlan ends with an error when an apply would change something.
func tofuPlan() error {
	published, subscribed, there, err := stage()
	if err != nil || !there || published != subscribed {
		return fmt.Errorf("the plan is not empty: app %v, published %v, subscribed %v: %w", there, published, subscribed, err)
	}
	if changed, err := rulesChanged(); err != nil || changed {
		return fmt.Errorf("the plan is not empty: the rules are not the module's: %w", err)
	}
	return nil
}

// rulesChanged is what azapi_update_resource.inbound reads.
func rulesChanged() (bool, error) {
	var c config
	err := armCall("tofu", http.MethodGet, appID+"/config/web", nil, &c)
	return len(c.Properties.Rules) != len(byModule())+1, err // and the default, which the module names too
}

// tofuDestroy refuses as azurerm does: a group that holds what the provider does not know is not deleted.
func tofuDestroy(state string) error {
	if err := armCall("tofu", http.MethodDelete, groupID+"/providers/microsoft.insights/actionGroups/Application Insights Smart Detection", nil, nil); err == nil {
		return errors.New("Error: deleting Resource Group \"rg-auditbell\": the Resource Group still contains Resources")
	}
	return os.Remove(state)
}

// coreTools is `func azure functionapp publish` for Flex Consumption, version 4.14: PublishFunctionAppAction.cs,
// PerformFlexDeployment, and AzureHelper.cs, CheckFunctionHostStatusForFlex, without their pauses.
func coreTools(args []string) error {
	var s site
	if err := armCall("func", http.MethodGet, appID, nil, &s); err != nil {
		return err
	}
	fmt.Println("Creating archive for current directory...")
	archive, err := zipFolder(args[slices.Index(args, "--script-root")+1])
	if err != nil {
		return err
	}
	base, err := s.deploymentSite()
	if err != nil {
		return err
	}
	if status, err := ask("func", http.MethodPost, base+"/api/publish?isAsync=true", archive, nil); err != nil || status != http.StatusAccepted {
		return fmt.Errorf("Error uploading archive: %d %w", status, err)
	}
	fmt.Println("Deployment in progress, please wait...")
	for done := false; !done; {
		var all []deploymentState
		if _, err := ask("func", http.MethodGet, base+"/api/deployments", nil, &all); err != nil {
			return err
		}
		done = len(all) > 0 && all[0].Status == stateSuccess
	}
	var keys struct{ MasterKey string }
	if err := armCall("func", http.MethodPost, appID+"/host/default/listkeys", nil, &keys); err != nil {
		return err
	}
	fmt.Print("Checking the app health...")
	for range 15 {
		if status, err := ask("func", http.MethodGet, "https://"+s.Properties.DefaultHostName+"/admin/host/status?code="+keys.MasterKey, nil, nil); err == nil && status == http.StatusOK {
			fmt.Println(" done")
			return nil
		}
		fmt.Print(".")
	}
	return errors.New(unhealthy)
}

// unhealthy is what Core Tools prints.
const unhealthy = "Deployment was successful but the app appears to be unhealthy, please check the app logs."

// zipFolder sets the executable bit as Core Tools does: for the one entry that host.json names.
func zipFolder(dir string) ([]byte, error) {
	var text bytes.Buffer
	w := zip.NewWriter(&text)
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, p)
		header := &zip.FileHeader{Name: filepath.ToSlash(name), Method: zip.Deflate}
		header.SetMode(0o666)
		if header.Name == "bin/handler" {
			header.SetMode(0o777)
		}
		entry, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(p)
		_, _ = entry.Write(content)
		return err
	})
	err = errors.Join(err, w.Close())
	return text.Bytes(), err
}
