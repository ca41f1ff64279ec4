package origin_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/origin"
)

// TestURL covers what a proxy says, and who is believed.
func TestURL(t *testing.T) {
	trusted := networks(t, "10.0.0.0/8", "fd00::/8")
	type header = map[string]string
	forwarded := header{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "scim.example:8443", "X-Forwarded-Prefix": "/atlassian/"}
	for _, test := range []struct {
		name, peer string
		tls        bool
		header     header
		want       string
	}{
		{name: "plain", peer: "192.0.2.1:1", want: "http://facade:7001"},
		{name: "TLS", peer: "192.0.2.1:1", tls: true, want: "https://facade:7001"},
		{name: "stranger", peer: "192.0.2.1:1", header: forwarded, want: "http://facade:7001"},
		{name: "trusted", peer: "10.1.2.3:99", header: forwarded, want: "https://scim.example:8443/atlassian"},
		{name: "trusted, IPv4 in IPv6", peer: "[::ffff:10.1.2.3]:99", header: forwarded, want: "https://scim.example:8443/atlassian"},
		{name: "trusted, IPv6", peer: "[fd00::1]:99", header: forwarded, want: "https://scim.example:8443/atlassian"},
		{name: "no address", peer: "@", header: forwarded, want: "http://facade:7001"},
		{name: "only the scheme", peer: "10.1.2.3:99", header: header{"X-Forwarded-Proto": "HTTPS"}, want: "https://facade:7001"},
		{name: "two proxies", peer: "10.1.2.3:99", header: header{"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "a.example, b.internal"}, want: "https://a.example"},
		{name: "RFC 7239", peer: "10.1.2.3:99", header: header{"Forwarded": `for=192.0.2.60;Proto=https; host="[2001:db8::1]:443", for=10.0.0.1;proto=http`, "X-Forwarded-Host": "other.example"}, want: "https://[2001:db8::1]:443"},
		{name: "nonsense", peer: "10.1.2.3:99", header: header{"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": `evil.example/"><script>`, "X-Forwarded-Prefix": "//evil.example"}, want: "http://facade:7001"},
		{name: "more nonsense", peer: "10.1.2.3:99", header: header{"Forwarded": `;=;proto;host=a b;"`, "X-Forwarded-Prefix": "/a/../b?x"}, want: "http://facade:7001"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/scim/v2/Users", nil)
			r.Host, r.RemoteAddr = "facade:7001", test.peer
			if test.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			if got := origin.URL(r, trusted); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	trusted := networks(t, "10.0.0.0/8")
	for _, test := range []struct{ peer, forwardedFor, forwarded, want string }{
		{"192.0.2.1:1", "", "", "192.0.2.1"},
		{"192.0.2.1:1", "203.0.113.9", "for=203.0.113.9", "192.0.2.1"},
		{"10.1.1.1:1", "203.0.113.9", "", "203.0.113.9"},
		{"10.1.1.1:1", "198.51.100.1, 203.0.113.9, 10.2.2.2", "", "203.0.113.9"},
		{"10.1.1.1:1", "203.0.113.9:4711", "", "203.0.113.9"},
		{"10.1.1.1:1", "[2001:db8::1]:4711", "", "2001:db8::1"},
		{"10.1.1.1:1", "nonsense", "", "10.1.1.1"},
		{"10.1.1.1:1", "203.0.113.9, nonsense", "", "10.1.1.1"},
		{"10.1.1.1:1", "10.3.3.3", "", "10.3.3.3"},
		{"10.1.1.1:1", "", "", "10.1.1.1"},
		{"10.1.1.1:1", "", "for=198.51.100.1, for=\"203.0.113.9:99\";proto=https, for=10.2.2.2", "203.0.113.9"},
		{"10.1.1.1:1", "", "For=\"[2001:db8::1]\"", "2001:db8::1"},
		{"10.1.1.1:1", "203.0.113.9", "for=198.51.100.1", "203.0.113.9"},
		{"10.1.1.1:1", "", "for=unknown", "10.1.1.1"},
		{"[::ffff:192.0.2.1]:1", "", "", "192.0.2.1"},
		{"[::ffff:10.1.1.1]:1", "::ffff:203.0.113.9", "", "203.0.113.9"},
		{"@", "203.0.113.9", "", "invalid IP"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = test.peer
		for name, value := range map[string]string{"X-Forwarded-For": test.forwardedFor, "Forwarded": test.forwarded} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if got := origin.Address(r, trusted).String(); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}

func TestNetworks(t *testing.T) {
	got := networks(t, "10.1.2.3/8", "127.0.0.1", "::1", "::ffff:192.0.2.1", "2001:db8::/32")
	want := origin.Networks{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/32")}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	for address, want := range map[string]bool{
		"10.9.9.9": true, "11.0.0.1": false, "::ffff:10.0.0.1": true, "::1": true, "::2": false, "192.0.2.1": true, "2001:db8::9%eth0": true,
	} {
		if got.Contain(netip.MustParseAddr(address)) != want {
			t.Errorf("%s: want %t", address, want)
		}
	}
	if got.Contain(netip.Addr{}) {
		t.Error("no address at all is contained")
	}
	for _, text := range []string{"", "10.0.0.0/33", "example.com", "10.0.0", "10.0.0.1-10.0.0.9"} {
		if _, err := origin.ParseNetworks([]string{"10.0.0.0/8", text}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func networks(t *testing.T, texts ...string) origin.Networks {
	t.Helper()
	all, err := origin.ParseNetworks(texts)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
