package cosmos_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/infra"
	"github.com/auditbell/auditbell/local/cosmos"
)

// A test runs the real SDK against a server in the same process, with the containers that infra makes, and lets the
// first write fail after its commit.
func Example() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// create: no answer
	// create again: 409, so the first one was stored
}

func run(ctx context.Context) error {
	server, err := cosmos.Open(ctx, cosmos.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	layout, err := infra.ReadCosmos()
	if err != nil {
		return err
	}
	if err := server.Provision(ctx, layout); err != nil {
		return err
	}
	key, err := azcosmos.NewKeyCredential("YW55IGtleQ==") // without Options.Key every key is right
	if err != nil {
		return err
	}
	client, err := azcosmos.NewClientWithKey("http://cosmos.local/", key, &azcosmos.ClientOptions{
		ClientOptions: policy.ClientOptions{Transport: server},
	})
	if err != nil {
		return err
	}
	alerts, err := client.NewContainer(layout.Database, "alerts")
	if err != nil {
		return err
	}

	server.Inject(cosmos.Fault{Method: http.MethodPost, After: true, Count: 1})
	pk, item := azcosmos.NewPartitionKeyString("group"), []byte(`{"id":"claim","pk":"group"}`)
	if _, err := alerts.CreateItem(ctx, pk, item, nil); err != nil {
		fmt.Println("create: no answer")
	}
	if _, err := alerts.CreateItem(ctx, pk, item, nil); err != nil {
		fmt.Println("create again: 409, so the first one was stored")
	}
	return nil
}
