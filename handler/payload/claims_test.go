package payload_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/auditbell/auditbell/handler/payload"
)

// kept are the claims that may leave the package, by every name they are read under. The list is written out here
// once more, on purpose: whoever widens the allow-list changes two places and the package documentation.
var kept = map[string]bool{
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":          true,
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": true,
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name":         true,
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn":          true,
	"http://schemas.microsoft.com/identity/claims/objectidentifier":      true,
	"http://schemas.microsoft.com/identity/claims/tenantid":              true,
	"http://schemas.microsoft.com/identity/claims/scope":                 true,
	"http://schemas.microsoft.com/claims/authnmethodsreferences":         true,
	"upn": true, "email": true, "emailaddress": true, "unique_name": true, "name": true, "spn": true, "oid": true,
	"tid": true, "scp": true, "amr": true, "appid": true, "azp": true, "appidacr": true, "azpacr": true, "idtyp": true,
	"ipaddr": true, "xms_mirid": true, "mirid": true,
}

// What leaves the package is Event, Reason and Signal; store, log and messages are made of nothing else. The samples
// hold the word secret in every claim that is cut.
func TestSamplesLeakNoClaim(t *testing.T) {
	t.Parallel()
	planted := 0
	for _, file := range samples(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		planted += strings.Count(string(data), "secret")
		for i, r := range payload.Decode(data) {
			checkLeak(t, r, "secret", file, i)
		}
	}
	if planted < 100 {
		t.Errorf("the samples hold the word secret %d times only: this test has lost its bait", planted)
	}
}

func checkLeak(t interface{ Errorf(string, ...any) }, r payload.Reading, bait string, where ...any) {
	event, err := json.Marshal(r.Event)
	if err != nil {
		t.Errorf("marshal event: %v", err)
	}
	if told := string(event) + r.Reason + r.Signal; strings.Contains(told, bait) {
		i := strings.Index(told, bait)
		t.Errorf("%v tells a claim that is cut: …%.120s", where, told[max(0, i-60):])
	}
}

// Any claims, in every place where a form holds claims, as an object and as text.
func TestNoOtherClaimLeavesThePackage(t *testing.T) {
	t.Parallel()
	const bait = "bait-Zq7"
	names := rapid.OneOf(
		rapid.SampledFrom([]string{
			"groups", "puid", "uti", "aio", "rh", "onprem_sid", "_claim_sources", "wids", "ver", "iss", "UPN", "Name", "upn ",
			"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
		}),
		rapid.StringMatching(`[a-zA-Z_:/."\\ é]{0,40}`),
	)
	values := rapid.OneOf(
		rapid.Just[any](bait), rapid.Just[any]([]string{bait}), rapid.Just[any](map[string]string{"upn": bait}),
		rapid.Just[any](`{"upn":"`+bait+`"}`), rapid.Just[any](nil), rapid.Just[any](7),
	)
	rapid.Check(t, func(t *rapid.T) {
		claims := map[string]any{}
		for name, value := range rapid.MapOfN(names, values, 1, 8).Draw(t, "claims") {
			if !kept[name] {
				claims[name] = value
			}
		}
		for name := range kept { // lists and objects where a text belongs could carry anything
			if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
				claims[name] = rapid.SampledFrom([]any{[]string{bait}, map[string]string{"x": bait}}).Draw(t, "value")
			}
		}
		for place, text := range places(t, claims) {
			for i, r := range payload.Decode([]byte(text)) {
				checkLeak(t, r, bait, place, i)
			}
		}
	})
}

// places puts claims wherever a form has them.
func places(t *rapid.T, claims map[string]any) map[string]string {
	object, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(string(object))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for kind, c := range map[string]string{"object": string(object), "text": string(quoted), "list": "[" + string(object) + "]"} {
		out["rest "+kind] = `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","claims":` + c + `}`
		out["rest folded "+kind] = `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","Claims":` + c + `}`
		out["properties "+kind] = `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","properties":{"claims":` + c + `,"Claims":` + c + `,"in":{"CLAIMS":` + c + `}}}`
		out["older properties "+kind] = `{"time":"2026-03-04T10:15:30Z","operationName":"a/b","properties":{"eventProperties":{"claims":` + c + `}}}`
		out["authorization "+kind] = `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","authorization":{"claims":` + c + `},"httpRequest":{"claims":` + c + `}}`
		out["record "+kind] = `{"time":"2026-03-04T10:15:30Z","operationName":"a/b","identity":{"claims":` + c + `}}`
		out["event grid "+kind] = `{"eventType":"Microsoft.Resources.ResourceWriteSuccess","subject":"/s","data":{"operationName":"a/write","claims":` + c + `}}`
		out["webhook "+kind] = `{"data":{"context":{"activityLog":{"operationName":"a/b","claims":` + c + `}}}}`
		out["common alert "+kind] = `{"data":{"essentials":{"signalType":"Activity Log"},"alertContext":{"operationName":"a/b","claims":` + c + `}}}`
	}
	return out
}

// Claims and identity are objects, or such as text. As a list they are not read, which is said; an empty list says nothing.
func TestClaimsInAListAreMissed(t *testing.T) {
	t.Parallel()
	const record = `{"time":"2026-03-04T05:06:07Z","operationName":"MICROSOFT.KEYVAULT/VAULTS/DELETE","resultType":"Success",
		"resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/V",%}`
	for member, lost := range map[string]bool{
		`"identity":{"claims":[{"typ":"name","val":"Ines"}]}`:             true,
		`"identity":"{\"claims\":[{\"typ\":\"name\",\"val\":\"Ines\"}]}"`: true,
		`"identity":[{"claims":{"name":"Ines"}}]`:                         true,
		`"claims":["name=Ines"]`:                                          true,
		`"Claims":{"Content":[{"Key":"name","Value":"Ines"}]}`:            true,
		`"identity":{"claims":[ ]}`:                                       false,
		`"identity":[]`:                                                   false,
		`"identity":{"claims":null}`:                                      false,
		`"identity":"Ines"`:                                               false,
		`"identity":{"claims":{"name":"Ines","groups":["a"]}}`:            false,
	} {
		readings := payload.Decode([]byte(strings.Replace(record, "%", member, 1)))
		if len(readings) != 1 || readings[0].Kind != payload.Activity || readings[0].Lost != lost ||
			lost != strings.Contains(readings[0].Notice, "no caller's claims that can be read") {
			t.Errorf("%s: %+v, want lost = %v", member, readings, lost)
		}
	}
}
