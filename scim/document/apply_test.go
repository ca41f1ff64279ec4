package document

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

func decode(tb testing.TB, text string) any {
	tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return v
}

// applyPatch returns the resource after the operations, an array of them in JSON, or the refusal.
func applyPatch(tb testing.TB, rt *resource.Type, whole, operations string, strict bool) (got any, refused string) {
	tb.Helper()
	fields, ok := decode(tb, whole).(map[string]any)
	if !ok {
		tb.Fatalf("no object: %s", whole)
	}
	body := map[string]any{"schemas": []any{resource.URNPatchOp}, "Operations": decode(tb, operations)}
	ops, err := Reader{Type: rt, Policy: resource.Policy{Strict: strict}}.Patch(body)
	if err != nil {
		return nil, resourcetest.Refusal(tb, err)
	}
	current := query.ObjectOf(fields, rt.Schema)
	before := string(current.AppendJSON(nil))
	changed, err := Apply(rt, current, ops, strict)
	if after := string(current.AppendJSON(nil)); after != before {
		tb.Errorf("%s wrote to the current resource: %s", operations, after)
	}
	if err != nil {
		return nil, resourcetest.Refusal(tb, err)
	}
	return decode(tb, string(changed.AppendJSON(nil))), ""
}

type patchTest struct {
	name, ops, want, err string
	strict               bool
}

