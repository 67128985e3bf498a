package digest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// TestACellHoldsWhatSpreadsheetsTake writes texts that are as long as a cell may be, in units of UTF-16, and longer ones: these are cut
// between two characters, and counted on a sheet of its own.
func TestACellHoldsWhatSpreadsheetsTake(t *testing.T) {
	t.Parallel()
	texts := []string{
		strings.Repeat("a", cellLimit), strings.Repeat("日", cellLimit), strings.Repeat("🚀", cellLimit/2) + "a", strings.Repeat("_x000d_", cellLimit/7),
		strings.Repeat("a", cellLimit+1), strings.Repeat("🚀", 16_475), strings.Repeat("a", cellLimit-1) + "🚀", strings.Repeat("a", cellLimit-10) + "🚀🚀🚀🚀🚀🚀",
	}
	const fit = 4
	var file bytes.Buffer
	b := newBook(&file, "long", time.Time{})
	b.sheet("Long", []Column{{"text", Words}}, func(yield func([]any) bool) {
		for _, text := range texts {
			if !yield([]any{text}) {
				return
			}
		}
	})
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	read, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		got, err := read.GetCellValue("Long", "A"+strconv.Itoa(i+2))
		if units := len(utf16.Encode([]rune(got))); err != nil || units > cellLimit || units < cellLimit-10 {
			t.Errorf("text %d: %d units, %v; a cell holds %d", i, units, err, cellLimit)
		}
		kept, cut := strings.CutSuffix(got, "… (cut)")
		if cut != (i >= fit) || !strings.HasPrefix(text, kept) {
			t.Errorf("text %d: cut %v, and what is kept ends in %q", i, cut, []rune(kept)[len([]rune(kept))-1:])
		}
	}
	notes, err := read.GetRows("Notes")
	if want := strconv.Itoa(len(texts) - fit); err != nil || !slices.ContainsFunc(notes, func(row []string) bool { return slices.Equal(row, []string{"cells cut", want}) }) {
		t.Errorf("the notes are %q, %v; want %s cells cut", notes, err, want)
	}
}
