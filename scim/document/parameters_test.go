package document

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/resource/resourcetest"
)

func TestParseParameters(t *testing.T) {
	tests := []struct {
		raw  string
		want Parameters
		err  string
	}{
		{raw: ""},
		{raw: "aadOptscim062020"},
		{raw: "filter=userName+eq+%22a%2Bb%22", want: Parameters{Filter: new(`userName eq "a+b"`)}},
		{raw: "filter=", want: Parameters{Filter: new("")}},
		{raw: "sortBy=userName&sortOrder=up", want: Parameters{SortBy: new("userName"), SortOrder: new("up")}},
		{raw: "startIndex=-3&count=+5+", want: Parameters{StartIndex: new(-3), Count: new(5)}},
		{raw: "startIndex=&count="},
		{raw: "cursor=&count=2", want: Parameters{Cursor: new(""), Count: new(2)}},
		{raw: "cursor=a&cursor=b", err: resourcetest.BadValue},
		{raw: "attributes=a,b,,%20c&attributes=d", want: Parameters{Attributes: []string{"a", "b", "c", "d"}}},
		{raw: "excludedAttributes=members", want: Parameters{ExcludeAttributes: []string{"members"}}},
		{raw: "explain=true", want: Parameters{Explain: true}},
		{raw: "filter=%zz", err: resourcetest.BadSyntax},
		{raw: "filter=a;count=1", err: resourcetest.BadSyntax},
		{raw: "filter=a&filter=b", err: resourcetest.BadValue},
		{raw: "sortBy=a&sortBy=a", err: resourcetest.BadValue},
		{raw: "count=1.5", err: resourcetest.BadValue},
		{raw: "startIndex=99999999999999999999", err: resourcetest.BadValue},
	}
	for _, test := range tests {
		got, err := ParseParameters(test.raw)
		if refused := resourcetest.Refusal(t, err); refused != test.err {
			t.Errorf("%q: got %q, want %q", test.raw, refused, test.err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Parameters{})); err == nil && diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.raw, diff)
		}
	}
}

func TestParseSearchRequest(t *testing.T) {
	tests := []struct {
		body string
		want Parameters
		err  string
	}{
		{body: `{}`},
		{body: `{"filter":null,"count":null,"attributes":null,"cursor":null,"unknown":1}`},
		{body: `{"cursor":"","count":3}`, want: Parameters{Cursor: new(""), Count: new(3)}},
		{body: `{"cursor":1}`, err: resourcetest.BadValue},
		{body: `{"Filter":"a","sortby":"b","SORTORDER":"c","startIndex":2,"count":0}`, want: Parameters{Filter: new("a"), SortBy: new("b"), SortOrder: new("c"), StartIndex: new(2), Count: new(0)}},
		{body: `{"attributes":["a","b"],"excludedattributes":"c, d"}`, want: Parameters{Attributes: []string{"a", "b"}, ExcludeAttributes: []string{"c", "d"}}},
		{body: `[]`, err: resourcetest.BadSyntax},
		{body: `{"filter":1}`, err: resourcetest.BadValue},
		{body: `{"count":1.5}`, err: resourcetest.BadValue},
		{body: `{"count":1e300}`, err: resourcetest.BadValue},
		{body: `{"attributes":{}}`, err: resourcetest.BadValue},
		{body: `{"attributes":[1]}`, err: resourcetest.BadValue},
	}
	for _, test := range tests {
		got, err := ParseSearchRequest(decode(t, test.body))
		if refused := resourcetest.Refusal(t, err); refused != test.err {
			t.Errorf("%s: got %q, want %q", test.body, refused, test.err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Parameters{})); err == nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.body, diff)
		}
	}
}
