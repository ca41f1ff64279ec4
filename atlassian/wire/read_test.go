package wire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/wire"
)

// whole is a user with everything that the directory sends.
const whole = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann@x.example","externalId":"e1","name":{"formatted":"Ann Bell","familyName":"Bell","givenName":"Ann","middleName":"M","honorificPrefix":"Dr","honorificSuffix":"II"},` +
	`"displayName":"Änn ☃","nickName":"A","title":"Boss","preferredLanguage":"en","timezone":"Europe/Berlin","department":"D","organization":"O",` +
	`"emails":[{"value":"ann@x.example","type":"work","primary":true},{"value":"b@x.example","primary":false,"display":"B"}],"phoneNumbers":[],` +
	`"groups":[{"type":"Group","value":"g1","display":"Staff","$ref":"https://x/Groups/g1"}],"id":"u1","active":false,` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"organization":"","department":"E"},` +
	`"urn:scim:schemas:extension:atlassian-external:1.0":{"atlassianAccountId":"5:a"},` +
	`"meta":{"resourceType":"User","location":"https://x/Users/u1","lastModified":"2021-02-16T15:05:41.185473Z","created":"2021-02-16T15:05:41Z"}}`

const least = `{"id":"u2","meta":{}}`

func page(users ...string) string {
	return `{"schemas":["x"],"totalResults":12,"startIndex":3,"itemsPerPage":2,"Resources":[` + strings.Join(users, ",") + `]}`
}

// decodedPage is a page as the decoder reads it.
type decodedPage struct {
	Schemas      []string          `json:"schemas"`
	Total        *int              `json:"totalResults"`
	StartIndex   int               `json:"startIndex"`
	ItemsPerPage int               `json:"itemsPerPage"`
	Resources    []*atlassian.User `json:"Resources"`
}

// shown is what a client can see of a user.
func shown(u *atlassian.User) atlassian.User {
	s := *u
	s.Schemas = nil
	if s.Name == nil {
		s.Name = &atlassian.Name{}
	}
	if e := s.Enterprise; e != nil {
		if e.Organization != "" {
			s.Organization = e.Organization
		}
		if e.Department != "" {
			s.Department = e.Department
		}
		s.Enterprise = nil
	}
	if s.Atlassian == nil {
		s.Atlassian = &atlassian.External{}
	}
	meta := atlassian.Meta{}
	if s.Meta != nil {
		meta = *s.Meta
	}
	meta.ResourceType, meta.Location = "", ""
	s.Meta = &meta
	s.Emails, s.PhoneNumbers = slices.Clone(s.Emails), slices.Clone(s.PhoneNumbers)
	s.Groups = slices.Clone(s.Groups)
	for i := range s.Groups {
		s.Groups[i].Ref = ""
	}
	return s
}

// read is a user of package wire in the same form.
func read(w wire.User) atlassian.User {
	text := func(b []byte) string { return string(wire.Text(b)) }
	values := func(all []wire.Element) (out []atlassian.MultiValue) {
		for _, e := range all {
			out = append(out, atlassian.MultiValue{Value: text(e.Value), Type: text(e.Type), Display: text(e.Display), Primary: e.Primary})
		}
		return out
	}
	u := atlassian.User{
		ID: text(w.ID), ExternalID: text(w.ExternalID), UserName: text(w.UserName), DisplayName: text(w.DisplayName), NickName: text(w.NickName),
		Title: text(w.Title), PreferredLanguage: text(w.PreferredLanguage), Timezone: text(w.Timezone),
		Organization: text(w.Organization), Department: text(w.Department), Emails: values(w.Emails), PhoneNumbers: values(w.PhoneNumbers),
		Name: &atlassian.Name{Formatted: text(w.Formatted), FamilyName: text(w.FamilyName), GivenName: text(w.GivenName), MiddleName: text(w.MiddleName),
			HonorificPrefix: text(w.HonorificPrefix), HonorificSuffix: text(w.HonorificSuffix)},
		Atlassian: &atlassian.External{AtlassianAccountID: text(w.AccountID)}, Meta: &atlassian.Meta{Created: w.Created, LastModified: w.LastModified},
	}
	if w.Active != wire.Unsaid {
		active := w.Active == wire.True
		u.Active = &active
	}
	for _, g := range w.Groups {
		u.Groups = append(u.Groups, atlassian.Reference{Value: text(g.Value), Display: text(g.Display), Type: text(g.Type)})
	}
	return u
}

func TestRead(t *testing.T) {
	u := wire.New()
	defer u.Free()
	if !u.Read([]byte(page(whole, least))) {
		t.Fatal("not read")
	}
	if u.Total != 12 || u.StartIndex != 3 || u.ItemsPerPage != 2 || !u.Typed || len(u.All) != 2 {
		t.Errorf("got %d, %d, %d, %v and %d users", u.Total, u.StartIndex, u.ItemsPerPage, u.Typed, len(u.All))
	}
	if got := string(u.All[0].Raw); got != whole {
		t.Errorf("the first user is %s", got)
	}
	agree(t, []byte(page(whole, least)), u)
}

// agree holds that the decoder understands the page as it was read.
func agree(t *testing.T, answer []byte, u *wire.Users) {
	t.Helper()
	var want decodedPage
	if err := json.Unmarshal(answer, &want); err != nil {
		t.Fatalf("the decoder refuses what was read, %v:\n%s", err, answer)
	}
	if want.Total == nil || *want.Total != u.Total || want.StartIndex != u.StartIndex || want.ItemsPerPage != u.ItemsPerPage || len(want.Resources) != len(u.All) {
		t.Fatalf("read %d, %d, %d and %d users, but the decoder understands %s", u.Total, u.StartIndex, u.ItemsPerPage, len(u.All), answer)
	}
	empty := cmp.FilterValues(func(a, b []atlassian.MultiValue) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
	none := cmp.FilterValues(func(a, b []atlassian.Reference) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
	for i, one := range want.Resources {
		if diff := cmp.Diff(shown(one), read(u.All[i]), empty, none); diff != "" {
			t.Fatalf("user %d of %s (-decoder +read):\n%s", i, answer, diff)
		}
	}
}

// TestNotRead holds that the decoder is asked about everything that is not of the
// usual form: what it refuses, and what it takes.
func TestNotRead(t *testing.T) {
	with := func(old, new string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("there is no %s", old)
		}
		return page(strings.Replace(whole, old, new, 1))
	}
	for name, answer := range map[string]string{
		"a member twice":          with(`"title":"Boss"`, `"title":"Boss","title":"Boss"`),
		"an empty member twice":   with(`"title":"Boss"`, `"title":"","title":"Boss"`),
		"a list twice":            with(`"phoneNumbers":[]`, `"phoneNumbers":[],"phoneNumbers":[]`),
		"an object twice":         with(`"meta":{`, `"meta":{},"meta":{`),
		"a part twice":            with(`"givenName":"Ann"`, `"givenName":"Ann","givenName":"Ann"`),
		"primary twice":           with(`"primary":true`, `"primary":true,"primary":true`),
		"an unknown member":       with(`"title":"Boss"`, `"title":"Boss","x":1`),
		"another case":            with(`"title"`, `"Title"`),
		"an escape":               with(`"Boss"`, `"B\u006fss"`),
		"an escape at the end":    page(whole)[:strings.Index(page(whole), "Boss")] + "\\",
		"a short escape":          with(`"Boss"`, `"B\nss"`),
		"a control character":     with(`Boss`, "Bo\x01ss"),
		"a line end":              with(`,"title"`, ",\n\"title\""),
		"invalid UTF-8":           with(`Boss`, "Bo\xffss"),
		"a surrogate":             with(`Boss`, "Bo\xed\xa0\x80ss"),
		"a number for a text":     with(`"title":"Boss"`, `"title":1`),
		"null for a text":         with(`"title":"Boss"`, `"title":null`),
		"a text for a boolean":    with(`"active":false`, `"active":"false"`),
		"an object for a list":    with(`"phoneNumbers":[]`, `"phoneNumbers":{}`),
		"a null element":          with(`"phoneNumbers":[]`, `"phoneNumbers":[null]`),
		"a list of lists":         with(`"phoneNumbers":[]`, `"phoneNumbers":[[]]`),
		"no such day":             with(`2021-02-16T15:05:41Z`, `2021-02-29T15:05:41Z`),
		"no such hour":            with(`2021-02-16T15:05:41Z`, `2021-02-16T24:05:41Z`),
		"another offset":          with(`2021-02-16T15:05:41Z`, `2021-02-16T15:05:41+00:00`),
		"no time":                 with(`2021-02-16T15:05:41Z`, ``),
		"a group":                 with(`"resourceType":"User"`, `"resourceType":"Group"`),
		"no id":                   with(`"id":"u1",`, ``),
		"an empty id":             with(`"id":"u1"`, `"id":""`),
		"a null user":             page(whole, "null"),
		"a comma too many":        page(whole, ""),
		"a comma too few":         page(whole + least),
		"something behind":        page(whole) + "{}",
		"cut":                     page(whole)[:len(page(whole))-2],
		"nobody":                  page(),
		"no total":                strings.Replace(page(whole), `"totalResults":12,`, ``, 1),
		"a total of 0":            strings.Replace(page(whole), `"totalResults":12,`, `"totalResults":0,`, 1),
		"a total with a fraction": strings.Replace(page(whole), `"totalResults":12,`, `"totalResults":1.5,`, 1),
		"a total with a zero":     strings.Replace(page(whole), `"totalResults":12,`, `"totalResults":012,`, 1),
		"a large total":           strings.Replace(page(whole), `"totalResults":12,`, `"totalResults":9999999999999999999,`, 1),
		"deep":                    strings.Repeat("[", 100_000),
		"nothing":                 "",
		"a text":                  `"x"`,
	} {
		u := wire.New()
		if u.Read([]byte(answer)) {
			t.Errorf("%s: read %s", name, answer)
		}
		if len(u.All) > 0 {
			t.Errorf("%s: there are %d users", name, len(u.All))
		}
		u.Free()
	}
}

// TestReadCanonical holds that what the encoder writes is read, escapes and all.
func TestReadCanonical(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	user := atlassian.User{ID: `u"1\`, UserName: "\\\"", Title: "\x01\\", DisplayName: `x"`, Emails: []atlassian.MultiValue{{}, {Value: `\\`}}, Meta: &atlassian.Meta{Created: at, LastModified: at}}
	body, err := json.Marshal(user)
	if err != nil {
		t.Fatal(err)
	}
	u := wire.New()
	defer u.Free()
	if u.ReadOne(body) {
		t.Error("escapes were read as the usual form")
	}
	if !u.ReadOneCanonical(body) {
		t.Fatalf("not read: %s", body)
	}
	if diff := cmp.Diff(shown(&user), read(u.All[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzRead holds that what is read the decoder accepts too, and understands alike.
func FuzzRead(f *testing.F) {
	f.Add([]byte(page(whole, least)))
	f.Add([]byte(page(least)))
	f.Add([]byte(`{"totalResults":1,"Resources":[{"id":"\"","title":"\\\\\""}]}`))
	f.Add([]byte(`{"totalResults":1,"Resources":[{"id":"1","active":true,"name":{},"emails":[{}],"groups":[{"value":"g"}]}]}`))
	f.Add([]byte(`{"totalResults":1,"Resources":[{"id":"1","meta":{"created":"0001-01-01T00:00:00.1Z"}},{"id":"2","title":"\u007f"}]}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		u := wire.New()
		defer u.Free()
		if u.Read(answer) {
			agree(t, answer, u)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	all := make([]string, 100)
	for i := range all {
		all[i] = whole
	}
	answer := []byte(page(all...))
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		u := wire.New()
		if !u.Read(answer) {
			b.Fatal("not read")
		}
		u.Free()
	}
}

// wholeGroup is a group with everything that the directory sends.
const wholeGroup = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","externalId":"e1","displayName":"Stäff",` +
	`"members":[{"type":"User","value":"u1","display":"Ann Bell","$ref":"https://x/Users/u1"},{"value":"u2"},{}],` +
	`"meta":{"resourceType":"Group","location":"https://x/Groups/g1","lastModified":"2021-02-16T15:05:41.185473Z","created":"2021-02-16T15:05:41Z"}}`

// agreeOnGroup holds that the decoder understands the group as it was read.
func agreeOnGroup(t *testing.T, answer []byte, g *wire.Group) {
	t.Helper()
	var want atlassian.Group
	if err := json.Unmarshal(answer, &want); err != nil {
		t.Fatalf("the decoder refuses what was read, %v:\n%s", err, answer)
	}
	if want.Meta == nil {
		want.Meta = &atlassian.Meta{}
	}
	if kind := want.Meta.ResourceType; kind != "" && kind != "Group" {
		t.Fatalf("a %s was read as a group", kind)
	}
	text := func(b []byte) string { return string(wire.Text(b)) }
	got := atlassian.Group{ID: text(g.ID), ExternalID: text(g.ExternalID), DisplayName: text(g.DisplayName), Meta: &atlassian.Meta{Created: g.Created, LastModified: g.LastModified}}
	if g.Listed {
		got.Members = []atlassian.Reference{}
	}
	for _, m := range g.Members {
		got.Members = append(got.Members, atlassian.Reference{Value: text(m.Value), Display: text(m.Display), Type: text(m.Type)})
	}
	want.Schemas, want.Meta.ResourceType, want.Meta.Location = nil, "", ""
	for i := range want.Members {
		want.Members[i].Ref = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-decoder +read):\n%s", answer, diff)
	}
}

func TestReadGroup(t *testing.T) {
	for _, answer := range []string{wholeGroup, `{"id":"g"}`, `{"id":"g","members":[]}`, `{"members":[{"value":"u1"}],"id":"g","meta":{}}`} {
		g := wire.NewGroup()
		if !g.Read([]byte(answer)) {
			t.Errorf("not read: %s", answer)
		}
		if got := string(g.Raw); got != answer {
			t.Errorf("the group is %s, want %s", got, answer)
		}
		agreeOnGroup(t, []byte(answer), g)
		g.Free()
	}
}

// TestGroupNotRead is TestNotRead for a group.
func TestGroupNotRead(t *testing.T) {
	with := func(old, new string) string {
		if !strings.Contains(wholeGroup, old) {
			t.Fatalf("there is no %s", old)
		}
		return strings.Replace(wholeGroup, old, new, 1)
	}
	for name, answer := range map[string]string{
		"a member twice":        with(`"externalId":"e1"`, `"externalId":"e1","externalId":"e1"`),
		"members twice":         with(`"meta"`, `"members":[],"meta"`),
		"meta twice":            with(`"meta":{`, `"meta":{},"meta":{`),
		"a value twice":         with(`"value":"u2"`, `"value":"u2","value":"u2"`),
		"a $ref twice":          with(`"$ref":"`, `"$ref":"","$ref":"`),
		"an unknown member":     with(`"value":"u2"`, `"value":"u2","x":1`),
		"a member of a user":    with(`"displayName"`, `"userName"`),
		"another case":          with(`"members"`, `"Members"`),
		"an escape":             with(`Ann Bell`, `Ann \u0042ell`),
		"a control character":   with(`Ann Bell`, "Ann\x01Bell"),
		"invalid UTF-8":         with(`Ann Bell`, "Ann\xffBell"),
		"white space":           with(`,"value"`, `, "value"`),
		"a number for a text":   with(`"value":"u2"`, `"value":2`),
		"null for a text":       with(`"value":"u2"`, `"value":null`),
		"null for members":      with(`"members":[{"type":"User","value":"u1","display":"Ann Bell","$ref":"https://x/Users/u1"},{"value":"u2"},{}]`, `"members":null`),
		"a null member":         with(`{"value":"u2"}`, `null`),
		"a text for a member":   with(`{"value":"u2"}`, `"u2"`),
		"a list for a member":   with(`{"value":"u2"}`, `[]`),
		"a list in a member":    with(`"value":"u2"`, `"value":["u2"]`),
		"no such day":           with(`2021-02-16T15:05:41Z`, `2021-02-30T15:05:41Z`),
		"a user":                with(`"resourceType":"Group"`, `"resourceType":"User"`),
		"no id":                 with(`"id":"g1",`, ``),
		"an empty id":           with(`"id":"g1"`, `"id":""`),
		"a comma too many":      with(`{"value":"u2"},`, `{"value":"u2"},,`),
		"a comma at the end":    with(`,{}]`, `,]`),
		"a comma too few":       with(`{"value":"u2"},`, `{"value":"u2"}`),
		"something behind":      wholeGroup + "{}",
		"cut":                   wholeGroup[:len(wholeGroup)-2],
		"cut among the members": wholeGroup[:strings.Index(wholeGroup, `,{}]`)],
		"a list":                "[" + wholeGroup + "]",
		"deep":                  `{"id":"g1","members":` + strings.Repeat("[", 100_000),
		"nothing":               "",
	} {
		g := wire.NewGroup()
		if g.Read([]byte(answer)) {
			t.Errorf("%s: read %s", name, answer)
		}
		if g.ID != nil || g.Listed || len(g.Members) > 0 || g.Raw != nil {
			t.Errorf("%s: something is left of it", name)
		}
		g.Free()
	}
}

// FuzzReadGroup is FuzzRead for a group.
func FuzzReadGroup(f *testing.F) {
	f.Add([]byte(wholeGroup))
	f.Add([]byte(`{"id":"g","members":[]}`))
	f.Add([]byte(`{"id":"g","members":[{"value":"u","primary":true}],"meta":{"created":"0001-01-01T00:00:00.1Z"}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		g := wire.NewGroup()
		defer g.Free()
		if g.Read(answer) {
			agreeOnGroup(t, answer, g)
		}
	})
}

// largeGroup is a group of so many members, as the directory answers with it.
func largeGroup(members int) []byte {
	b := []byte(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"Large","members":[`)
	for i := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"type":"User","value":"0d1ec701-0000-4000-8000-%012d","display":"Ann Bell %d","$ref":"https://api.atlassian.com/scim/directory/0d1ec701-0000-4000-8000-000000000001/Users/0d1ec701-0000-4000-8000-%012d"}`, i, i, i)
	}
	return append(b, `],"meta":{"resourceType":"Group","location":"https://x/Groups/g1","lastModified":"2021-02-16T15:05:41.185473Z","created":"2021-02-16T15:05:41Z"}}`...)
}

func BenchmarkReadGroup(b *testing.B) {
	answer := largeGroup(50_000)
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		g := wire.NewGroup()
		if !g.Read(answer) {
			b.Fatal("not read")
		}
		g.Free()
	}
}
