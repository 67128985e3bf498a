package enrich

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// Hidden stands where a value might be a secret.
const Hidden = "(hidden)"

// Shown is a property's value as a message may show it: never one that may be a secret, ids by their last segment, and
// no longer than a reader wants it. Bodies of requests do carry secrets: an administrator's password, a connection
// string in an app setting.
func Shown(name, value string) string {
	const most = 60
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return "(empty)"
	case Secretive(name, value):
		return Hidden
	case strings.HasPrefix(value, "/subscriptions/"), strings.HasPrefix(value, "/providers/"):
		value = lastSegment(value)
	}
	if utf8.RuneCountInString(value) > most {
		value = string([]rune(value)[:most-1]) + "…"
	}
	return value
}

// Secretive reports whether a value must not be shown: because of its name, or because it looks like a key or token. It
// errs on the side of hiding.
func Secretive(name, value string) bool {
	low := strings.ToLower(name)
	for _, word := range secretWords {
		if strings.Contains(low, word) && !strings.HasSuffix(low, "name") && !strings.HasSuffix(low, "uri") && !harmless(value) {
			return true
		}
	}
	return secretShapes().MatchString(value) || opaque(value)
}

// secretWords within a property's name mean a secret, unless the value is a plain switch or number.
var secretWords = []string{
	"password", "passwd", "pwd", "passphrase", "secret", "token", "credential", "connectionstring", "accountkey", "accesskey", "primarykey",
	"secondarykey", "sharedkey", "apikey", "privatekey", "signature", "sas", "certificate", "customdata", "userdata", "protectedsettings",
	"appsettings", "adminpass", "sshkey", "keydata", "webhook", "callbackurl", "scriptcontent", "commandtoexecute",
}

// harmless are values that hold no secret, whatever they are called: sharedKey access is switched on by "true".
func harmless(value string) bool {
	return plainValue.MatchString(value)
}

var plainValue = regexp.MustCompile(`^(?i:true|false|null|enabled|disabled|none|[0-9]{1,6})$`)

// secretShapes are those of tokens and keys with a recognisable form: JSON Web Tokens, SAS signatures, connection
// strings, PEM, user and password in a URL, and what Slack, GitHub and AWS hand out.
var secretShapes = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}|(?i:[?&;](?:sig|code|key|token)=)|(?i:(?:account|sharedaccess)key=)|(?i:sharedaccesssignature)|` +
		`(?i:(?:password|pwd|secret)\s*=)|-----BEGIN |://[^/\s:@]+:[^/\s@]+@|xox[a-z]-|gh[pousr]_[A-Za-z0-9]{20,}|AKIA[A-Z0-9]{12,}`)
})

var (
	keyLike  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9+/_~.=-]{24,}$`) })
	guidLike = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	})
)

// opaque reports whether a text looks random: long, without blanks, with letters of both cases and digits, and neither an
// id nor an address.
func opaque(value string) bool {
	if !keyLike().MatchString(value) || guidLike().MatchString(value) {
		return false
	}
	upper := strings.ContainsAny(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	lower := strings.ContainsAny(value, "abcdefghijklmnopqrstuvwxyz")
	digits := 0
	for _, r := range value {
		if '0' <= r && r <= '9' {
			digits++
		}
	}
	return digits >= 3 && (upper && lower || digits*4 > len(value) && !strings.ContainsAny(value, "./"))
}
