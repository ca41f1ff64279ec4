package document

import (
	"testing"

	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

func TestParsePatchRefuses(t *testing.T) {
	const schemas = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`
	one := func(operation string) string { return `{` + schemas + `,"Operations":[` + operation + `]}` }
	tests := []struct {
		name, body, want string
		strict           bool
	}{
		{name: "members in any case, no schemas", body: `{"operations":[{"OP":"REMOVE","Path":"title"}]}`},
		{name: "no operations at all", body: `{}`},
		{name: "strict, no operations", strict: true, body: `{` + schemas + `}`, want: resourcetest.BadSyntax},
		{name: "strict, no schemas", strict: true, body: `{"Operations":[{"op":"remove","path":"title"}]}`, want: resourcetest.BadSyntax},
		{name: "no object", body: `[]`, want: resourcetest.BadSyntax},
		{name: "empty operations", body: `{` + schemas + `,"Operations":[]}`, want: resourcetest.BadSyntax},
		{name: "operation of another type", body: one(`"remove"`), want: resourcetest.BadSyntax},
		{name: "unknown op", body: one(`{"op":"move","path":"title"}`), want: resourcetest.BadSyntax},
		{name: "no op", body: one(`{"path":"title"}`), want: resourcetest.BadSyntax},
		{name: "path of another type", body: one(`{"op":"remove","path":1}`), want: resourcetest.BadSyntax},
		{name: "remove without path", body: one(`{"op":"remove"}`), want: resourcetest.BadTarget},
		{name: "value without path is no object", body: one(`{"op":"add","value":"x"}`), want: resourcetest.BadValue},
		{name: "unclosed filter", body: one(`{"op":"remove","path":"emails[type eq \"work\""}`), want: resourcetest.BadPath},
		{name: "filter on one value", body: one(`{"op":"remove","path":"title[value eq \"x\"]"}`), want: resourcetest.BadPath},
		{name: "no such sub-attribute", body: one(`{"op":"remove","path":"emails[type eq \"work\"].x"}`), want: resourcetest.BadPath},
		{name: "a misspelt value", body: one(`{"op":"remove","path":"emails","vaule":[{"value":"a"}]}`), want: resourcetest.BadSyntax},
		{name: "a null that says nothing", body: one(`{"op":"remove","path":"title","values":null}`)},
		{name: "two values", body: one(`{"op":"replace","path":"title","value":"a","Value":"b"}`), want: resourcetest.BadSyntax},
		{name: "two ops", body: one(`{"op":"replace","Op":"remove","path":"title","value":"a"}`), want: resourcetest.BadSyntax},
		{name: "two lists of operations", body: `{"Operations":[{"op":"remove","path":"title"}],"operations":[]}`, want: resourcetest.BadSyntax},
		{name: "an attribute beside the operations", body: `{"Operations":[{"op":"remove","path":"title"}],"active":false}`, want: resourcetest.BadSyntax},
		{name: "a path inside a value", body: one(`{"op":"replace","path":"name","value":{"name.givenName":"A","familyName":"B"}}`), want: resourcetest.BadSyntax},
		{name: "not plain text", body: one(`{"op":"remove","path":"\ufffd"}`), want: resourcetest.BadPath},
	}
	rt := resourcetest.Type(t, "User")
	for _, test := range tests {
		_, err := Reader{Type: rt, Policy: resource.Policy{Strict: test.strict}}.Patch(decode(t, test.body))
		if got := resourcetest.Refusal(t, err); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
