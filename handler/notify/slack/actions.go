package slack

import (
	"strings"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
)

// ours begins the action ids of what we answer. Everything else that is clicked in our messages opens a link, and what
// is clicked in other messages of the same app is not for us.
const ours = "auditbell-"

// Limits of block elements, in code points (doc comments of @slack/types 3.2, block-kit/block-elements.ts and
// composition-objects.ts). Values are never cut: a value cut short means something else.
const (
	maxValue       = 2000
	maxOptionValue = 150
	maxChoices     = 100
	maxConfirm     = 300
)

// actionsBlock is what readers can do, in a row of their own below the links.
func (r room) actionsBlock(m notify.Message) api.Block {
	var shown []api.BlockElement
	if !r.actions {
		return nil
	}
	for _, a := range m.Actions {
		if e := action(a); e != nil {
			shown = append(shown, e)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	return api.NewActionBlock("", shown...)
}

// action is nil for one that Slack would refuse.
func action(a notify.Action) api.BlockElement {
	label := plainText(a.Label, maxButton)
	if label.Text == "" || a.Name == "" {
		return nil
	}
	if len(a.Choices) > 0 {
		return menu(a, label)
	}
	if a.Value == "" || len(a.Value) > maxValue {
		return nil
	}
	button := api.NewButtonBlockElement(ours+a.Name, a.Value, label)
	button.Confirm = confirm(a)
	return button
}

func menu(a notify.Action, label *api.TextBlockObject) api.BlockElement {
	var options []*api.OptionBlockObject
	for _, c := range a.Choices {
		text := plainText(c.Label, maxButton)
		if text.Text == "" || c.Value == "" || len(c.Value) > maxOptionValue || len(options) == maxChoices {
			continue
		}
		options = append(options, api.NewOptionBlockObject(c.Value, text, nil))
	}
	if len(options) == 0 {
		return nil
	}
	list := api.NewOptionsSelectBlockElement(api.OptTypeStatic, label, ours+a.Name, options...)
	list.Confirm = confirm(a)
	return list
}

// confirm is the dialog before an action. Its title has room for 100 characters, its buttons for 30.
func confirm(a notify.Action) *api.ConfirmationBlockObject {
	if strings.TrimSpace(a.Confirm) == "" {
		return nil
	}
	return api.NewConfirmationBlockObject(plainText(a.Label+"?", 100), plainText(a.Confirm, maxConfirm), plainText(a.Label, 30), plainText("Cancel", 30))
}