func runPatches(t *testing.T, rt *resource.Type, resource string, tests []patchTest) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, refused := applyPatch(t, rt, resource, test.ops, test.strict)
			if refused != test.err {
				t.Fatalf("got %q, want %q", refused, test.err)
			}
			if test.err != "" {
				return
			}
			if diff := cmp.Diff(decode(t, test.want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestPatchUser applies the operations that identity clients send, each to the same user.
func TestPatchUser(t *testing.T) {
	const (
		enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
		// The parts of the user.
		user  = `"userName":"anna","active":true`
		names = `,"name":{"givenName":"Anna","familyName":"Berg"}`
		title = `,"title":"Dr"`
		work  = `{"value":"a@x.example","type":"work","primary":true}`
		mails = `,"emails":[` + work + `]`
		ent   = `,"` + enterprise + `":{"department":"Sales","organization":"X"}`
		// The user, whole and with one change.
		anna       = `{` + user + names + title + mails + ent + `}`
		inactive   = `{"userName":"anna","active":false` + names + title + mails + ent + `}`
		department = `{` + user + names + title + mails + `,"` + enterprise + `":{"department":"R&D","organization":"X"}}`
		home       = `{` + user + names + title + `,"emails":[` + work + `,{"type":"home","value":"h@x.example"}]` + ent + `}`
		untitled   = `{` + user + names + mails + ent + `}`
		ann        = `{` + user + `,"name":{"givenName":"Ann","familyName":"Berg"}` + title + mails + ent + `}`
	)
	tests := []patchTest{
		{name: "active as Entra sends it", ops: `[{"op":"Replace","path":"active","value":"False"}]`, want: inactive},
		{name: "active without path", ops: `[{"op":"replace","value":{"active":false}}]`, want: inactive},
		{name: "active added", ops: `[{"op":"add","value":{"active":false}}]`, want: inactive},
		{name: "object in an array", ops: `[{"op":"replace","value":[{"active":"false"}]}]`, want: inactive},
		{name: "null path", ops: `[{"op":"REPLACE","path":null,"value":{"ACTIVE":false}}]`, want: inactive},

		{name: "the parts of a new element in any order", ops: `[{"op":"replace","value":{"emails[type eq \"home\"].primary":false,"emails[type eq \"home\"].value":"h@x.example"}}]`, want: `{` + user + names + title + `,"emails":[` + work + `,{"type":"home","value":"h@x.example","primary":false}]` + ent + `}`},
		{name: "another part of an element that is not there", ops: `[{"op":"replace","path":"emails[value eq \"h@x.example\"].primary","value":true}]`, err: resourcetest.BadTarget},
		{name: "an element that is not there, by its value", ops: `[{"op":"add","path":"emails[value eq \"h@x.example\"]","value":{"value":"i@x.example"}}]`, err: resourcetest.BadTarget},

		{name: "external id", ops: `[{"op":"add","path":"externalId","value":"e1"}]`, want: `{"externalId":"e1",` + anna[1:]},
		{name: "URN path", ops: `[{"op":"replace","path":"` + enterprise + `:department","value":"R&D"}]`, want: department},
		{name: "URN path in another case", ops: `[{"op":"replace","path":"URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:Department","value":"R&D"}]`, want: department},
		{name: "URN in front of a key", ops: `[{"op":"replace","value":{"` + enterprise + `:department":"R&D"}}]`, want: department},
		{name: "URN as key of an object", ops: `[{"op":"replace","value":{"` + enterprise + `":{"department":"R&D"}}}]`, want: department},
		{name: "URN as path of an object", ops: `[{"op":"replace","path":"` + enterprise + `","value":{"department":"R&D"}}]`, want: department},
		{name: "URN as path of an object with its schemas", ops: `[{"op":"replace","path":"` + enterprise + `","value":{"schemas":["` + enterprise + `"],"department":"R&D"}}]`, want: department},
		{
			name: "extension emptied", want: `{` + user + names + title + mails + `}`,
			ops: `[{"op":"remove","path":"` + enterprise + `:department"},{"op":"remove","path":"` + enterprise + `:organization"}]`,
		},
		{name: "null for the URN of an extension", ops: `[{"op":"replace","value":{"` + enterprise + `":null}}]`, want: `{` + user + names + title + mails + `}`},
		{name: "core URN path", ops: `[{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:User:title"}]`, want: untitled},

		{name: "null unassigns", ops: `[{"op":"replace","path":"title","value":null}]`, want: untitled},
		{name: "empty text unassigns", ops: `[{"op":"Replace","path":"title","value":""}]`, want: untitled},
		{name: "null in an object unassigns", ops: `[{"op":"replace","value":{"title":null}}]`, want: untitled},
		{name: "removed", ops: `[{"op":"Remove","path":"TITLE"}]`, want: untitled},

		{name: "dotted path", ops: `[{"op":"replace","path":"NAME.givenname","value":"Ann"}]`, want: ann},
		{name: "dotted key", ops: `[{"op":"replace","value":{"name.givenName":"Ann"}}]`, want: ann},
		{name: "complex value is merged", ops: `[{"op":"replace","path":"name","value":{"givenName":"Ann"}}]`, want: ann},
		{name: "no part of a name left", ops: `[{"op":"remove","path":"name.givenName"},{"op":"remove","path":"name.familyName"}]`, want: `{` + user + title + mails + ent + `}`},

		{name: "add to a missing element makes it", ops: `[{"op":"Add","path":"emails[type eq \"home\"].value","value":"h@x.example"}]`, want: home},
		{name: "replace of a missing element makes it", ops: `[{"op":"Replace","path":"emails[type eq \"home\"].value","value":"h@x.example"}]`, want: home},
		{name: "filtered path as key", ops: `[{"op":"replace","value":{"emails[type eq \"home\"].value":"h@x.example"}}]`, want: home},
		{name: "a whole missing element", ops: `[{"op":"add","path":"emails[type eq \"home\"]","value":{"value":"h@x.example"}}]`, want: home},
		{name: "object for an array", ops: `[{"op":"add","path":"emails","value":{"type":"home","value":"h@x.example"}}]`, want: home},
		{
			name: "first element of no list", want: `{"phoneNumbers":[{"value":"1","type":"work","primary":true}],` + anna[1:],
			ops: `[{"op":"add","path":"phoneNumbers[type eq \"work\" and primary eq true].value","value":"1"}]`,
		},
		{
			name: "matching element is changed", ops: `[{"op":"replace","path":"emails[type eq \"WORK\"].value","value":"b@x.example"}]`,
			want: `{` + user + names + title + `,"emails":[{"value":"b@x.example","type":"work","primary":true}]` + ent + `}`,
		},
		{name: "existing value added again", ops: `[{"op":"add","path":"emails","value":[{"value":"a@x.example"}]}]`, want: anna},
		{name: "bare text for an element", ops: `[{"op":"add","path":"phoneNumbers","value":"1"}]`, want: `{"phoneNumbers":[{"value":"1"}],` + anna[1:]},
		{
			name: "new primary", ops: `[{"op":"add","path":"emails","value":[{"value":"h@x.example","primary":"True"}]}]`,
			want: `{` + user + names + title + `,"emails":[{"value":"a@x.example","type":"work"},{"value":"h@x.example","primary":true}]` + ent + `}`,
		},
		{
			name: "last of two primaries", ops: `[{"op":"replace","path":"emails","value":[{"value":"1","primary":true},{"value":"2","primary":true}]}]`,
			want: `{` + user + names + title + `,"emails":[{"value":"1","primary":false},{"value":"2","primary":true}]` + ent + `}`,
		},
		{name: "adding nothing", ops: `[{"op":"add","path":"emails","value":[]}]`, want: anna},
		{name: "removing what is not there", ops: `[{"op":"remove","path":"emails[type eq \"home\"]"},{"op":"remove","path":"nickName"}]`, want: anna},

		{name: "readOnly in an object", ops: `[{"op":"replace","value":{"id":"7","meta":{},"groups":[],"schemas":[],"title":null}}]`, want: untitled},
		{name: "not stored", want: anna, ops: `[{"op":"add","path":"` + enterprise + `:manager","value":"m1"},
			{"op":"replace","path":"manager","value":[{"$ref":null,"value":"m1"}]},{"op":"remove","path":"manager","value":""},
			{"op":"add","path":"addresses[type eq \"work\"].streetAddress","value":"s"},{"op":"add","path":"roles","value":[]},
			{"op":"replace","value":{"password":"p","` + enterprise + `:employeeNumber":"7"}},{"op":"add","path":"urn:okta:custom:user:1.0:x","value":1}]`},

		{name: "required removed", ops: `[{"op":"remove","path":"userName"}]`, err: resourcetest.BadMutability},
		{name: "required emptied", ops: `[{"op":"replace","path":"emails","value":[]}]`, err: resourcetest.BadMutability},
		{name: "readOnly removed", ops: `[{"op":"remove","path":"id"}]`, err: resourcetest.BadMutability},
		{name: "readOnly replaced", ops: `[{"op":"replace","path":"groups","value":[]}]`, err: resourcetest.BadMutability},
		{name: "readOnly sub-attribute", ops: `[{"op":"replace","path":"meta.created","value":"x"}]`, err: resourcetest.BadMutability},
		{name: "the third of three", ops: `[{"op":"remove","path":"title"},{"op":"remove","path":"nickName"},{"op":"replace","path":"active","value":"perhaps"}]`, err: resourcetest.BadValue},
		{name: "filter that makes no element", ops: `[{"op":"replace","path":"emails[type ne \"work\"].value","value":"x"}]`, err: resourcetest.BadTarget},
		{name: "strict, no such element", strict: true, ops: `[{"op":"replace","path":"emails[type eq \"home\"].value","value":"x"}]`, err: resourcetest.BadTarget},
		{name: "strict, text for a boolean", strict: true, ops: `[{"op":"replace","path":"active","value":"False"}]`, err: resourcetest.BadValue},
		{name: "strict, object for an array", strict: true, ops: `[{"op":"add","path":"emails","value":{"value":"x"}}]`, err: resourcetest.BadValue},
		{name: "strict, two primaries", strict: true, ops: `[{"op":"add","path":"emails","value":[{"value":"x","primary":true},{"value":"y","primary":true}]}]`, err: resourcetest.BadValue},
		{name: "strict, not stored", strict: true, ops: `[{"op":"add","path":"manager","value":"m1"}]`, err: resourcetest.BadPath},
		{name: "strict, op in capitals", strict: true, ops: `[{"op":"Remove","path":"title"}]`, want: untitled},
	}
	runPatches(t, resourcetest.Type(t, "User"), anna, tests)
}

// TestPatchGroup applies the operations with which clients change members and rename.
func TestPatchGroup(t *testing.T) {
	const (
		group    = `{"displayName":"G","members":[{"value":"u1"},{"value":"u2"},{"value":"u3"}]}`
		without2 = `{"displayName":"G","members":[{"value":"u1"},{"value":"u3"}]}`
	)
	tests := []patchTest{
		{name: "Entra removes one", ops: `[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u2"}]}]`, want: without2},
		{name: "object", ops: `[{"op":"remove","path":"members","value":{"value":"u2"}}]`, want: without2},
		{name: "bare id", ops: `[{"op":"remove","path":"members","value":"u2"}]`, want: without2},
		{name: "array of bare ids", ops: `[{"op":"remove","path":"members","value":["u2","u9"]}]`, want: without2},
		{name: "filter", ops: `[{"op":"remove","path":"members[value eq \"u2\"]"}]`, want: without2},
		{name: "filter of no member", ops: `[{"op":"remove","path":"members[value eq \"u9\"]"}]`, want: group},
		{name: "all", ops: `[{"op":"remove","path":"members"}]`, want: `{"displayName":"G"}`},
		{name: "replaced by none", ops: `[{"op":"replace","path":"members","value":[]}]`, want: `{"displayName":"G"}`},
		{name: "replaced, readOnly parts passed over", ops: `[{"op":"replace","path":"members","value":[{"value":"u9","display":"U","$ref":"x"}]}]`, want: `{"displayName":"G","members":[{"value":"u9"}]}`},
		{name: "added twice", ops: `[{"op":"add","path":"members","value":[{"value":"u1"},{"value":"u4"},{"value":"u4"}]}]`, want: `{"displayName":"G","members":[{"value":"u1"},{"value":"u2"},{"value":"u3"},{"value":"u4"}]}`},
		{name: "Okta's pair", ops: `[{"op":"remove","path":"members[value eq \"u2\"]"},{"op":"add","path":"members","value":[{"value":"u4","display":"a"}]}]`, want: `{"displayName":"G","members":[{"value":"u1"},{"value":"u3"},{"value":"u4"}]}`},
		{name: "the same name", ops: `[{"op":"replace","value":{"id":"7","displayName":"G"}}]`, want: group},
		{name: "another name", ops: `[{"op":"replace","path":"displayName","value":"H"}]`, err: resourcetest.BadMutability},
		{name: "no name", ops: `[{"op":"remove","path":"displayName"}]`, err: resourcetest.BadMutability},
	}
	runPatches(t, resourcetest.Type(t, "Group"), group, tests)
}

// TestUnwritable checks that a PUT can neither leave out a required value nor change an immutable one.
func TestUnwritable(t *testing.T) {
	rt := &resource.Type{Schema: &query.Schema{Attributes: []*query.Attribute{
		{Name: "name", Required: true, Mutability: query.Immutable},
		{Name: "size", Required: true},
		{Name: "label", Required: true, Mutability: query.ReadOnly},
	}}}
	thing := func(name, size string) query.Object {
		return query.Object{{Name: "name", Value: name}, {Name: "size", Value: size}}
	}
	current := append(thing("a", "1"), query.Member{Name: "label", Value: "made here"})
	for _, test := range []struct {
		name string
		doc  query.Object
		want string
	}{
		{"without what is readOnly", thing("a", "2"), ""},
		{"without what is required", query.Object{{Name: "name", Value: "a"}}, resourcetest.BadMutability},
		{"with another for what is fixed", thing("b", "1"), resourcetest.BadMutability},
	} {
		if got := resourcetest.Refusal(t, CheckWritable(rt, current, test.doc)); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
