package scim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// BenchmarkBesideProxy measures the same request through the facade and through
// a plain reverse proxy to the same emulator, with real HTTP on both sides of
// either, each from the same 1,000 users. cpu-µs/op is the CPU of the whole
// process, client and emulator included, so the ratio of facade to proxy is
// that of a deployment in which everything runs on one machine; upstream/op is
// the requests Atlassian got.
//
// On a noisy machine the median ratio of several runs tells more than one run:
//
//	for i in 1 2 3 4 5 6 7; do go test ./scim -run '^$' -bench BesideProxy -benchtime 500x; done
func BenchmarkBesideProxy(b *testing.B) {
	e := emulator.New(emulator.Options{Users: 1000, Groups: 10, Seed: 1})
	upstream := httptest.NewServer(e)
	b.Cleanup(upstream.Close)
	facade, proxy := benchFacade(b, upstream.URL), benchProxy(b, upstream.URL)
	users := benchUsers(b, proxy)

	one := users[len(users)/2]
	eq := "?" + url.Values{"filter": {`userName eq "` + one.UserName + `"`}}.Encode()
	patch := func(i int) string {
		return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":%t}]}`, i%2 == 0)
	}
	post := func(i int) string {
		return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bench%d@demo.example","name":{"givenName":"B","familyName":"%d"},"emails":[{"value":"bench%d@demo.example","type":"work","primary":true}],"active":true}`, i, i, i)
	}
	for _, bench := range []struct {
		name, method, path string
		body               func(i int) string
	}{
		{"GET", http.MethodGet, "/Users/" + one.ID, nil},
		{"eq", http.MethodGet, "/Users" + eq, nil},
		{"page100", http.MethodGet, "/Users?startIndex=1&count=100", nil},
		{"PATCH", http.MethodPatch, "/Users/" + one.ID, patch},
		{"POST", http.MethodPost, "/Users", post},
	} {
		serial := 0
		for _, via := range []struct {
			name string
			site benchSite
		}{{"proxy", proxy}, {"facade", facade}} {
			b.Run(bench.name+"/"+via.name, func(b *testing.B) {
				e.Reset() // what POST left behind would make the next run dearer
				before := cpu()
				for b.Loop() {
					serial++
					body := ""
					if bench.body != nil {
						body = bench.body(serial)
					}
					via.site.do(b, bench.method, bench.path, body)
				}
				b.ReportMetric((cpu()-before)/float64(b.N), "cpu-µs/op")
				b.ReportMetric(float64(len(e.Log()))/float64(b.N), "upstream/op")
			})
		}
	}
}

// benchSite is where a request goes and as whom.
type benchSite struct{ base, token string }

func (s benchSite) do(b *testing.B, method, path, body string) []byte {
	req, err := http.NewRequestWithContext(b.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		b.Fatalf("%s %s: %s %v %s", method, path, resp.Status, err, answer)
	}
	return answer
}

func benchProxy(b *testing.B, upstream string) benchSite {
	target, err := url.Parse(upstream)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(httputil.NewSingleHostReverseProxy(target))
	b.Cleanup(server.Close)
	return benchSite{server.URL + "/scim/directory/" + emulator.DirectoryID, emulator.DirectoryKey}
}

func benchFacade(b *testing.B, upstream string) benchSite {
	handler := serverOver(b, upstream, atlassian.Config{}, scim.Config{Callers: []scim.Caller{bearer("bench", scim.Write)}})
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	return benchSite{server.URL + scim.BasePath, "bench"}
}

type benchUser struct{ ID, UserName string }

// benchUsers reads some users of the emulator.
func benchUsers(b *testing.B, site benchSite) []benchUser {
	var list struct{ Resources []benchUser }
	if err := json.Unmarshal(site.do(b, http.MethodGet, "/Users?count=100", ""), &list); err != nil {
		b.Fatal(err)
	}
	return list.Resources
}

// cpu is the CPU time that the process has used, in microseconds.
func cpu() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1000
}
