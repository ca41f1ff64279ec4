package document

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

func TestParseResource(t *testing.T) {
	const schemas = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	const needed = schemas + `,"userName":"a","emails":[{"value":"a@x.example","primary":true}]`
	const bare = schemas + `,"userName":"a","emails":[{"value":"a@x.example"}]`
	tests := []struct {
		name, body, want, err string
		strict                bool
	}{
		{name: "nulls and text for a boolean", body: `{` + needed + `,"id":null,"title":null,"phoneNumbers":null,"roles":[],"active":"True"}`, want: `{` + needed + `,"active":true}`},
		{name: "names in any case", body: `{` + needed + `,"TITLE":"t","Name":{"GIVENNAME":"A"}}`, want: `{` + needed + `,"title":"t","name":{"givenName":"A"}}`},
		{name: "readOnly and unknown", body: `{` + needed + `,"id":"7","meta":{"x":1},"groups":[{"value":"g"}],"photos":[1],"emailz":1}`, want: `{` + needed + `}`},
		{name: "object for an array", body: `{` + schemas + `,"userName":"a","emails":{"value":"a@x.example"}}`, want: `{` + bare + `}`},
		{name: "text for an element", body: `{` + schemas + `,"userName":"a","emails":["a@x.example"]}`, want: `{` + bare + `}`},
		{name: "SCIM 1.1", body: `{"schemas":["urn:scim:schemas:core:1.0"],"userName":"a","emails":[{"value":"a@x.example","primary":"true"}]}`, want: `{` + needed + `}`},
		{name: "last of two primaries", body: `{` + schemas + `,"userName":"a","emails":[{"value":"1","primary":true},{"value":"2","primary":true}]}`, want: `{` + schemas + `,"userName":"a","emails":[{"value":"1","primary":false},{"value":"2","primary":true}]}`},
		{name: "extension in any case", body: `{` + needed + `,"URN:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"Department":"D","costCenter":"7"}}`, want: `{` + needed + `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`},
		{name: "names with their URN inside the extension", body: `{` + needed + `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"D"}}`, want: `{` + needed + `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`},
		{name: "a path inside a value", body: `{` + needed + `,"name":{"name.givenName":"A"}}`, err: resourcetest.BadSyntax},
		{name: "empty extension", body: `{` + needed + `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":""}}`, want: `{` + needed + `}`},
		{name: "strict as the RFC", strict: true, body: `{` + needed + `,"id":"7"}`, want: `{` + needed + `}`},
		{name: "no object", body: `[]`, err: resourcetest.BadSyntax},
		{name: "no schemas", body: `{"userName":"a","emails":["a@x.example"]}`, want: `{` + bare + `}`},
		{name: "empty schemas", body: `{"schemas":[],"userName":"a","emails":["a@x.example"]}`, want: `{` + bare + `}`},
		{name: "null for schemas", body: `{"schemas":null,"userName":"a","emails":["a@x.example"]}`, want: `{` + bare + `}`},
		{name: "text for schemas", body: `{"schemas":"urn:x","userName":"a","emails":["a@x.example"]}`, err: resourcetest.BadSyntax},
		{name: "strict, no schemas", strict: true, body: `{"userName":"a","emails":[{"value":"a"}]}`, err: resourcetest.BadSyntax},
		{name: "strict, empty schemas", strict: true, body: `{"schemas":[],"userName":"a","emails":[{"value":"a"}]}`, err: resourcetest.BadSyntax},
		{name: "no userName", body: `{` + schemas + `,"emails":["a@x.example"]}`, err: resourcetest.BadValue},
		{name: "empty userName", body: `{` + needed + `,"username":""}`, err: resourcetest.BadSyntax},
		{name: "name twice", body: `{` + needed + `,"username":"b"}`, err: resourcetest.BadSyntax},
		{name: "wrong type", body: `{` + needed + `,"title":5}`, err: resourcetest.BadValue},
		{name: "strict, text for a boolean", strict: true, body: `{` + needed + `,"active":"true"}`, err: resourcetest.BadValue},
		{name: "strict, unknown attribute", strict: true, body: `{` + needed + `,"emailz":1}`, err: resourcetest.BadSyntax},
		{name: "strict, other schema", strict: true, body: `{"schemas":["urn:x"],"userName":"a","emails":[{"value":"a","primary":true}]}`, err: resourcetest.BadSyntax},
		{name: "strict, object for an array", strict: true, body: `{` + schemas + `,"userName":"a","emails":{"value":"a"}}`, err: resourcetest.BadValue},
	}
	rt := resourcetest.Type(t, "User")
	for _, test := range tests {
		got, _, err := Reader{Type: rt, Policy: resource.Policy{Strict: test.strict}}.Resource(decode(t, test.body), func(*query.Object) error { return nil })
		if refused := resourcetest.Refusal(t, err); refused != test.err {
			t.Errorf("%s: got %q, want %q", test.name, refused, test.err)
		}
		if err != nil {
			continue
		}
		want := decode(t, test.want).(map[string]any)
		delete(want, "schemas") // checked, not kept
		if diff := cmp.Diff(any(want), decode(t, string(got.AppendJSON(nil)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
