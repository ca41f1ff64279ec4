package server

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestBaseURL covers what a proxy says, and who is believed.
func TestBaseURL(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	type header = map[string]string
	forwarded := header{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "scim.example:8443", "X-Forwarded-Prefix": "/atlassian/"}
	for _, test := range []struct {
		name, public, peer string
		tls                bool
		header             header
		want               string
	}{
		{name: "plain", peer: "192.0.2.1:1", want: "http://facade:7001/scim/v2"},
		{name: "TLS", peer: "192.0.2.1:1", tls: true, want: "https://facade:7001/scim/v2"},
		{name: "stranger", peer: "192.0.2.1:1", header: forwarded, want: "http://facade:7001/scim/v2"},
		{name: "trusted", peer: "10.1.2.3:99", header: forwarded, want: "https://scim.example:8443/atlassian/scim/v2"},
		{name: "trusted, IPv4 in IPv6", peer: "[::ffff:10.1.2.3]:99", header: forwarded, want: "https://scim.example:8443/atlassian/scim/v2"},
		{name: "trusted, IPv6", peer: "[fd00::1]:99", header: forwarded, want: "https://scim.example:8443/atlassian/scim/v2"},
		{name: "no address", peer: "@", header: forwarded, want: "http://facade:7001/scim/v2"},
		{name: "public URL wins", public: "https://fixed.example", peer: "10.1.2.3:99", header: forwarded, want: "https://fixed.example/scim/v2"},
		{name: "only the scheme", peer: "10.1.2.3:99", header: header{"X-Forwarded-Proto": "HTTPS"}, want: "https://facade:7001/scim/v2"},
		{name: "two proxies", peer: "10.1.2.3:99", header: header{"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "a.example, b.internal"}, want: "https://a.example/scim/v2"},
		{name: "RFC 7239", peer: "10.1.2.3:99", header: header{"Forwarded": `for=192.0.2.60;Proto=https; host="[2001:db8::1]:443", for=10.0.0.1;proto=http`, "X-Forwarded-Host": "other.example"}, want: "https://[2001:db8::1]:443/scim/v2"},
		{name: "nonsense", peer: "10.1.2.3:99", header: header{"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": `evil.example/"><script>`, "X-Forwarded-Prefix": "//evil.example"}, want: "http://facade:7001/scim/v2"},
		{name: "more nonsense", peer: "10.1.2.3:99", header: header{"Forwarded": `;=;proto;host=a b;"`, "X-Forwarded-Prefix": "/a/../b?x"}, want: "http://facade:7001/scim/v2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &Server{cfg: Config{PublicURL: test.public, TrustedProxies: trusted}}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/scim/v2/Users", nil)
			r.Host, r.RemoteAddr = "facade:7001", test.peer
			if test.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			if got := s.baseURL(r); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
