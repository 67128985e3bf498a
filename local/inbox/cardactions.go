package inbox

import "fmt"

// cardActions checks the buttons of a card. Through a webhook Teams runs OpenUrl, ShowCard, ToggleVisibility and
// Execute; Action.Submit needs a bot to answer it (msteams-docs cards-reference.md).
func (n node) cardActions(name string) {
	n.each(name, 0, 100, func(a node) {
		a.need("type", "title")
		a.action()
	})
}

// selectAction makes an element clickable; a card cannot unfold there.
func (n node) selectAction() {
	if n.kind() == "Action.ShowCard" {
		n.fail("type", "Action.ShowCard cannot be a selectAction")
		return
	}
	n.action()
}

// action checks one button. positive and destructive pass, because Teams merely shows them like any other.
func (n node) action() {
	n.str("title", 1, 255)
	n.fold("style", "default", "positive", "destructive")
	n.link("iconUrl", maxWorkflowBytes, "https")
	if id := n.str("id", 1, 255); id != "" {
		n.unique(n.path("id"), id)
	}
	switch kind := n.kind(); kind {
	case "Action.OpenUrl":
		n.actionProps("url")
		n.need("url")
		n.link("url", maxWorkflowBytes, "https", "mailto")
	case "Action.ShowCard":
		n.actionProps("card")
		n.need("card")
		n.child("card", node.adaptiveCard)
	case "Action.ToggleVisibility":
		n.actionProps("targetElements")
		n.need("targetElements")
		n.toggles()
	case "Action.Execute":
		n.actionProps("verb", "data", "associatedInputs")
	case "Action.Submit":
		n.fail("type", "Action.Submit does nothing in a card that came through a webhook")
	default:
		n.fail("type", "unknown action: %s", kind)
	}
}

// actionProps names what an action may have beside what all actions have. id is missing from schema 1.4.0 and in every
// renderer.
func (n node) actionProps(names ...string) {
	n.only(append(names, "title", "iconUrl", "id", "style", "fallback", "requires")...)
}

// toggles notes the elements an action shows and hides; whether they exist is known when the card has been read.
func (n node) toggles() {
	for i, v := range n.list("targetElements", 1, 100) {
		at := fmt.Sprintf("%s/%d", n.path("targetElements"), i)
		if id, isText := v.(string); isText {
			n.targets = append(n.targets, Problem{Pointer: at, Reason: id})
			continue
		}
		n.object(at, v, func(t node) {
			t.only("elementId", "isVisible")
			t.need("elementId")
			t.flag("isVisible")
			if id := t.str("elementId", 1, 255); id != "" {
				t.targets = append(t.targets, Problem{Pointer: at, Reason: id})
			}
		})
	}
}
