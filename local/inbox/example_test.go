package inbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/auditbell/auditbell/local/inbox"
)

// A test lets Slack fail once, sends twice, and waits for what arrived.
func ExampleServer_Await() {
	in, err := inbox.Open(inbox.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer in.Close()
	web := httptest.NewServer(in)
	defer web.Close()

	if err := in.Fail(inbox.Fault{Destination: inbox.Slack, Status: inbox.Failure{Status: 500}}); err != nil {
		fmt.Println(err)
	}
	for range 2 {
		resp, err := http.Post(web.URL+"/slack/webhook/security", "application/json", strings.NewReader(`{"text":"*Owner* granted to alice"}`))
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	messages, err := in.Await(ctx, func(m []inbox.Message) bool { return len(m) == 1 })
	fmt.Println(messages[0].Kind, messages[0].Text, err)
	// Output:
	// 500
	// 200
	// post Owner granted to alice <nil>
}

func ExampleValidateBlocks() {
	problems := inbox.ValidateBlocks([]byte(`[{"type":"header","text":{"type":"mrkdwn","text":"*HIGH*"}}]`))
	fmt.Println(problems)
	// Output: [must be one of: plain_text [json-pointer:/blocks/0/text/type]]
}
