package notify

import (
	"context"

	"github.com/auditbell/auditbell/handler/settings"
)

// Action is something that a reader can do about the message, in channels that can call back. Channels that cannot
// leave actions out: the message's context tells what was done, wherever it was done.
type Action struct {
	Name  string // "acknowledge"; what a Click names
	Label string // of the button or menu, at most 30 characters survive on a phone
	Value string // comes back with the click; for a button
	// Choices makes it a menu: each comes back with its own value.
	Choices []Choice
	Confirm string // asked before it is done, one sentence; empty: nothing is asked
}

// Choice is one line of an action's menu.
type Choice struct{ Label, Value string }

// Answerer is a Destination that can say something to the person who clicked, which no other reader sees.
type Answerer interface {
	// Answer says it. The text holds what people and events wrote, like any other; a nil error means that the channel took it.
	Answer(ctx context.Context, c Click, text string) error
}

// Click is an Action that a person took, as the channel reports it.
type Click struct {
	Action string // the Action's Name
	Value  string // as it was put into the message
	ByID   string // who: the channel's own id for them
	ByName string // as they are called there; their own choice, so it proves nothing
	Once   string // the same when the request is sent again, different for every other click
	// AnswerTo is where the channel takes an Answer to this click; empty: nowhere. It comes with the request.
	AnswerTo settings.Secret
}
