package scim_test

import (
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// TestUntypedEmailIsNoPartOfTheVersion holds that two callers who are shown an
// address with and without type have one entity tag for it, in single answers,
// lists and conditions.
func TestUntypedEmailIsNoPartOfTheVersion(t *testing.T) {
	untyped := bearer("untyped", auth.Write)
	untyped.UntypedEmail = "work"
	f := newFacade(t, emulator.Options{}, scim.Config{Callers: []auth.Caller{untyped}})
	path := "/Users/" + f.want(201, "POST", "/Users", `{"schemas":["`+coreUser+`"],"userName":"a@demo.example","emails":[{"value":"a@demo.example","primary":true}]}`).at("id").(string)
	plain := f.get(path)
	shown := f.as("untyped").get(path)
	if plain.at("emails", 0, "type") != nil || shown.at("emails", 0, "type") != "work" {
		t.Fatalf("types are %v and %v, want none and work", plain.at("emails"), shown.at("emails"))
	}
	tag := plain.header.Get("ETag")
	listed := f.as("untyped").get(`/Users?filter=emails.type%20eq%20%22work%22`).at("Resources", 0, "meta", "version")
	if tag == "" || shown.header.Get("ETag") != tag || listed != tag {
		t.Errorf("entity tags %s, %s and %v, want the same", tag, shown.header.Get("ETag"), listed)
	}
	f.as("untyped").want(304, "GET", path, "", "If-None-Match", tag)
	a := f.as("untyped").patch(200, path, `[{"op":"replace","path":"emails","value":[{"value":"A@demo.example","type":"Work","primary":true}]}]`, "If-Match", tag)
	if got := f.get(path).at("emails", 0, "type"); got != nil {
		t.Errorf("type %v was stored, calls %v", got, a.calls)
	}
}

func TestUntypedEmailIsChecked(t *testing.T) {
	caller := func(value string) []byte {
		return []byte(`[{"name":"a","bearer_sha256":"` + digest("a") + `","rights":{"*":"read"},"untyped_email":"` + value + `"}]`)
	}
	for value, want := range map[string]string{
		"": "", "work": "", "home": "", "other": "",
		"Work": `untyped_email is "Work": use work, home, other`, "office": `untyped_email is "office": use work, home, other`,
	} {
		_, err := auth.ParseCallers(caller(value))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
}
