package jira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator/tenant"
)

// TestEveryPageSaysWhetherItIsTheLast follows every list that Jira gives in pages
// to its end: isLast is on each page, true on the last alone. Clients that find
// it absent take a page for the last, or never end.
func TestEveryPageSaysWhetherItIsTheLast(t *testing.T) {
	s := newSite(t, setup{Users: 12, Projects: 3, Issues: 60, Seed: 1, Groups: []tenant.Group{{ID: "g1", Name: "One"}, {ID: "g2", Name: "Two"}, {ID: "g3", Name: "Three"}}})
	everyone := url.Values{}
	for _, u := range get[[]userJSON](s, "/users/search") {
		everyone.Add("accountId", u.AccountID)
	}
	for _, path := range []string{"/project/search", "/priority/search", "/resolution/search", "/label", "/group/bulk", "/user/bulk?" + everyone.Encode()} {
		pages := lastPages(t, func(start int, _ string) answer {
			joint := "?"
			if strings.Contains(path, "?") {
				joint = "&"
			}
			return s.do("GET", fmt.Sprintf("%s%sstartAt=%d&maxResults=2", path, joint, start), nil)
		})
		if pages < 2 {
			t.Errorf("%s has %d pages, want several", path, pages)
		}
	}
	for name, search := range map[string]func(token string) answer{
		"GET": func(token string) answer {
			return s.do("GET", "/search/jql?"+url.Values{"jql": {"project in (ENG, OPS, HR) ORDER BY key"}, "maxResults": {"7"}, "nextPageToken": {token}}.Encode(), nil)
		},
		"POST": func(token string) answer {
			body := map[string]any{"jql": "project in (ENG, OPS, HR) ORDER BY key", "maxResults": 7, "fields": []string{"summary"}}
			if token != "" {
				body["nextPageToken"] = token
			}
			return s.do("POST", "/search/jql", body)
		},
		"nothing found": func(string) answer {
			return s.do("POST", "/search/jql", map[string]any{"jql": `key = ENG-1 AND key = ENG-2`})
		},
	} {
		pages := lastPages(t, func(_ int, token string) answer { return search(token) })
		if want := map[string]int{"GET": 9, "POST": 9, "nothing found": 1}[name]; pages != want {
			t.Errorf("search, %s: %d pages, want %d", name, pages, want)
		}
	}
}

// lastPages reads pages until isLast is true and returns how many there were.
func lastPages(t *testing.T, page func(start int, token string) answer) int {
	t.Helper()
	start, token := 0, ""
	for n := 1; n < 100; n++ {
		a := page(start, token)
		var bean struct {
			IsLast         *bool
			NextPageToken  string
			Values, Issues []json.RawMessage
		}
		if err := json.Unmarshal([]byte(a.body), &bean); err != nil || a.status != http.StatusOK || bean.IsLast == nil {
			t.Fatalf("page %d: %d, %v, no isLast in %.300s", n, a.status, err, a.body)
		}
		if *bean.IsLast {
			if bean.NextPageToken != "" {
				t.Errorf("page %d is the last and has a token for another one", n)
			}
			return n
		}
		start += len(bean.Values)
		if token = bean.NextPageToken; len(bean.Values)+len(bean.Issues) == 0 || (bean.Issues != nil) != (token != "") {
			t.Fatalf("page %d leads nowhere: %.300s", n, a.body)
		}
	}
	t.Fatal("no page is the last")
	return 0
}
