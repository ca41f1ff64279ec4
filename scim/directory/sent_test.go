package directory

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/atlassian/wire"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// userType is the type of users as the server has it.
func userType(t testing.TB) *resource.Type { return typeNamed(t, "User") }

func typeNamed(t testing.TB, name string) *resource.Type {
	t.Helper()
	all, err := schemas.ResourceTypes()
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range all {
		if rt.Name == name {
			return resource.NewType(rt)
		}
	}
	t.Fatalf("there is no type %s", name)
	return nil
}

// rendered is the JSON of a user from its object, with what the server adds.
func rendered(v resource.View, o query.Object) string {
	doc := query.Object{{Name: "schemas", Value: v.Type.SchemasOf(o)}}
	for _, m := range o {
		if meta, ok := m.Value.(query.Object); ok && m.Name == "meta" {
			m.Value = append(meta[:len(meta):len(meta)], query.Member{Name: "location", Value: v.Collection + "/" + o.Text("id")},
				query.Member{Name: "version", Value: query.Version(o)})
		}
		doc = append(doc, m)
	}
	return string(v.Want.Apply(doc).AppendJSON(nil))
}

// sentAs returns the one user of an answer as it is shown from bytes, and as it is when decoded.
func sentAs(t testing.TB, answer []byte) (*sentUsers, query.Object) {
	t.Helper()
	var decoded atlassian.User
	if err := json.Unmarshal(answer, &decoded); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	u := wire.New()
	if !u.ReadOne(answer) && !u.ReadOneCanonical(answer) {
		t.Fatalf("not read: %s", answer)
	}
	return newSentUsers(u), userObject(&decoded)
}

// compareSent holds that a user is shown from bytes as it is from its object.
func compareSent(t testing.TB, v resource.View, answer []byte) {
	t.Helper()
	sent, want := sentAs(t, answer)
	defer sent.Release()
	if got := sent.Object(0); !query.Equal(want, got) || string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
		t.Fatalf("%s: the object (-decoded +sent):\n%s", answer, cmp.Diff(want, got))
	}
	if got, want := sent.Version(0), query.Version(want); got != want {
		t.Fatalf("%s: the version is %s, want %s", answer, got, want)
	}
	got, ok := sent.Append([]byte("x"), 0, v)
	if want := "x" + rendered(v, want); !ok || string(got) != want {
		t.Fatalf("%s:\n got %s\nwant %s", answer, got, want)
	}
}

// TestSentUsers holds that what users show from the bytes that Atlassian sent is, to the
// byte, what their objects show.
func TestSentUsers(t *testing.T) {
	rt := userType(t)
	v := resource.View{Type: rt, Collection: "https://scim.example/scim/v2/Users", Want: rt.Shown, Versioned: true}
	random := rand.New(rand.NewPCG(14, 14))
	for range 10_000 {
		answer, err := json.Marshal(randomUser(random))
		if err != nil {
			t.Fatal(err)
		}
		compareSent(t, v, answer)
	}
}

// TestSentSeeded is TestSentUsers for all users and groups of the emulator, as it sends them: each must be of the form
// that needs no decoder.
func TestSentSeeded(t *testing.T) {
	e := emulator.New(emulator.Options{Users: 1_000, Groups: 40, Seed: 1})
	for _, test := range []struct {
		name    string
		count   int
		compare func(v resource.View, answer []byte)
	}{
		{"User", 1_000, func(v resource.View, answer []byte) {
			if !wire.New().ReadOne(answer) {
				t.Errorf("not read without the decoder: %s", answer)
			}
			compareSent(t, v, answer)
		}},
		{"Group", 40, func(v resource.View, answer []byte) {
			if !wire.NewGroup().Read(answer) {
				t.Errorf("not read without the decoder: %s", answer)
			}
			sent, want := sentGroupAs(t, answer)
			if got := sent.Object(0); string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) || sent.Version(0) != query.Version(want) {
				t.Errorf("%s (-decoded +sent):\n%s", answer, cmp.Diff(want, got))
			}
		}},
	} {
		rt := typeNamed(t, test.name)
		v := resource.View{Type: rt, Collection: "https://scim.example/scim/v2/" + test.name, Want: rt.Shown, Versioned: true}
		read := func(path string) []byte {
			r := httptest.NewRequest("GET", "/scim/directory/"+emulator.DirectoryID+"/"+test.name+"s"+path, nil)
			r.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
			return bytes.TrimSpace(w.Body.Bytes())
		}
		compared := 0
		for found := 100; found == 100; compared += found {
			var page struct{ Resources []struct{ ID string } }
			if err := json.Unmarshal(read(fmt.Sprintf("?count=100&startIndex=%d", compared+1)), &page, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Fatal(err)
			}
			found = len(page.Resources)
			for _, one := range page.Resources {
				test.compare(v, read("/"+one.ID))
			}
		}
		if compared < test.count {
			t.Errorf("%d of %d resources %s were compared", compared, test.count, test.name)
		}
	}
}

