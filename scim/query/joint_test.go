package query

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var jointSchema = Join("the server root", userSchema, groupSchema)

// TestNarrowMeansTheSame holds that a filter over several types, narrowed to one,
// is true of the same resources of it.
func TestNarrowMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]*Schema{userSchema, groupSchema}).Draw(t, "type")
		o := drawResource(t, s)
		o.Set("meta", Object{{"resourceType", s.ResourceType}})
		e := drawFilter(t, jointSchema)
		narrow := jointSchema.Narrow(e, s)
		if got, want := Match(narrow, o), Match(e, o); got != want {
			t.Fatalf("%s\nof a %s is %s\n%v: got %v, want %v", e, s.ResourceType, narrow, o, got, want)
		}
	})
}

func TestNarrow(t *testing.T) {
	for _, tt := range []struct{ filter, user, group string }{
		{`userName eq "a"`, `userName eq "a"`, `false`},
		{`userName ne "a"`, `userName ne "a"`, `true`},
		{`not (userName pr)`, `not (userName pr)`, `true`},
		{`emails[type eq "work" and value co "a"]`, `emails[type eq "work" and value co "a"]`, `false`},
		{`displayName eq "a"`, `displayName eq "a"`, `displayName eq "a"`},
		{userURN + `:displayName eq "a"`, `displayName eq "a"`, `false`},
		{groupURN + `:displayName ne "a"`, `true`, `displayName ne "a"`},
		{`meta.resourceType eq "User" and displayName pr`, `displayName pr`, `false`},
		{`meta[resourceType eq "User"] or displayName pr`, `true`, `displayName pr`},
		{`meta.resourceType sw "G"`, `false`, `true`},
		{`members.value eq "1" or userName eq "a"`, `userName eq "a"`, `members.value eq "1"`},
	} {
		e, err := Parse(jointSchema, tt.filter, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if user, group := jointSchema.Narrow(e, userSchema).String(), jointSchema.Narrow(e, groupSchema).String(); user != tt.user || group != tt.group {
			t.Errorf("%s\n got %s, %s\nwant %s, %s", tt.filter, user, group, tt.user, tt.group)
		}
	}
}

func TestJointProjection(t *testing.T) {
	for _, tt := range []struct{ attributes, excluded, shown, hidden string }{
		{"", "", "userName members displayName", ""},
		{"userName,members", "", "id userName members", "displayName emails"},
		{groupURN, "", "id displayName members", "userName"},
		{"", "members", "userName displayName", "members"},
	} {
		p, err := jointSchema.Project(names(tt.attributes), names(tt.excluded))
		if err != nil {
			t.Fatal(err)
		}
		for list, want := range map[string]bool{tt.shown: true, tt.hidden: false} {
			for _, name := range strings.Fields(list) {
				if got := p.Wants(name); got != want {
					t.Errorf("attributes=%s excludedAttributes=%s: wants %s: %v", tt.attributes, tt.excluded, name, got)
				}
			}
		}
	}
}
