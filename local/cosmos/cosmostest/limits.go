package cosmostest

import (
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

var limitBehaviours = []behaviour{
	{
		name: "item of 1.9 MB", want: "ok",
		why: "the limit is 2 MB (concepts-limits)",
		got: func(x *trial) string {
			return after(x.items.CreateItem(x.ctx, x.key(), x.item("a", fields{"text": strings.Repeat("x", 1_900_000)}), nil))
		},
	},
	{
		name: "item of 2.2 MB", want: "413",
		why: "too large is not retried; the event is parked",
		got: func(x *trial) string {
			return after(x.items.CreateItem(x.ctx, x.key(), x.item("a", fields{"text": strings.Repeat("x", 2_200_000)}), nil))
		},
	},
	{
		name: "patch that makes an item too large", want: "413",
		why: "counters and lists that grow reach the limit, too",
		got: func(x *trial) string {
			x.put("a", fields{"text": strings.Repeat("x", 1_500_000)})
			p := patchWith(func(p *azcosmos.PatchOperations) { p.AppendSet("/more", strings.Repeat("y", 1_000_000)) })
			return after(x.items.PatchItem(x.ctx, x.key(), "a", p, nil))
		},
	},
	{
		name: "partition key of 2049 bytes", want: "400",
		why: "the limit is 2048 (concepts-limits)",
		got: func(x *trial) string { return x.roundTripKey(strings.Repeat("k", 2049)) },
	},
	illegalID("a/b"), illegalID(`a\b`), illegalID("a?b"), illegalID("a#b"),
	{
		name: "id of 1024 bytes", want: "400",
		why: "the limit is 1023 (concepts-limits)",
		got: func(x *trial) string { return x.roundTripID(strings.Repeat("i", 1024)) },
	},
	legalID(strings.Repeat("i", 1023)), legalID("a b"), legalID("a%b"), legalID("a+b"), legalID("é-日本"),
	legalID("🚀"), legalID(`a"b`), legalID("x:y=z@w"),
}

func illegalID(id string) behaviour {
	return behaviour{
		name: "illegal id " + strings.NewReplacer("/", "slash", `\`, "backslash").Replace(id), want: "400",
		why: "an id that cannot be addressed later must not be stored; ours are [a-z0-9-] only",
		got: func(x *trial) string { return x.roundTripID(id) },
	}
}

func legalID(id string) behaviour {
	return behaviour{
		name: fmt.Sprintf("id %.12s", id), want: "ok",
		why: "what the service stores under odd names it gives back",
		got: func(x *trial) string { return x.roundTripID(id) },
	}
}

// roundTripID creates an item and reads it back by its id.
func (x *trial) roundTripID(id string) string {
	if _, err := x.items.CreateItem(x.ctx, x.key(), x.item(id, nil), nil); err != nil {
		return code(err)
	}
	r, err := x.items.ReadItem(x.ctx, x.key(), id, nil)
	if err != nil {
		return "read " + code(err)
	}
	if !strings.Contains(string(r.Value), string(x.json(id))) {
		return "another item: " + string(r.Value)
	}
	return "ok"
}

// roundTripKey creates an item under a partition key and reads it back.
func (x *trial) roundTripKey(pk string) string {
	key := azcosmos.NewPartitionKeyString(pk)
	if _, err := x.items.UpsertItem(x.ctx, key, x.json(fields{"id": "a", "pk": pk}), nil); err != nil {
		return code(err)
	}
	return after(x.items.ReadItem(x.ctx, key, "a", nil))
}

func deepKey(tenant, user string) azcosmos.PartitionKey {
	return azcosmos.NewPartitionKeyString(tenant).AppendString(user)
}

func (x *trial) putDeep(tenant, user string) string {
	doc := x.json(fields{"id": "a", "tenant": tenant, "user": user})
	return after(x.deep.CreateItem(x.ctx, deepKey(tenant, user), doc, nil))
}

var keyBehaviours = []behaviour{
	{
		name: "non-ASCII partition key", want: "ok",
		why: "keys are text", got: func(x *trial) string { return x.roundTripKey("é-日本") },
	},
	{
		name: "partition key with a tab", want: "ok",
		why: "keys are text", got: func(x *trial) string { return x.roundTripKey("tab\tx") },
	},
	{
		name: "partition key with a quote", want: "ok",
		why: "keys are text", got: func(x *trial) string { return x.roundTripKey(`q"q`) },
	},
	{
		name: "hierarchical key, same id elsewhere", want: "ok ok 409",
		why: "all levels together make the logical partition",
		got: func(x *trial) string {
			return x.putDeep(x.pk, "u1") + " " + x.putDeep(x.pk, "u2") + " " + x.putDeep(x.pk, "u2")
		},
	},
	{
		name: "hierarchical key, point read", want: "ok 404",
		why: "all levels together make the logical partition",
		got: func(x *trial) string {
			x.putDeep(x.pk, "u1")
			return after(x.deep.ReadItem(x.ctx, deepKey(x.pk, "u1"), "a", nil)) + " " +
				after(x.deep.ReadItem(x.ctx, deepKey(x.pk, "u2"), "a", nil))
		},
	},
	{
		name: "hierarchical key with a level missing", want: "400",
		why: "a point operation needs all levels",
		got: func(x *trial) string {
			return after(x.deep.ReadItem(x.ctx, azcosmos.NewPartitionKeyString(x.pk), "a", nil))
		},
	},
	{
		name: "hierarchical key, prefix by filter", want: "2",
		why: "a prefix is queried by WHERE without a key",
		got: func(x *trial) string {
			x.putDeep(x.pk, "u1")
			x.putDeep(x.pk, "u2")
			x.putDeep("other-"+x.pk, "u1")
			page, err := x.deep.NewQueryItemsPager("SELECT c.id FROM c WHERE c.tenant = @t", azcosmos.NewPartitionKey(),
				&azcosmos.QueryOptions{QueryParameters: []azcosmos.QueryParameter{{Name: "@t", Value: x.pk}}}).NextPage(x.ctx)
			if err != nil {
				return code(err)
			}
			return fmt.Sprint(len(page.Items))
		},
	},
}

// sdkDefects are cases where azcosmos v1.5.0 itself goes wrong, whatever the account does. When an update of the SDK
// turns one of them red, the rule that it stands for can be relaxed.
var sdkDefects = []behaviour{
	{
		name: "patch condition with double quotes is not escaped", want: "fails before it is sent",
		why: "conditions use single quotes and only values that we made ([a-z0-9-] and numbers)",
		got: func(x *trial) string {
			return neverSent(x.conditional(`from c where c.s = "free"`))
		},
	},
	{
		name: "batch id with a quote is not escaped", want: "fails before it is sent",
		why: "ids are [a-z0-9-]",
		got: func(x *trial) string {
			return neverSent(x.batch(func(b *azcosmos.TransactionalBatch) { b.DeleteItem(`a"b`, nil) }))
		},
	},
	{
		name: "partition key outside the basic plane is sent as Go text", want: "400",
		why: `the header holds "\U0001f680", which is not JSON; keys are [a-z0-9-]`,
		got: func(x *trial) string { return x.roundTripKey("🚀") },
	},
	{
		name: "partition key with DEL is sent as Go text", want: "400",
		why: `the header holds "\x7f", which is not JSON; keys are [a-z0-9-]`,
		got: func(x *trial) string { return x.roundTripKey("\x7f") },
	},
	{
		name: "set to null loses its value", want: "400",
		why: "a nil value is left out of the patch; properties are removed instead",
		got: func(x *trial) string {
			return x.patched(fields{"n": 1}, "n", func(p *azcosmos.PatchOperations) { p.AppendSet("/n", nil) })
		},
	},
	{
		name: "session tokens are not sent again", want: "no token",
		why: "reads are hints; only conditions on writes decide",
		got: func(x *trial) string {
			x.put("a", nil)
			r, err := x.items.ReadItem(x.ctx, x.key(), "a", nil)
			if err != nil {
				return code(err)
			}
			if r.RawResponse.Request != nil && r.RawResponse.Request.Header.Get("x-ms-session-token") != "" {
				return "a token"
			}
			return "no token"
		},
	},
}

func neverSent(outcome string) string {
	if strings.Contains(outcome, "json: error calling MarshalJSON") || strings.Contains(outcome, "marshalling") {
		return "fails before it is sent"
	}
	return outcome
}