// randomUser is a user with any of the attributes, each of them with any text, or empty.
func randomUser(r *rand.Rand) *atlassian.User {
	maybe := func() bool { return r.IntN(3) > 0 }
	text := func() string {
		words := []string{"", "a", "Ann", "Müller", "日本", "☃", "a b", "x@y.example", `q"q`, `b\b`, "\x01", "\u2028", "\x7f", "<&>", "/", strings.Repeat("long ", 60)}
		if maybe() {
			return words[r.IntN(len(words))]
		}
		return fmt.Sprint(r.IntN(1e9))
	}
	instant := func() time.Time {
		if !maybe() {
			return time.Time{}
		}
		return time.Unix(r.Int64N(4e9), r.Int64N(1e9)/[]int64{1, 1e3, 1e6, 1e9}[r.IntN(4)]*1).UTC()
	}
	values := func() (all []atlassian.MultiValue) {
		for range r.IntN(3) {
			all = append(all, atlassian.MultiValue{Value: text(), Type: text(), Display: text(), Primary: maybe()})
		}
		return all
	}
	u := &atlassian.User{
		ID: "u" + text(), ExternalID: text(), UserName: text(), DisplayName: text(), NickName: text(), Title: text(), PreferredLanguage: text(),
		Timezone: text(), Department: text(), Organization: text(), Emails: values(), PhoneNumbers: values(),
	}
	u.ID = strings.Map(func(c rune) rune {
		if c < 'a' || c > 'z' {
			return -1
		}
		return c
	}, u.ID) + fmt.Sprint(r.IntN(1e6)) // location escapes an id, and this test does not
	if maybe() {
		u.Name = &atlassian.Name{Formatted: text(), FamilyName: text(), GivenName: text(), MiddleName: text(), HonorificPrefix: text(), HonorificSuffix: text()}
	}
	if maybe() {
		active := maybe()
		u.Active = &active
	}
	for range r.IntN(4) {
		u.Groups = append(u.Groups, atlassian.Reference{Value: text(), Display: text(), Type: text(), Ref: text()})
	}
	if maybe() {
		u.Enterprise = &atlassian.Enterprise{Organization: text(), Department: text()}
	}
	if maybe() {
		u.Atlassian = &atlassian.External{AtlassianAccountID: text()}
	}
	if maybe() {
		u.Meta = &atlassian.Meta{ResourceType: "User", Location: text(), Created: instant(), LastModified: instant()}
	}
	return u
}

// TestSentDate holds that a later time of change is shown in place of Atlassian's, and
// an earlier one is not.
func TestSentDate(t *testing.T) {
	sent, o := sentAs(t, []byte(`{"id":"u1","meta":{"resourceType":"User","lastModified":"2026-01-02T03:04:05.600Z"}}`))
	defer sent.Release()
	at := time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC)
	sent.Date(0, at.Add(-time.Hour))
	sent.Date(0, time.Time{})
	if diff := cmp.Diff(o, sent.Object(0)); diff != "" {
		t.Errorf("after an earlier time (-want +got):\n%s", diff)
	}
	sent.Date(0, at.Add(time.Second))
	want := query.Object{{Name: "id", Value: "u1"}, {Name: "meta", Value: query.Object{{Name: "resourceType", Value: "User"}, {Name: "lastModified", Value: at.Add(time.Second)}}}}
	if diff := cmp.Diff(want, sent.Object(0)); diff != "" {
		t.Errorf("after a later time (-want +got):\n%s", diff)
	}
	if got, want := sent.Version(0), query.Version(want); got != want {
		t.Errorf("the version is %s, want %s", got, want)
	}
}

func BenchmarkSentAppend(b *testing.B) {
	rt := userType(b)
	v := resource.View{Type: rt, Collection: "https://scim.example/scim/v2/Users", Want: rt.Shown, Versioned: true}
	answer, err := json.Marshal(randomUser(rand.New(rand.NewPCG(3, 3))))
	if err != nil {
		b.Fatal(err)
	}
	sent, _ := sentAs(b, answer)
	var body []byte
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			body, _ = sent.Append(body[:0], 0, v)
		}
	})
	b.Run("object", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sent.Object(0)
		}
	})
}
