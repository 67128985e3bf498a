package slack

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
)

// kinds are the codes in {"ok":false,"error":…} of which Slack documents what is at fault (docs.slack.dev, errors of
// chat.postMessage, chat.update and of incoming webhooks). The codes with a hint are about the token or the channel.
var kinds = map[string]notify.Kind{
	"ratelimited": notify.Throttled, "rate_limited": notify.Throttled, "message_limit_exceeded": notify.Throttled,
	"internal_error": notify.Trouble, "fatal_error": notify.Trouble, "service_unavailable": notify.Trouble, "request_timeout": notify.Trouble,
	"external_channel_migrating": notify.Trouble, "team_added_to_org": notify.Trouble,
	"invalid_blocks": notify.MessageRefused, "invalid_blocks_format": notify.MessageRefused, "msg_blocks_too_long": notify.MessageRefused,
	"msg_too_long": notify.MessageRefused, "no_text": notify.MessageRefused, "invalid_attachments": notify.MessageRefused,
	"invalid_payload": notify.MessageRefused, "invalid_metadata_format": notify.MessageRefused, "invalid_metadata_schema": notify.MessageRefused,
	"metadata_too_large": notify.MessageRefused, "markdown_text_conflict": notify.MessageRefused,
}

// codeKind is the kind of a documented code.
func codeKind(code string) (kind notify.Kind, known bool) {
	if kind, known = kinds[code]; known {
		return kind, true
	}
	return notify.DestinationRefused, hints[code] != ""
}

// hints say what to do about codes that an operator can mend.
var hints = map[string]string{ //nolint:gosec // names of settings, not their values
	"invalid_auth":               "set SLACK_BOT_TOKEN to a current token of the app",
	"not_authed":                 "set SLACK_BOT_TOKEN to a current token of the app",
	"token_revoked":              "set SLACK_BOT_TOKEN to a current token of the app",
	"token_expired":              "set SLACK_BOT_TOKEN to a current token of the app",
	"account_inactive":           "reinstall the app, its bot user was removed",
	"missing_scope":              "add the scope to the app and reinstall it",
	"channel_not_found":          "check the channel's id, and invite the app if the channel is private",
	"not_in_channel":             "invite the app to the channel",
	"is_archived":                "choose another channel, this one is archived",
	"channel_is_archived":        "choose another channel, this one is archived",
	"restricted_action":          "let the app post to the channel, the workspace restricts it",
	"no_service":                 "create a new incoming webhook, this one was removed",
	"no_team":                    "create a new incoming webhook, its workspace is gone",
	"invalid_token":              "copy SLACK_WEBHOOK_URL again, or create a new incoming webhook",
	"action_prohibited":          "let the app post to the channel, the workspace restricts it",
	"ekm_access_denied":          "ask the workspace's administrators, they suspended access to messages",
	"org_login_required":         "try again when the workspace's migration is over",
	"no_permission":              "add the scope chat:write to the app and reinstall it",
	"not_allowed_token_type":     "use a bot token (xoxb-…), not a user or app token",
	"posting_to_general_channel": "let the app post to the general channel, or choose another",
}

// hint is what to do about a code, in the form that all operator-facing messages end in.
func hint(code string) string {
	if text := hints[code]; text != "" {
		return " (hint: " + text + ")"
	}
	return ""
}

// code returns Slack's error code in err, "" if there is none.
func code(err error) string {
	var answer api.SlackErrorResponse
	if errors.As(err, &answer) {
		return answer.Err
	}
	return ""
}

// explain sorts what a call of the Web API returned. Errors of notify.Send are sorted already and pass through.
func explain(action string, err error) error {
	if err == nil {
		return nil
	}
	var answer api.SlackErrorResponse
	if !errors.As(err, &answer) {
		return fmt.Errorf("%s: %w", action, err)
	}
	text := action + ": " + word(answer.Err) + detail(answer) + hint(answer.Err)
	kind, known := codeKind(answer.Err)
	if !known {
		kind = notify.Refused
	}
	if delay, named := notify.Delay(err); named && (kind == notify.Throttled || kind == notify.Trouble) {
		return notify.RetryAfter(notify.Fail(kind, errors.New(text)), delay)
	}
	return notify.Fail(kind, errors.New(text))
}

// detail adds what Slack says beyond the code: the scope that is missing, the places that are wrong.
func detail(answer api.SlackErrorResponse) string {
	var found []string
	if answer.Needed != "" {
		found = append(found, "needs "+word(answer.Needed))
	}
	for _, message := range answer.ResponseMetadata.Messages {
		if len(found) < 5 {
			found = append(found, known(message))
		}
	}
	if len(found) == 0 {
		return ""
	}
	return ": " + strings.Join(found, "; ")
}

var plainWord = regexp.MustCompile(`^[a-z][a-z_:.,-]{0,79}$`)

// word passes codes and scopes and nothing else.
func word(code string) string {
	if plainWord.MatchString(code) {
		return code
	}
	return "unknown error"
}

var (
	pointer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[json-pointer:((?:/[a-z0-9_]{1,32}){1,16})/?\]`) })
	// messageBit drops punctuation with the rest: a quoted address must not survive as its parts.
	messageBit = regexp.MustCompile(`[A-Za-z0-9_]+`)
)

// vocabulary is what Slack's validation messages are made of ("must be less than 3001 characters
// [json-pointer:/blocks/0/text/text]").
var vocabulary = vocabularyOf(`a additional all allowed an and array at be block blocks boolean button cannot characters
	date define duplicate element elements emoji empty exceeds field fields format greater header id in integer invalid is
	item items keys least length less limit list many max maximum min minimum missing more most must no not number object of
	one only or plain_text mrkdwn property provide required rich_text schema section should string text than the to too type
	unique unknown unsupported url valid value was with`)

// vocabularyOf makes a set of words; "vocabulary" is lower case, and known asks in lower case.
func vocabularyOf(words string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// known keeps of a validation message what is surely Slack's: a message may quote what it rejects, and that is text of
// an event, so every word that is not in the vocabulary becomes "…".
func known(message string) string {
	where := ""
	if found := pointer().FindStringSubmatch(message); found != nil {
		where = " at " + found[1]
	}
	message, _, _ = strings.Cut(message, "[json-pointer:")
	kept := make([]string, 0, 16)
	for _, w := range messageBit.FindAllString(notify.Cut(message, 200), -1) {
		switch {
		case vocabulary[strings.ToLower(w)], len(w) <= 5 && strings.Trim(w, "0123456789") == "":
			kept = append(kept, w)
		case len(kept) == 0 || kept[len(kept)-1] != "…":
			kept = append(kept, "…")
		}
	}
	return strings.Join(kept, " ") + where
}
