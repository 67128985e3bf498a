package email_test

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
)

// What Outlook for Windows, which lays mail out as Word does, drops or breaks on (Microsoft, "Word 2007 HTML and CSS
// rendering capabilities in Outlook", still its engine), and what would ask another host for something.
var outlookBreaksOn = map[string]*regexp.Regexp{
	"positions and floats by CSS":          regexp.MustCompile(`(?i)(position|float|display)\s*:\s*(absolute|fixed|relative|left|right|flex|grid|inline-block)`),
	"padding of links, which it ignores":   regexp.MustCompile(`(?i)<a [^>]*style="[^"]*padding`),
	"images, fonts, scripts from anywhere": regexp.MustCompile(`(?i)<(img|script|link|iframe|video|object|embed|form|svg|base)\b|url\(|@import|@font-face`),
	"handlers":                             regexp.MustCompile(`(?i)\son[a-z]+\s*=`),
	"comments, which html/template drops":  regexp.MustCompile(`<!--`),
	"tables that are read out as tables":   regexp.MustCompile(`<table (?:[^r>]|r[^o>])[^>]*>`),
	"modern CSS":                           regexp.MustCompile(`(?i)(var|calc|min|max|clamp|rgba?|hsla?)\(`),
}

func TestHTMLSurvivesOutlook(t *testing.T) {
	t.Parallel()
	for _, s := range notifytest.Samples() {
		html := email.Render(s.Message).HTML
		for what, pattern := range outlookBreaksOn {
			if found := pattern.FindString(html); found != "" {
				t.Errorf("%s: %s: %s", s.Name, what, found)
			}
		}
		for _, colour := range regexp.MustCompile(`<t[dr][^>]*background:[^>]*>`).FindAllString(html, -1) {
			if !strings.Contains(colour, "bgcolor=") {
				t.Errorf("%s: a background without bgcolor is white in Outlook: %s", s.Name, colour)
			}
		}
		if !strings.Contains(html, `width="600"`) || len(html) > 100<<10 {
			t.Errorf("%s: no fixed width, or %d bytes: Gmail cuts mails at 102 KB", s.Name, len(html))
		}
	}
}

// Every text has a contrast of at least 4.5 with what it stands on, in both looks (WCAG 2.2, 1.4.3).
func TestHTMLIsLegible(t *testing.T) {
	t.Parallel()
	html := email.Render(notifytest.Grant()).HTML
	dark := regexp.MustCompile(`\.(\w+)\{(?:background|color):(#[0-9a-f]{6})`)
	colours := map[string]string{}
	for _, found := range dark.FindAllStringSubmatch(html, -1) {
		colours[found[1]] = found[2]
	}
	pairs := [][2]string{
		{"#1b1f24", "#ffffff"},
		{"#57606a", "#ffffff"},
		{"#0b5cad", "#ffffff"},
		{colours["ink"], colours["card"]},
		{colours["soft"], colours["card"]},
		{colours["button"], colours["card"]},
	}
	for _, severity := range notifytest.Samples() {
		band := regexp.MustCompile(`<td bgcolor="(#[0-9a-f]{6})"`).FindStringSubmatch(email.Render(severity.Message).HTML)
		pairs = append(pairs, [2]string{"#ffffff", band[1]})
	}
	for _, pair := range pairs {
		if c := contrast(t, pair[0], pair[1]); c < 4.5 {
			t.Errorf("%s on %s has a contrast of %.2f", pair[0], pair[1], c)
		}
	}
	for _, used := range []string{"#1b1f24", "#57606a", "#0b5cad"} {
		if !strings.Contains(html, used) {
			t.Errorf("the mail has no %s: this test looks at colours of the past", used)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light, dark := luminance(t, a), luminance(t, b)
	return (max(light, dark) + 0.05) / (min(light, dark) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(fmt.Errorf("colour %q: %w", colour, err))
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
			continue
		}
		sum += weight * math.Pow((c+0.055)/1.055, 2.4)
	}
	return sum
}
