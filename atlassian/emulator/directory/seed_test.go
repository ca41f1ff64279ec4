package directory

import (
	"strings"
	"testing"
)

func TestSameSeedSameData(t *testing.T) {
	dump := func(seed uint64) string {
		options := setup{Users: 200, Groups: 20}
		options.Seed = seed
		s := newSite(t, options)
		return string(s.SCIM(200, "GET", "/Users?startIndex=101", "").Body) + string(s.SCIM(200, "GET", "/Groups", "").Body)
	}
	first, again, other := dump(1), dump(1), dump(2)
	if first != again {
		t.Error("the same seed gave other data")
	}
	if first == other {
		t.Error("another seed gave the same data")
	}
}

func TestSeededTenant(t *testing.T) {
	s := newSite(t, setup{Users: 6000, Groups: 20, Seed: 1})
	d := s.Directory
	if got := len(d.groups[0].members); got != bigGroup {
		t.Errorf("largest group: got %d members, want %d", got, bigGroup)
	}
	names, count := map[string]bool{}, map[string]int{}
	for _, u := range d.users {
		text := string(u.json(s.tenant.Now()))
		for what, has := range map[string]bool{
			"inactive":    !u.attrs.isActive(),
			"without id":  u.attrs.ExternalID == "",
			"bare":        u.attrs.DisplayName == "",
			"same name":   names[u.attrs.DisplayName],
			"apostrophe":  strings.Contains(u.attrs.UserName, "'"),
			"plus":        strings.Contains(u.attrs.UserName, "+"),
			"upper case":  u.attrs.UserName != strings.ToLower(u.attrs.UserName),
			"ampersand":   strings.Contains(text, " & "),
			"accent":      strings.Contains(u.attrs.DisplayName, "ö"),
			"old account": len(u.account.ID) == 24,
		} {
			if has {
				count[what]++
			}
		}
		names[u.attrs.DisplayName] = true
		if i := strings.IndexFunc(u.attrs.UserName, func(r rune) bool { return r > 126 }); i >= 0 {
			t.Fatalf("address %q is not ASCII", u.attrs.UserName)
		}
	}
	for _, what := range []string{"inactive", "without id", "bare", "same name", "apostrophe", "plus", "upper case", "ampersand", "accent", "old account"} {
		if count[what] < 20 {
			t.Errorf("%s: got %d of 6000 users", what, count[what])
		}
	}
	empty := 0
	for _, g := range d.groups {
		if len(g.members) == 0 {
			empty++
		}
	}
	if empty == 0 || empty > 5 {
		t.Errorf("got %d empty groups of 20", empty)
	}
}

func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		newDirectory(setup{Users: 100_000, Groups: 200, Seed: 1})
	}
}
