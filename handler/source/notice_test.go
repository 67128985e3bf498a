package source

import (
	"context"
	"strings"
	"testing"
	"time"
)

// An event whose time cannot be read lies in no window: it must not be dropped without a word. What else an event lacks is
// said beside it.
func TestUndatedEventsAreNotDroppedInSilence(t *testing.T) {
	t.Parallel()
	const lines = `{"time":"2026-03-04T10:15:30Z","operationName":"MICROSOFT.WEB/SITES/DELETE","category":"Administrative","resultType":"Success"}
{"time":"2026-03-04:15:30Z","operationName":"MICROSOFT.WEB/SITES/DELETE","category":"Administrative","resultType":"Success"}
{"time":"2026-03-04:15:30Z","operationName":"MICROSOFT.WEB/SITES/WRITE","category":"Administrative","resultType":"Success"}
{"time":"2026-03-04T10:15:31Z","operationName":"MICROSOFT.WEB/SITES/DELETE","category":"Administrative"}
`
	for name, text := range map[string]string{"lines": lines, "array": "[" + strings.Join(strings.Split(strings.TrimSpace(lines), "\n"), ",") + "]"} {
		var events, unreadable, notices int
		f := Filter{Operations: []string{"/delete"}, Window: Window{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}}
		for found, err := range (Files{Inputs: texts([]byte(text))}).Find(context.Background(), f) {
			if err != nil {
				t.Fatal(err)
			}
			events, unreadable, notices = events+len(found.Events), unreadable+len(found.Unreadable), notices+len(found.Notices)
			for _, p := range found.Unreadable {
				if !strings.Contains(p.Reason, `"2026-03-04:15:30Z"`) || p.Line+p.Item != 2 {
					t.Errorf("%s: %s", name, p)
				}
			}
			for _, p := range found.Notices {
				if !strings.Contains(p.Reason, "no outcome") || p.Line+p.Item != 4 {
					t.Errorf("%s: %s", name, p)
				}
			}
		}
		if events != 2 || unreadable != 1 || notices != 1 {
			t.Errorf("%s: %d events, %d unreadable, %d notices; want 2, 1 and 1", name, events, unreadable, notices)
		}
	}
}
