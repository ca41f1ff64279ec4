package directory

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// randomGroup is a group with the texts and times of a random user, and so many members.
func randomGroup(r *rand.Rand, members int) *atlassian.Group {
	u := randomUser(r)
	g := &atlassian.Group{ID: u.ID, ExternalID: u.ExternalID, DisplayName: u.DisplayName, Meta: u.Meta}
	if g.Meta != nil {
		g.Meta.ResourceType = "Group"
	}
	if members > 0 || r.IntN(2) > 0 {
		g.Members = []atlassian.Reference{}
	}
	for range members {
		m := randomUser(r)
		g.Members = append(g.Members, atlassian.Reference{Value: m.UserName, Display: m.DisplayName, Type: m.Title, Ref: m.NickName})
	}
	return g
}

// sentGroupAs returns the group of an answer as it is shown from bytes, and as it is when decoded.
func sentGroupAs(t testing.TB, answer []byte) (*sentGroup, query.Object) {
	t.Helper()
	var decoded atlassian.Group
	if err := json.Unmarshal(answer, &decoded); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	g := wire.NewGroup()
	if !g.Read(answer) && !g.ReadCanonical(answer) {
		t.Fatalf("not read: %s", answer)
	}
	return newSentGroup(g), groupObject(&decoded)
}

// TestSentGroup holds that what a group shows from the bytes that Atlassian sent is, to
// the byte, what its object shows, with any attributes.
func TestSentGroup(t *testing.T) {
	rt := typeNamed(t, "Group")
	var views []resource.View
	for _, names := range []struct{ attributes, excluded []string }{{}, {excluded: []string{"members"}}, {attributes: []string{"displayName"}}, {attributes: []string{"members.value"}}, {excluded: []string{"members", "meta"}}} {
		want, err := rt.Schema.Project(names.attributes, names.excluded)
		if err != nil {
			t.Fatal(err)
		}
		views = append(views, resource.View{Type: rt, Collection: "https://scim.example/scim/v2/Groups", Want: want, Versioned: true})
	}
	views[0].Want = rt.Shown
	written := make([]int, len(views))
	random := rand.New(rand.NewPCG(14, 15))
	for range 3_000 {
		answer, err := json.Marshal(randomGroup(random, random.IntN(4)))
		if err != nil {
			t.Fatal(err)
		}
		sent, want := sentGroupAs(t, answer)
		if got := sent.Object(0); string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
			t.Fatalf("%s: the object (-decoded +sent):\n%s", answer, cmp.Diff(want, got))
		}
		if got, want := sent.Version(0), query.Version(want); got != want {
			t.Fatalf("%s: the version is %s, want %s", answer, got, want)
		}
		if got, want := sent.head(), want.Without("members"); string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
			t.Fatalf("%s: without members it is %s, want %s", answer, got.AppendJSON(nil), want.AppendJSON(nil))
		}
		for i, v := range views {
			got, ok := sent.Append([]byte("x"), 0, v)
			if !ok {
				continue
			}
			written[i]++
			if want := "x" + rendered(v, want); string(got) != want {
				t.Fatalf("%s:\n got %s\nwant %s", answer, got, want)
			}
		}
		sent.Release()
	}
	for i, v := range views {
		if !v.Want.Wants("members") && written[i] != 3_000 {
			t.Errorf("view %d was written from bytes %d times", i, written[i])
		}
	}
}

// TestSentGroupDate is TestSentDate for a group.
func TestSentGroupDate(t *testing.T) {
	sent, _ := sentGroupAs(t, []byte(`{"id":"g1","members":[{"value":"u1"}],"meta":{"resourceType":"Group","lastModified":"2026-01-02T03:04:05.600Z"}}`))
	defer sent.Release()
	at := time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC)
	for _, test := range []struct{ set, want time.Time }{{at.Add(-time.Hour), at}, {time.Time{}, at}, {at.Add(time.Second), at.Add(time.Second)}} {
		sent.Date(0, test.set)
		if got, _ := sent.Object(0).Inner("meta").Get("lastModified"); got != test.want {
			t.Errorf("after %v it is %v, want %v", test.set, got, test.want)
		}
	}
	if got, want := sent.Version(0), query.Version(sent.Object(0)); got != want {
		t.Errorf("the version is %s, want %s", got, want)
	}
}

// TestUnmet counts what members lack of a change.
func TestUnmet(t *testing.T) {
	for _, test := range []struct {
		change  memberChange
		members []string
		want    int
	}{
		{memberChange{added: []string{"a", "b"}}, []string{"a", "b", "c"}, 0},
		{memberChange{added: []string{"a", "b", "b"}}, []string{"a"}, 2},
		{memberChange{removed: []string{"a", "b"}}, []string{"b", "c"}, 1},
		{memberChange{added: []string{"a"}, only: true}, []string{"a"}, 0},
		{memberChange{added: []string{"a"}, only: true}, []string{"b", "c"}, 3},
		{memberChange{only: true}, nil, 0},
	} {
		asBytes := func(yield func([]byte) bool) {
			for _, id := range test.members {
				if !yield([]byte(id)) {
					return
				}
			}
		}
		if got := unmet(test.change, asBytes); got != test.want {
			t.Errorf("%+v with the members %q: %d, want %d", test.change, test.members, got, test.want)
		}
	}
}
