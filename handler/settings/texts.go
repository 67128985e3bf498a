package settings

// Texts are templates in the operator's own words for the text slots of a message. What a message consists of, and the
// order, stays ours: a template changes what is said, never what can be done with it. Package pipeline parses and runs
// them; this package only knows where they stand.
type Texts struct {
	Headline string `yaml:"headline"` // in place of our headline; severity is put before it
	Sentence string `yaml:"sentence"` // in place of our sentence
	Footer   string `yaml:"footer"`   // a line of small print before ours, which names the rule and its author

	At map[string]string `yaml:"-"` // file, line and column by slot
}

// Slots are the templates by name, in the order of a message.
func (t Texts) Slots() []Slot {
	slots := []Slot{{"headline", t.Headline, ""}, {"sentence", t.Sentence, ""}, {"footer", t.Footer, ""}}
	for i := range slots {
		slots[i].At = t.At[slots[i].Name]
	}
	return slots
}

// Slot is one template, empty for our own text, and where it stands.
type Slot struct{ Name, Template, At string }

func (d *document) locateTexts(t *Texts) {
	for _, slot := range t.Slots() {
		if slot.Template == "" {
			continue
		}
		if t.At == nil {
			t.At = map[string]string{}
		}
		t.At[slot.Name] = d.at(join("texts", slot.Name))
	}
}
