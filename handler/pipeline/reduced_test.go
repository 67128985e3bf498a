package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// choosy is a destination that refuses so many messages about one alert, and then takes one.
type choosy struct {
	mu      sync.Mutex
	kind    notify.Kind
	refuses int
	about   string // the resource of the alert
	id      string // of the alert, once it is known
	taken   []notify.Message
}

func (c *choosy) Deliver(_ context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.Contains(m.Headline, c.about) {
		c.id = m.ID
	}
	if m.ID == c.id && c.refuses > 0 {
		c.refuses--
		return prev, notify.Fail(c.kind, errors.New("refused"))
	}
	c.taken = append(c.taken, m)
	return notify.Posted(m, notify.Accepted), nil
}

// TestWhatIsRefusedIsSentWithLess has a destination refuse one alert in more and more forms. It is sent in the first one that is
// taken, which is counted, and another alert is sent whole all the same. What is refused in every form waits, and is sent whole.
func TestWhatIsRefusedIsSentWithLess(t *testing.T) {
	t.Parallel()
	for _, kind := range []notify.Kind{notify.MessageRefused, notify.Refused} {
		for form := notify.Full; form <= notify.Fixed+1; form++ {
			t.Run(fmt.Sprintf("%s, %d forms", kind, form), func(t *testing.T) {
				t.Parallel()
				_, _, at, kept := storedHouse(t)
				end := &choosy{kind: kind, refuses: int(form), about: "pa-1"}
				if kind == notify.Refused && form > notify.Full {
					end.refuses++ // the first time says nothing of what is at fault
				}
				p := wire(kept, &pipeline.Judge{Rules: compiled(t, rule), Routes: []settings.Route{{To: []string{"channel"}}}}, &pipeline.Composer{},
					pipeline.Channels{Destinations: map[string]notify.Destination{"channel": end}})
				health := func() outbox.Health {
					h, _, err := kept.Health(t.Context(), "channel")
					if err != nil {
						t.Fatal(err)
					}
					return h
				}
				handle(t, p, "", began(1, at.now()))
				if h := health(); h.IsUnwell() != (form > notify.Fixed || kind == notify.Refused && form > notify.Full) {
					t.Errorf("after the first try: %+v", h)
				}
				handle(t, p, "", began(2, at.now()))
				ticks(t, p, at, 40)
				took, reduced := form%(notify.Fixed+1), 0
				if took > notify.Full {
					reduced = 1
				}
				checkForms(t, end.taken, end.id, took)
				if h := health(); h.Reduced != reduced || h.IsUnwell() {
					t.Errorf("%d messages were reduced, want %d: %+v", h.Reduced, reduced, h)
				}
				all, err := kept.AlertsOpened(t.Context(), time.Time{}, at.now())
				for _, a := range all {
					if d := a.Deliveries["channel"]; err != nil || a.Behind() || (d.Reduced != "") != (a.ID == end.id && reduced == 1) {
						t.Errorf("%s (%s): %+v, %v", a.ID, a.Event.ResourceName, d, err)
					}
				}
			})
		}
	}
}

// checkForms looks whether the alert was taken once and in the form, and another one once and whole.
func checkForms(t *testing.T, taken []notify.Message, id string, form notify.Form) {
	t.Helper()
	if len(taken) != 2 {
		t.Fatalf("%d messages were taken: %+v", len(taken), taken)
	}
	for _, m := range taken {
		of := form
		if m.ID != id {
			of = notify.Full
		}
		plain, fixed := m.Plain, strings.HasPrefix(m.Headline, "An alert could not be shown here")
		if plain != (of >= notify.Bare) || fixed != (of == notify.Fixed) || of == notify.Bare && !strings.Contains(m.Lines(), "rob@contoso.example") || of == notify.Full && m.Dropped > 0 {
			t.Errorf("%s was taken as %+v, want it %s", m.ID, m, of)
		}
	}
}
