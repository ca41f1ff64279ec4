package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"scim-atlassian/atlassian/emulator"
)

// BenchmarkLargeGroup measures what identity clients do to one group of 50,000
// members: B-from-Atlassian/op are the bytes of Atlassian's answers, B-to-client/op
// those of the server's, none for a change of so many members.
//
//	go test ./scim -run '^$' -bench LargeGroup -benchtime 5x
func BenchmarkLargeGroup(b *testing.B) {
	const members = 50_000
	e := emulator.New(emulator.Options{Users: members + 1, Seed: 1})
	var sent atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.ServeHTTP(countingWriter{w, &sent}, r)
	}))
	b.Cleanup(upstream.Close)
	facade, direct := benchFacade(b, upstream.URL), benchProxy(b, upstream.URL)
	ids := everyID(b, direct)
	group, guest := createGroup(b, direct, ids[:members]), ids[members]

	patch := func(op string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + op + `]}`
	}
	add := patch(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, guest))
	remove := patch(fmt.Sprintf(`{"op":"remove","path":"members","value":[{"value":%q}]}`, guest))
	filter := func(text string) string {
		return "/Groups?attributes=displayName&" + url.Values{"filter": {text}}.Encode()
	}
	for _, bench := range []struct{ name, method, path, body, undo string }{
		{"add", http.MethodPatch, "/Groups/" + group, add, remove},
		{"remove", http.MethodPatch, "/Groups/" + group, remove, add},
		{"GETWithoutMembers", http.MethodGet, "/Groups/" + group + "?excludedAttributes=members", "", ""},
		{"GET", http.MethodGet, "/Groups/" + group, "", ""},
		{"filterByMember", http.MethodGet, filter(fmt.Sprintf("members.value eq %q", ids[0])), "", ""},
		{"filterByIdAndMember", http.MethodGet, filter(fmt.Sprintf("id eq %q and members[value eq %q]", group, ids[0])), "", ""},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var calls, fromAtlassian, toClient int64
			for b.Loop() {
				if bench.undo != "" {
					b.StopTimer()
					facade.do(b, bench.method, bench.path, bench.undo)
					b.StartTimer()
				}
				e.ClearLog()
				sent.Store(0)
				toClient += int64(len(facade.do(b, bench.method, bench.path, bench.body)))
				fromAtlassian += sent.Load()
				calls += int64(len(e.Log()))
			}
			n := float64(b.N)
			b.ReportMetric(float64(calls)/n, "upstream/op")
			b.ReportMetric(float64(fromAtlassian)/n, "B-from-Atlassian/op")
			b.ReportMetric(float64(toClient)/n, "B-to-client/op")
		})
	}
}

// everyID reads the ids of all users.
func everyID(b *testing.B, site benchSite) []string {
	var ids []string
	for {
		var page struct {
			TotalResults int
			Resources    []benchUser
		}
		path := fmt.Sprintf("/Users?attributes=userName&count=100&startIndex=%d", len(ids)+1)
		if err := json.Unmarshal(site.do(b, http.MethodGet, path, ""), &page); err != nil {
			b.Fatal(err)
		}
		for _, user := range page.Resources {
			ids = append(ids, user.ID)
		}
		if len(ids) >= page.TotalResults || len(page.Resources) == 0 {
			return ids
		}
	}
}

// createGroup makes a group of the members and returns its id.
func createGroup(b *testing.B, site benchSite, members []string) string {
	list := make([]string, len(members))
	for i, id := range members {
		list[i] = fmt.Sprintf(`{"value":%q}`, id)
	}
	body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Large","members":[` + strings.Join(list, ",") + `]}`
	var group benchUser
	if err := json.Unmarshal(site.do(b, http.MethodPost, "/Groups", body), &group); err != nil {
		b.Fatal(err)
	}
	return group.ID
}

// countingWriter counts the bytes of an answer.
type countingWriter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (w countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes.Add(int64(n))
	return n, err
}
