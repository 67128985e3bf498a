package digest_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast holds every colour of text to 4.5:1 against what it stands on (WCAG 2.2, success criterion 1.4.3 at level
// AA), in each scheme of the page: light, dark and print. Paper and mail use the light ones.
func TestContrast(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("report.css")
	if err != nil {
		t.Fatal(err)
	}
	schemes := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(string(css), -1)
	if len(schemes) != 3 {
		t.Fatalf("%d schemes, want light, dark and print", len(schemes))
	}
	on := map[string]string{
		"paper": "ink soft mark act calm note", "panel": "ink soft act calm note", "actbg": "ink soft act", "calmbg": "ink soft calm", "notebg": "ink soft note",
	}
	for i, scheme := range schemes {
		colours := map[string]string{}
		for _, pair := range regexp.MustCompile(`--([a-z]+):(#[0-9a-f]+)`).FindAllStringSubmatch(scheme[1], -1) {
			colours[pair[1]] = pair[2]
		}
		for ground, texts := range on {
			for text := range strings.FieldsSeq(texts) {
				if got := contrast(t, colours[text], colours[ground]); got < 4.5 {
					t.Errorf("scheme %d: %s (%s) on %s (%s) has a contrast of %.2f", i, text, colours[text], ground, colours[ground], got)
				}
			}
		}
	}
	for _, pair := range [][2]string{{"#767676", "#ffffff"}, {"#777777", "#ffffff"}} { // the known border: 4.54 and 4.48
		if got := contrast(t, pair[0], pair[1]); got >= 4.5 != (pair[0] == "#767676") {
			t.Errorf("%s has a contrast of %.2f", pair[0], got)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is relative luminance as WCAG defines it.
func luminance(t *testing.T, colour string) (sum float64) {
	t.Helper()
	digits := strings.TrimPrefix(colour, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatalf("%q is no colour: %v", colour, err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
