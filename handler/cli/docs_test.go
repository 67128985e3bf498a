package cli

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
)

// TestPagesTellTheTruth runs every command in the ```console blocks of docs/*.md, in a folder that holds the month of
// docs_export_test.go as export/, with a store and a Slack of the page's own. What follows a command is what it prints;
// a line "…" stands for any lines. A block that names a file, as in ```yaml config/exceptions.yaml, is that file from
// there on. `go test ./handler/cli -update` rewrites what is printed, where there is no "…".
//
// Commands in ```sh blocks need Azure. Those of the handler must at least be ones that it understands.
func TestPagesTellTheTruth(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, path := range pages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks := fenced.FindAllStringSubmatchIndex(string(text), -1)
		if !slices.ContainsFunc(blocks, func(at []int) bool { return strings.HasPrefix(string(text[at[2]:at[3]]), "console") }) {
			understands(t, path, string(text), blocks)
			continue
		}
		commands += strings.Count(string(text), "\n$ handler ")
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			understands(t, path, string(text), blocks)
			got := openPage(t).play(string(text), blocks)
			if got != string(text) && *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(text), got); diff != "" {
				t.Errorf("%s does not show what happens (-page +fact); `go test ./handler/cli -update` rewrites it:\n%s", path, diff)
			}
		})
	}
	if commands < 30 {
		t.Errorf("docs has %d commands that can be run: the pages or this test lost their place", commands)
	}
}

// TestLinksLead follows every link of the repository's pages to a file of it.
func TestLinksLead(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../infra/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	for _, path := range pages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
	}
}

// fenced finds blocks: their info string, and what is in them.
var fenced = regexp.MustCompile("(?ms)^```([^\n`]*)\n(.*?)^```$")

// understands parses the calls of the handler that stand in ```sh blocks.
func understands(t *testing.T, path, text string, blocks [][]int) {
	t.Helper()
	for _, at := range blocks {
		if text[at[2]:at[3]] != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(text[at[4]:at[5]], "\\\n", " ")) {
			call, ok := strings.CutPrefix(strings.TrimSpace(line), "handler ")
			if !ok {
				continue
			}
			call, _, _ = strings.Cut(call, " > ")
			call, _, _ = strings.Cut(call, " #")
			var errs bytes.Buffer
			if _, _, ok := parse(strings.Fields(strings.ReplaceAll(call, `"`, "")), Surroundings{Out: &errs, Err: &errs}); !ok {
				t.Errorf("%s: handler %s: %s", path, call, &errs)
			}
		}
	}
}

// page is where a page's commands run.
type page struct {
	t   *testing.T
	dir string
	env []string
}

func openPage(t *testing.T) *page {
	t.Helper()
	p := &page{t: t, dir: t.TempDir()}
	clock := &story{}
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	ends, err := inbox.Open(inbox.Options{Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	kept, slack := httptest.NewServer(account), httptest.NewServer(ends)
	t.Cleanup(func() {
		kept.Close()
		slack.Close()
		_ = ends.Close()
		_ = account.Close()
	})
	october(t, filepath.Join(p.dir, "export"))
	p.env = append(os.Environ(), "COSMOS_ENDPOINT="+kept.URL+"/", "COSMOS_KEY=a2V5", "DELIVER_SCHEDULE=*/30 * * * * *",
		"SLACK_BOT_TOKEN=xoxb-page", "SLACK_CHANNEL=#security", "SLACK_API_URL="+slack.URL+"/slack/api/",
		"ARM_ENDPOINT="+pageAzure(t))
	return p
}

// play runs the page's blocks in order and returns the page as it should be.
func (p *page) play(text string, blocks [][]int) string {
	var out strings.Builder
	last := 0
	for _, at := range blocks {
		info, body := text[at[2]:at[3]], text[at[4]:at[5]]
		out.WriteString(text[last:at[4]])
		last = at[5]
		switch _, file, named := strings.Cut(info, " "); {
		case info == "console":
			body = p.console(body)
		case named:
			name := filepath.Join(p.dir, filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				p.t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
				p.t.Fatal(err)
			}
		}
		out.WriteString(body)
	}
	return out.String() + text[last:]
}

// console runs the commands of a block, each a line that begins with "$ ".
func (p *page) console(body string) string {
	var out strings.Builder
	for _, part := range strings.SplitAfter("\n"+body, "\n$ ")[1:] {
		part = strings.TrimSuffix(part, "\n$ ")
		command, said, _ := strings.Cut(part, "\n")
		got := p.run(command)
		if said != "" && !strings.HasSuffix(said, "\n") {
			said += "\n" // the line break went with the next command's prompt
		}
		if fits(said, got) {
			got = said
		}
		fmt.Fprintf(&out, "$ %s\n%s", command, got)
	}
	return out.String()
}

// fits reports whether got is what the page says, in which a line "…" stands for any lines.
func fits(said, got string) bool {
	parts := strings.Split(said, "…\n")
	if len(parts) == 1 {
		return said == got
	}
	if !strings.HasPrefix(got, parts[0]) || !strings.HasSuffix(got, parts[len(parts)-1]) {
		return false
	}
	for _, part := range parts {
		at := strings.Index(got, part)
		if at < 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return true
}

// run executes one command as a shell would, and adds "exit N" where it is not 0.
func (p *page) run(command string) string {
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", command)
	cmd.Dir, cmd.Env = p.dir, p.env
	said, err := cmd.CombinedOutput()
	var out strings.Builder
	for line := range strings.Lines(string(said)) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	if err != nil {
		fmt.Fprintln(&out, err) // "exit status 1"
	}
	return out.String()
}
