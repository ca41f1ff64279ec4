package scim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
)

// atPage has change happen before upstream answers the nth page of users from
// now on, or before every one for n = 0.
func (k *kept) atPage(n int64, change func()) {
	var pages atomic.Int64
	before := func(r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/Users") {
			if p := pages.Add(1); p == n || n == 0 {
				change()
			}
		}
	}
	k.before.Store(&before)
}

// direct makes a request of the emulator past the server.
func (k *kept) direct(t *testing.T, method, path, body string) (document map[string]any) {
	r := httptest.NewRequestWithContext(t.Context(), method, "/scim/directory/"+emulator.DirectoryID+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey)
	w := httptest.NewRecorder()
	if k.emulator.ServeHTTP(w, r); w.Code >= 300 {
		t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	_ = json.Unmarshal(w.Body.Bytes(), &document) // there may be none
	return document
}

// TestScanWhileListChanges changes the list before each of the pages of a scan
// in turn, as a deletion and a creation that leave the total as it is, and each
// alone. Who was there all the time is found once.
func TestScanWhileListChanges(t *testing.T) {
	const users, pages = 450, 5
	for _, test := range []struct {
		name           string
		remove, create bool
		most           int // calls
	}{
		{"deletion and creation", true, true, 2 * pages},
		{"deletion", true, false, 2 * pages},
		{"creation", false, true, pages + 1}, // only the end is read again
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for page := int64(1); page <= pages; page++ {
				k := newKept(t, emulator.Options{Users: users, Seed: 1}, atlassian.Config{MaxConcurrent: 1}) // one page after the other
				before := k.find(t, "/Users", "emails pr", "attributes", "id").ids()
				k.waited.Add(1 << 50)
				k.atPage(page, func() {
					if test.create {
						k.direct(t, http.MethodPost, "/Users", userBody("new@demo.example"))
					}
					if test.remove {
						k.direct(t, http.MethodDelete, "/Users/"+before[50], "")
					}
				})
				after := k.find(t, "/Users", "emails pr", "attributes", "id")
				seen := map[string]int{}
				for _, id := range after.ids() {
					seen[id]++
				}
				for i, id := range before {
					if i != 50 && seen[id] != 1 {
						t.Errorf("changed before page %d: user %d is there %d times", page, i, seen[id])
					}
				}
				if after.TotalResults != len(seen) || after.calls > test.most {
					t.Errorf("changed before page %d: totalResults %d for %d users, %d calls, at most %d wanted", page, after.TotalResults, len(seen), after.calls, test.most)
				}
			}
		})
	}
}

// TestScanOfRestlessList has the list change before every page. Who is there all
// the time is found once.
func TestScanOfRestlessList(t *testing.T) {
	k := newKept(t, emulator.Options{Users: 450, Seed: 1}, atlassian.Config{MaxConcurrent: 1})
	ids := k.find(t, "/Users", "emails pr", "attributes", "id").ids()
	gone := 0
	k.waited.Add(1 << 50)
	k.atPage(0, func() {
		k.direct(t, http.MethodDelete, "/Users/"+ids[gone], "")
		k.direct(t, http.MethodPost, "/Users", userBody(ids[gone]+"@demo.example"))
		gone++
	})
	found := k.find(t, "/Users", "emails pr", "attributes", "id")
	seen := map[string]int{}
	for _, id := range found.ids() {
		seen[id]++
	}
	for i, id := range ids[gone:] {
		if seen[id] != 1 {
			t.Errorf("user %d is there %d times", gone+i, seen[id])
		}
	}
	if len(seen) != found.TotalResults || found.calls > 12 {
		t.Errorf("totalResults %d for %d users, %d calls, at most 12 wanted", found.TotalResults, len(seen), found.calls)
	}
}
