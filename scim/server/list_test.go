package server_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/server"
)

// page is an answer to a list request: its numbers, and the ids of its resources.
type page struct {
	Total, Start, Items int
	IDs                 string
}

func (s *site) page(a answer) (p page, next, previous string) {
	s.Helper()
	doc := s.decoded(a)
	number := func(name string) int { f, _ := doc[name].(float64); return int(f) }
	var ids []string
	list, ok := doc["Resources"].([]any)
	if !ok {
		s.Errorf("no Resources in %s", a.body)
	}
	for _, e := range list {
		o, _ := e.(map[string]any)
		ids = append(ids, fmt.Sprint(o["id"]))
	}
	next, _ = doc["nextCursor"].(string)
	previous, _ = doc["previousCursor"].(string)
	return page{number("totalResults"), number("startIndex"), number("itemsPerPage"), strings.Join(ids, " ")}, next, previous
}

// TestListByIndex lists five users and a group.
func TestListByIndex(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.MaxResults = 4 })
	for i, name := range []string{"eve", "Bob", "ann", "dan", "cat"} {
		s.user(name, fmt.Sprintf(`"title":"t%d"`, i%2))
		s.clock.Add(1)
	}
	s.want(201, "POST", "/Groups", `{"schemas":["`+coreGroup+`"],"displayName":"Crew","members":[{"value":"1"}]}`)
	for _, test := range []struct {
		path string
		want page
	}{
		{"/Users", page{5, 1, 4, "1 2 3 4"}},
		{"/Users?startIndex=5", page{5, 5, 1, "5"}},
		{"/Users?startIndex=6", page{5, 6, 0, ""}},
		{"/Users?startIndex=0&count=2", page{5, 1, 2, "1 2"}},
		{"/Users?startIndex=2&count=2", page{5, 2, 2, "2 3"}},
		{"/Users?count=0", page{5, 1, 0, ""}},
		{"/Users?count=-1", page{5, 1, 0, ""}},
		{"/Users?sortBy=userName", page{5, 1, 4, "3 2 5 4"}},
		{"/Users?sortBy=userName&sortOrder=descending&count=2", page{5, 1, 2, "1 4"}},
		{"/Users?sortBy=title&count=5", page{5, 1, 4, "1 3 5 2"}},
		{`/Users?filter=userName eq "BOB"`, page{1, 1, 1, "2"}},
		{`/Users?filter=title eq "t0" and not (userName sw "e")`, page{2, 1, 2, "3 5"}},
		{`/Users?filter=emails[type eq "work" and value co "dan@"]`, page{1, 1, 1, "4"}},
		{`/Users?filter=meta.created gt "2026-01-02T03:04:08Z"`, page{1, 1, 1, "5"}},
		{`/Users?filter=meta.location ew "/Users/3"`, page{1, 1, 1, "3"}},
		{`/Users?filter=title eq "none"`, page{0, 1, 0, ""}},
		{`/Groups?filter=members[value eq "1"]`, page{1, 1, 1, "1"}},
		{"/Issues", page{0, 1, 0, ""}},
		{"/?count=2&startIndex=5", page{6, 5, 2, "5 1"}},
		{`/?filter=displayName eq "crew"`, page{1, 1, 1, "1"}},
	} {
		path, query, _ := strings.Cut(test.path, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, _, _ := s.page(s.want(200, "GET", path+"?"+values.Encode(), ""))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.path, diff)
		}
		body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]`
		for name := range values {
			value := fmt.Sprintf("%q", values.Get(name))
			if name == "count" || name == "startIndex" {
				value = values.Get(name)
			}
			body += fmt.Sprintf(",%q:%s", name, value)
		}
		got, _, _ = s.page(s.want(200, "POST", path+"/.search", body+"}"))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s as a search (-want +got):\n%s", test.path, diff)
		}
	}
}

// TestListShows asks for some attributes of a list.
func TestListShows(t *testing.T) {
	s := newSite(t, nil)
	s.user("ann", `"title":"Boss","externalId":"x"`)
	for query, want := range map[string][]string{
		"attributes=title":                     {"id", "schemas", "title"},
		"attributes=meta.created,externalId":   {"externalId", "id", "meta", "schemas"},
		"excludedAttributes=title,emails,meta": {"externalId", "id", "schemas", "userName"},
		"attributes=nothing":                   {"id", "schemas"},
		"":                                     {"emails", "externalId", "id", "meta", "schemas", "title", "userName"},
	} {
		list, _ := s.decoded(s.want(200, "GET", "/Users?"+query, ""))["Resources"].([]any)
		one, _ := list[0].(map[string]any)
		var names []string
		for name := range one {
			names = append(names, name)
		}
		slices.Sort(names)
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// TestListByCursor pages through users forth and back (RFC 9865), while others come
// and go.
func TestListByCursor(t *testing.T) {
	s := newSite(t, nil)
	for i := range 7 {
		s.user(fmt.Sprintf("u%d", i))
	}
	cursor := func(cursor string) string { return "/Users?count=3&cursor=" + url.QueryEscape(cursor) }
	first, second, previous := s.page(s.want(200, "GET", cursor(""), ""))
	if want := (page{7, 0, 3, "1 2 3"}); first != want || second == "" || previous != "" {
		t.Fatalf("first page %+v, next %q, previous %q", first, second, previous)
	}
	s.want(204, "DELETE", "/Users/2", "")
	s.user("late")
	got, third, back := s.page(s.want(200, "GET", cursor(second), ""))
	if want := (page{7, 0, 3, "4 5 6"}); got != want || back == "" {
		t.Errorf("second page %+v, want %+v", got, want)
	}
	got, next, _ := s.page(s.want(200, "GET", cursor(third), ""))
	if want := (page{7, 0, 1, "7"}); got != want || next != "" {
		t.Errorf("third page %+v, want %+v, next %q", got, want, next)
	}
	if got, _, _ := s.page(s.want(200, "GET", cursor(back), "")); got != first {
		t.Errorf("back at the first page: %+v, want %+v", got, first)
	}
	for path, want := range map[string]string{
		"/Users?cursor=nonsense": "invalidCursor",
		"/Users?count=3&filter=title+pr&cursor=" + url.QueryEscape(second): "invalidCursor",
		"/Groups?count=3&cursor=" + url.QueryEscape(second):                "invalidCursor",
		"/Users?count=2&cursor=" + url.QueryEscape(second):                 "invalidCount",
		"/Users?count=21&cursor=":                                          "invalidCount",
		"/Users?startIndex=1&cursor=":                                      "invalidValue",
	} {
		if e := s.decoded(s.want(400, "GET", path, "")); e["scimType"] != want {
			t.Errorf("%s: %v, want %s", path, e, want)
		}
	}
	s.clock.Add(int64(time.Hour / time.Second))
	if e := s.decoded(s.want(400, "GET", cursor(second), "")); e["scimType"] != "expiredCursor" {
		t.Errorf("an hour later: %v", e)
	}
}

// TestExport lists users without HTTP.
func TestExport(t *testing.T) {
	s := newSite(t, nil)
	for _, name := range []string{"ann", "bob", "cat"} {
		s.user(name)
	}
	got, err := s.server.Export(t.Context(), server.ExportOptions{Resource: "users", Filter: `userName gt "b"`, StartIndex: 2, Count: 5})
	if err != nil {
		t.Fatal(err)
	}
	var resources []string
	for b := range got.Resources {
		resources = append(resources, string(b))
	}
	want := []string{s.want(200, "GET", "/Users/3", "").body}
	if diff := cmp.Diff(want, resources); diff != "" || got.Total != 2 || got.Count != 1 || !got.Whole {
		t.Errorf("%d of %d, whole %t (-want +got):\n%s", got.Count, got.Total, got.Whole, diff)
	}
	for _, o := range []server.ExportOptions{{Resource: "nothing"}, {Resource: "Users", Filter: "(", Count: 1}} {
		var refusal *resource.Error
		if _, err := s.server.Export(t.Context(), o); !errors.As(err, &refusal) || refusal.Status >= 500 {
			t.Errorf("%+v: %v, want a refusal", o, err)
		}
	}
}
