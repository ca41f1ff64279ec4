package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/resource/resourcetest"
)

func TestUnderstandList(t *testing.T) {
	s := &Server{cfg: Config{MaxResults: 50}}
	type page struct {
		Start, Count   int
		Filter, SortBy string
		Descending     bool
	}
	tests := []struct {
		raw  string
		want page
		err  string
	}{
		{raw: "", want: page{Start: 1, Count: 50}},
		{raw: "startIndex=0&count=-1", want: page{Start: 1}},
		{raw: "startIndex=7&count=51", want: page{Start: 7, Count: 50}},
		{raw: "sortBy=USERNAME&sortOrder=Descending", want: page{Start: 1, Count: 50, SortBy: "userName", Descending: true}},
		{raw: "filter=USERNAME+Eq+%22a%22", want: page{Start: 1, Count: 50, Filter: `userName eq "a"`}},
		{raw: "filter=", err: resourcetest.BadFilter},
		{raw: "filter=JANE", err: resourcetest.BadFilter},
		{raw: "filter=active+gt+true", err: resourcetest.BadFilter},
		{raw: "sortBy=nothing", err: resourcetest.BadPath},
		{raw: "sortOrder=up", err: resourcetest.BadValue},
	}
	for _, test := range tests {
		p, err := document.ParseParameters(test.raw)
		if err != nil {
			t.Fatal(err)
		}
		c := &call{rt: resourcetest.Type(t, "User"), caller: &auth.Caller{}}
		err = s.understandList(c, p)
		if refused := resourcetest.Refusal(t, err); refused != test.err {
			t.Errorf("%q: got %q, want %q", test.raw, refused, test.err)
		}
		if err != nil {
			continue
		}
		got := page{Start: c.query.Start, Count: c.query.Count, Descending: c.query.Descending}
		if c.query.Filter != nil {
			got.Filter = c.query.Filter.String()
		}
		if c.query.SortBy != nil {
			got.SortBy = c.query.SortBy.String()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.raw, diff)
		}
	}
}
