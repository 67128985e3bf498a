package check

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// operators are the tabular operators that our queries use. KQL has more; whoever needs one adds it here and has then
// looked at the line (learn: "Tabular operators").
var operators = []string{"where", "extend", "project", "summarize", "order by", "take", "top", "mv-expand", "join", "distinct", "count"}

// columns are those of the table AzureActivity (learn: "AzureActivity" of the Azure Monitor tables reference).
var columns = []string{
	"ActivityStatus", "ActivityStatusValue", "ActivitySubstatus", "ActivitySubstatusValue", "Authorization", "Authorization_d",
	"Caller", "CallerIpAddress", "Category", "CategoryValue", "Claims", "Claims_d", "CorrelationId", "EventDataId",
	"EventSubmissionTimestamp", "Hierarchy", "HTTPRequest", "Level", "OperationId", "OperationName", "OperationNameValue",
	"Properties", "Properties_d", "Resource", "ResourceGroup", "ResourceId", "_ResourceId", "ResourceProvider",
	"ResourceProviderValue", "SourceSystem", "SubscriptionId", "_SubscriptionId", "TenantId", "TimeGenerated", "Type",
}

// checkQueries lints infra/queries/*.kql: the traps that a parser of the language does not know.
func checkQueries(r *repo) ([]string, error) {
	paths, err := fs.Glob(r.fsys, "infra/queries/*.kql")
	if err != nil {
		return nil, fmt.Errorf("list queries: %w", err)
	}
	var problems []string
	for _, p := range paths {
		text, err := fs.ReadFile(r.fsys, p)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		for _, problem := range lint(strings.Split(strings.TrimRight(string(text), "\n"), "\n")) {
			problems = append(problems, "infra/queries/"+path.Base(p)+": "+problem)
		}
	}
	return problems, nil
}

func lint(lines []string) []string {
	if len(lines) < 4 || !strings.HasPrefix(lines[0], "// ") || !strings.HasPrefix(lines[1], "// ") {
		return []string{"the first two lines must be comments, the title and what it is for; the query pack shows them"}
	}
	var problems []string
	table := slices.IndexFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "//") })
	if table < 0 || strings.TrimSpace(lines[table]) != "AzureActivity" {
		return []string{"the first line that is no comment must be the table, AzureActivity"}
	}
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "TimeGenerated > ago(") }) {
		problems = append(problems, "it has no period (where TimeGenerated > ago(…)) and would read everything that is kept")
	}
	known := slices.Clone(columns)
	for i, line := range lines[table+1:] {
		for _, problem := range lintLine(line, &known) {
			problems = append(problems, fmt.Sprintf("line %d %s", table+i+2, problem))
		}
	}
	return problems
}

var (
	quoted      = regexp.MustCompile(`"[^"]*"`)
	caseEqual   = regexp.MustCompile(`[^=!<>]==[^=]|!=`)
	assigned    = regexp.MustCompile(`\b([A-Za-z_][A-Za-z0-9_]*)\s*=[^=~]`)
	capitalised = regexp.MustCompile(`\b_?[A-Z][A-Za-z0-9_]*`)
	member      = regexp.MustCompile(`(\[[0-9]+\])?\.[A-Za-z_][A-Za-z0-9_]*`)
)

// lintLine judges one operator; known are the columns so far, and those that the line makes are added.
func lintLine(line string, known *[]string) []string {
	rest, ok := strings.CutPrefix(line, "| ")
	if !ok || !slices.ContainsFunc(operators, func(o string) bool { return strings.HasPrefix(rest, o+" ") || rest == o }) {
		return []string{"must start with | and one of " + strings.Join(operators, ", ")}
	}
	var problems []string
	if caseEqual.MatchString(quoted.ReplaceAllString(rest, `""`)) {
		problems = append(problems, "compares with == or !=, which tell apart what Azure writes in both cases; use =~, !~ or in~")
	}
	for _, pair := range [][2]string{{`"Success"`, `"Succeeded"`}, {`"Failure"`, `"Failed"`}} {
		if strings.Contains(rest, pair[0]) != strings.Contains(rest, pair[1]) {
			problems = append(problems, fmt.Sprintf("knows one spelling of the status; Azure writes %s and %s: use in~ (%s, %s)", pair[0], pair[1], pair[0], pair[1]))
		}
	}
	bare := quoted.ReplaceAllString(rest, `""`)
	if strings.Count(bare, "(") != strings.Count(bare, ")") || strings.Count(rest, `"`)%2 != 0 {
		problems = append(problems, "has unbalanced parentheses or quotes")
	}
	for _, m := range assigned.FindAllStringSubmatch(bare, -1) {
		*known = append(*known, m[1])
	}
	for _, name := range capitalised.FindAllString(member.ReplaceAllString(bare, ""), -1) {
		if !slices.Contains(*known, name) {
			problems = append(problems, "names the column "+name+", which neither AzureActivity nor a line before has")
		}
	}
	return problems
}
