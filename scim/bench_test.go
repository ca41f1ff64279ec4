package scim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

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
	handler := serverOver(b, upstream, atlassian.Config{}, scim.Config{Callers: []auth.Caller{bearer("bench", auth.Write)}})
	srv := httptest.NewServer(handler)
	b.Cleanup(srv.Close)
	return benchSite{srv.URL + server.BasePath, "bench"}
}

type benchUser struct{ ID, UserName string }
