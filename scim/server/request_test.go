package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/resource/resourcetest"
)

func TestParseParameters(t *testing.T) {
	tests := []struct {
		raw  string
		want parameters
		err  string
	}{
		{raw: ""},
		{raw: "aadOptscim062020"},
		{raw: "filter=userName+eq+%22a%2Bb%22", want: parameters{filter: new(`userName eq "a+b"`)}},
		{raw: "filter=", want: parameters{filter: new("")}},
		{raw: "sortBy=userName&sortOrder=up", want: parameters{sortBy: new("userName"), sortOrder: new("up")}},
		{raw: "startIndex=-3&count=+5+", want: parameters{startIndex: new(-3), count: new(5)}},
		{raw: "startIndex=&count="},
		{raw: "cursor=&count=2", want: parameters{cursor: new(""), count: new(2)}},
		{raw: "cursor=a&cursor=b", err: resourcetest.BadValue},
		{raw: "attributes=a,b,,%20c&attributes=d", want: parameters{attributes: []string{"a", "b", "c", "d"}}},
		{raw: "excludedAttributes=members", want: parameters{excludeAttributes: []string{"members"}}},
		{raw: "explain=true", want: parameters{explain: true}},
		{raw: "filter=%zz", err: resourcetest.BadSyntax},
		{raw: "filter=a;count=1", err: resourcetest.BadSyntax},
		{raw: "filter=a&filter=b", err: resourcetest.BadValue},
		{raw: "sortBy=a&sortBy=a", err: resourcetest.BadValue},
		{raw: "count=1.5", err: resourcetest.BadValue},
		{raw: "startIndex=99999999999999999999", err: resourcetest.BadValue},
	}
	for _, test := range tests {
		got, err := parseParameters(test.raw)
		if refused := resourcetest.Refusal(t, err); refused != test.err {
			t.Errorf("%q: got %q, want %q", test.raw, refused, test.err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(parameters{})); err == nil && diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.raw, diff)
		}
	}
}

func TestParseSearchRequest(t *testing.T) {
	tests := []struct {
		body string
		want parameters
		err  string
	}{
		{body: `{}`},
		{body: `{"filter":null,"count":null,"attributes":null,"cursor":null,"unknown":1}`},
		{body: `{"cursor":"","count":3}`, want: parameters{cursor: new(""), count: new(3)}},
		{body: `{"cursor":1}`, err: resourcetest.BadValue},
		{body: `{"Filter":"a","sortby":"b","SORTORDER":"c","startIndex":2,"count":0}`, want: parameters{filter: new("a"), sortBy: new("b"), sortOrder: new("c"), startIndex: new(2), count: new(0)}},
		{body: `{"attributes":["a","b"],"excludedattributes":"c, d"}`, want: parameters{attributes: []string{"a", "b"}, excludeAttributes: []string{"c", "d"}}},
		{body: `[]`, err: resourcetest.BadSyntax},
		{body: `{"filter":1}`, err: resourcetest.BadValue},
		{body: `{"count":1.5}`, err: resourcetest.BadValue},
		{body: `{"count":1e300}`, err: resourcetest.BadValue},
		{body: `{"attributes":{}}`, err: resourcetest.BadValue},
		{body: `{"attributes":[1]}`, err: resourcetest.BadValue},
	}
	for _, test := range tests {
		got, err := parseSearchRequest(decode(t, test.body))
		if refused := resourcetest.Refusal(t, err); refused != test.err {
			t.Errorf("%s: got %q, want %q", test.body, refused, test.err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(parameters{})); err == nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.body, diff)
		}
	}
}

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
		p, err := parseParameters(test.raw)
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
