package auth

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"scim-atlassian/scim/origin"
)

func digestOf(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func newFor(t *testing.T, cfg Config) *Authenticator {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// nameOf is the name of the caller that a request is of, or the status of the refusal.
func nameOf(t *testing.T, a *Authenticator, r *http.Request) string {
	t.Helper()
	c, err := a.Authenticate(r)
	if err == nil {
		return c.Name
	}
	status, _ := statusOf(err)
	return http.StatusText(status)
}

// TestTwoCredentials holds that a caller is known by its old and its new secret, and that a secret which was taken out is
// worth nothing, remembered or not.
func TestTwoCredentials(t *testing.T) {
	old, fresh := hashOf(t, "old", bcrypt.MinCost), hashOf(t, "new", bcrypt.MinCost)
	ann := Caller{Name: "ann", Username: "ann", BasicBcrypt: Hashes{old, fresh}, BearerSHA256: Hashes{digestOf("t1"), digestOf("t2")}}
	a := newFor(t, Config{Callers: []Caller{ann}})
	signIns := map[string]*http.Request{
		"old": basicRequest("ann", "old"), "new": basicRequest("ann", "new"),
		"t1": request("Bearer t1"), "t2": request("Bearer t2"), "t3": request("Bearer t3"),
	}
	check := func(stage string, want map[string]string) {
		t.Helper()
		got := map[string]string{}
		for range 2 { // the second time from memory
			for name, r := range signIns {
				got[name] = nameOf(t, a, r)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", stage, diff)
			}
		}
	}
	check("both", map[string]string{"old": "ann", "new": "ann", "t1": "ann", "t2": "ann", "t3": "Unauthorized"})

	ann.BasicBcrypt, ann.BearerSHA256 = Hashes{fresh}, Hashes{digestOf("t2"), digestOf("t3")}
	if err := a.Replace([]Caller{ann}, nil); err != nil {
		t.Fatal(err)
	}
	check("replaced", map[string]string{"old": "Unauthorized", "new": "ann", "t1": "Unauthorized", "t2": "ann", "t3": "ann"})
}

// TestReplaceRemembers holds that a password which was accepted costs no bcrypt after callers were replaced, and that a
// list that cannot be used changes nothing.
func TestReplaceRemembers(t *testing.T) {
	ann := Caller{Name: "ann", Username: "ann", BasicBcrypt: Hashes{hashOf(t, "secret", bcrypt.MinCost)}}
	a := newFor(t, Config{Callers: []Caller{ann}})
	if got := nameOf(t, a, basicRequest("ann", "secret")); got != "ann" {
		t.Fatal(got)
	}
	for range cap(a.slots) {
		a.slots <- struct{}{} // no bcrypt from here on
	}
	ann.Name = "Ann"
	if err := a.Replace([]Caller{ann}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := a.Authenticate(basicRequest("ann", "secret").WithContext(ctx)); err != nil || c.Name != "Ann" {
		t.Errorf("got %v, %v, want Ann, as she is called now", c, err)
	}
	if err := a.Replace([]Caller{{Name: "bob", BearerSHA256: Hashes{"12"}}}, nil); err == nil {
		t.Error("a digest of one byte is accepted")
	}
	if got := nameOf(t, a, basicRequest("ann", "secret").WithContext(ctx)); got != "Ann" {
		t.Errorf("after a list that cannot be used: got %s", got)
	}
}

// TestUnknownNameCostsAsMuch holds that a wrong password is compared as often for an unknown user name, and for a caller
// with one password, as for one with two.
func TestUnknownNameCostsAsMuch(t *testing.T) {
	cheap, dear := hashOf(t, "a", bcrypt.MinCost), hashOf(t, "b", bcrypt.MinCost+1)
	a := newFor(t, Config{Callers: []Caller{
		{Name: "two", Username: "two", BasicBcrypt: Hashes{cheap, dear}},
		{Name: "one", Username: "one", BasicBcrypt: Hashes{cheap}},
	}})
	b := a.book.Load()
	for name, want := range map[string][]string{"two": {cheap, dear}, "one": {cheap, dear}, "nobody": {dear, dear}} {
		var got []string
		for _, hash := range b.hashesOf(b.basics[name]) {
			got = append(got, string(hash))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, text := range map[string]string{"one": "b", "nobody": "b"} {
		if b.compare(b.basics[name], text) != nil {
			t.Errorf("%s signs in with the password that others are compared with", name)
		}
	}
}

// TestCertificate covers who is a caller by the certificate of the connection.
func TestCertificate(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	certificate := &x509.Certificate{Raw: []byte("certificate of hr"), NotAfter: now.Add(time.Hour)}
	a := newFor(t, Config{Now: func() time.Time { return now }, Callers: []Caller{
		{Name: "hr", ClientCertSHA256: Hashes{strings.ToUpper(digestOf("certificate of hr")), digestOf("next")}},
		{Name: "token", BearerSHA256: Hashes{digestOf("t")}},
	}})
	with := func(c *x509.Certificate, verified bool, authorization ...string) *http.Request {
		r := request(authorization...)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}}
		if verified {
			r.TLS.VerifiedChains = [][]*x509.Certificate{{c}}
		}
		return r
	}
	for _, test := range []struct {
		name      string
		request   *http.Request
		want      string
		anonymous bool
	}{
		{"certificate", with(certificate, true), "hr", false},
		{"its successor", with(&x509.Certificate{Raw: []byte("next"), NotAfter: now}, true), "hr", false},
		{"without a trusted issuer", with(certificate, false), "Unauthorized", true},
		{"of nobody", with(&x509.Certificate{Raw: []byte("other"), NotAfter: now.Add(time.Hour)}, true), "Unauthorized", true},
		{"expired since", with(&x509.Certificate{Raw: certificate.Raw, NotAfter: now.Add(-1)}, true), "Unauthorized", true},
		{"beside a token", with(certificate, true, "Bearer t"), "token", false},
		{"beside a wrong token", with(certificate, true, "Bearer x"), "Unauthorized", false},
		{"no TLS", request(), "Unauthorized", true},
	} {
		if got := nameOf(t, a, test.request); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if got := a.Anonymous(test.request); got != test.anonymous {
			t.Errorf("%s: anonymous %t", test.name, got)
		}
	}
}

// TestAllowFrom covers the networks of the server and of callers, behind a proxy and without.
func TestAllowFrom(t *testing.T) {
	inside := networks(t, "10.0.0.0/8")
	a := newFor(t, Config{
		Proxies: networks(t, "192.168.0.0/16"), AllowFrom: networks(t, "10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32"),
		Callers: []Caller{
			{Name: "inside", BearerSHA256: Hashes{digestOf("i")}, AllowFrom: inside},
			{Name: "ann", Username: "ann", BasicBcrypt: Hashes{hashOf(t, "secret", bcrypt.MinCost)}, AllowFrom: inside},
			{Name: "anywhere", BearerSHA256: Hashes{digestOf("a")}},
		},
	})
	for _, test := range []struct {
		peer, forwarded string
		request         *http.Request
		want            string
	}{
		{"10.1.2.3:1", "", request("Bearer i"), "inside"},
		{"10.1.2.3:1", "", basicRequest("ann", "secret"), "ann"},
		{"203.0.113.9:1", "", request("Bearer i"), "Forbidden"},
		{"203.0.113.9:1", "", basicRequest("ann", "secret"), "Forbidden"},
		{"203.0.113.9:1", "", basicRequest("ann", "wrong"), "Unauthorized"},
		{"203.0.113.9:1", "", request("Bearer a"), "anywhere"},
		{"[2001:db8::9]:1", "", request("Bearer a"), "anywhere"},
		{"192.168.0.1:1", "10.1.2.3", request("Bearer i"), "inside"},
		{"192.168.0.1:1", "10.1.2.3, 203.0.113.9", request("Bearer i"), "Forbidden"},
		{"203.0.113.9:1", "10.1.2.3", request("Bearer i"), "Forbidden"},
		{"192.168.0.1:1", "", request("Bearer a"), "not admitted"},
		{"192.168.0.1:1", "198.51.100.1", request("Bearer a"), "not admitted"},
		{"198.51.100.1:1", "10.1.2.3", request("Bearer a"), "not admitted"},
		{"@", "", request("Bearer a"), "not admitted"},
	} {
		test.request.RemoteAddr = test.peer
		if test.forwarded != "" {
			test.request.Header.Set("X-Forwarded-For", test.forwarded)
		}
		got := "not admitted"
		if err := a.Admit(test.request); err == nil {
			got = nameOf(t, a, test.request)
		} else if status, _ := statusOf(err); status != http.StatusForbidden {
			t.Errorf("not admitted with %v", err)
		}
		if got != test.want {
			t.Errorf("%s for %q: got %s, want %s", test.peer, test.forwarded, got, test.want)
		}
	}
}

// TestHolderFrom holds that a token has the rights of those callers only that may be where it comes from.
func TestHolderFrom(t *testing.T) {
	b, err := newBook([]Caller{
		{Name: "writer", Scope: "write", Rights: map[string]Right{"User": Write}, AllowFrom: networks(t, "10.0.0.0/8")},
		{Name: "reader", Scope: "read", Rights: map[string]Right{"User": Read}},
	}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		scope, address string
		read, write    bool
		status         int
	}{
		{"read write", "10.1.1.1", true, true, 0},
		{"read write", "203.0.113.9", true, false, 0},
		{"write", "10.1.1.1", true, true, 0},
		{"write", "203.0.113.9", false, false, http.StatusForbidden},
		{"other", "10.1.1.1", false, false, 0},
	} {
		c, err := b.holder(&claims{Scope: test.scope, Subject: "s"}, netip.MustParseAddr(test.address))
		if status, _ := statusOf(err); status != test.status {
			t.Errorf("%+v: got %v", test, err)
		}
		if err == nil && (c.May("User", false) != test.read || c.May("User", true) != test.write) {
			t.Errorf("%+v: rights %v", test, c.Rights)
		}
	}
}

// TestParseCredentials covers the forms of what may be one or two, and of networks.
func TestParseCredentials(t *testing.T) {
	one, two := strings.Repeat("01", 32), strings.Repeat("02", 32)
	for member, want := range map[string]string{
		`"bearer_sha256":"` + one + `"`:                                   "",
		`"bearer_sha256":["` + one + `"]`:                                 "",
		`"bearer_sha256":["` + one + `","` + two + `"]`:                   "",
		`"client_cert_sha256":["` + one + `","` + two + `"]`:              "",
		`"bearer_sha256":["` + one + `","` + one + `"]`:                   "has the bearer_sha256 of caller 1",
		`"bearer_sha256":["` + one + `","` + two + `","` + one + `"]`:     "use a text, or an array of two",
		`"bearer_sha256":[]`:                                              "use a text, or an array of two",
		`"bearer_sha256":7`:                                               "use a text, or an array of two",
		`"bearer_sha256":["` + one + `",null]`:                            "bearer_sha256 must be 64",
		`"bearer_sha256":null`:                                            "needs bearer_sha256",
		`"bearer_sha256":""`:                                              "needs bearer_sha256",
		`"client_cert_sha256":"12"`:                                       "client_cert_sha256 must be 64 hexadecimal digits: openssl x509",
		`"username":"a","basic_bcrypt":["x","y"]`:                         "basic_bcrypt is not a bcrypt hash",
		`"bearer_sha256":"` + one + `","allow_from":["10.0.0.0/8","::1"]`: "",
		`"bearer_sha256":"` + one + `","allow_from":null`:                 "",
		`"bearer_sha256":"` + one + `","allow_from":[]`:                   "list of networks",
		`"bearer_sha256":"` + one + `","allow_from":"10.0.0.0/8"`:         "list of networks",
		`"bearer_sha256":"` + one + `","allow_from":["intranet.example"]`: `"intranet.example" is no network`,
	} {
		_, err := ParseCallers([]byte(`[{"name":"a",` + member + `,"rights":{"*":"read"}}]`))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", member, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", member, err, want)
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
