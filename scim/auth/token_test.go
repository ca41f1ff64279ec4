package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/resource"
)

// testIssuer is an OpenID provider on loopback. It signs what it is told to.
type testIssuer struct {
	url string

	mu     sync.Mutex
	server oidctest.Server
	keys   map[string]crypto.Signer // by id; all of them published
	broken string                   // answered instead of JSON, with status 503 if it begins so
	asked  int                      // requests received
}

func newTestIssuer(t testing.TB) *testIssuer {
	t.Helper()
	i := &testIssuer{keys: make(map[string]crypto.Signer)}
	site := httptest.NewServer(i)
	t.Cleanup(site.Close)
	i.url = site.URL
	i.server.SetIssuer(site.URL)
	return i
}

func (i *testIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	switch {
	case strings.HasPrefix(i.broken, "503"):
		http.Error(w, i.broken, http.StatusServiceUnavailable)
	case i.broken != "":
		fmt.Fprint(w, i.broken)
	default:
		i.server.ServeHTTP(w, r)
	}
}

// publish makes keys of these ids, and no others, known.
func (i *testIssuer) publish(t testing.TB, ids ...string) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.server.PublicKeys = nil
	for _, id := range ids {
		if i.keys[id] == nil {
			i.keys[id] = newKey(t, id)
		}
		alg := oidc.ES256
		if strings.HasPrefix(id, "rsa") {
			alg = ""
		}
		i.server.PublicKeys = append(i.server.PublicKeys, oidctest.PublicKey{PublicKey: i.keys[id].Public(), KeyID: id, Algorithm: alg})
	}
}

func newKey(t testing.TB, id string) crypto.Signer {
	t.Helper()
	var (
		key crypto.Signer
		err error
	)
	if strings.HasPrefix(id, "rsa") {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (i *testIssuer) setBroken(with string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.broken = with
}

func (i *testIssuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// values are the members of a header or of claims.
type values map[string]any

// with returns a copy with other values; those that are nil are left out.
func (v values) with(other values) values {
	v = maps.Clone(v)
	maps.Copy(v, other)
	maps.DeleteFunc(v, func(_ string, value any) bool { return value == nil })
	return v
}

func (v values) text(t testing.TB) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sign makes a JWT of the claims with a key that does not have to be the issuer's.
func sign(t testing.TB, key any, alg, id string, header values, payload string) string {
	t.Helper()
	options := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"kid": id}}
	for name, value := range header {
		options.ExtraHeaders[jose.HeaderKey(name)] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// token is what the issuer would make of the claims.
func (i *testIssuer) token(t testing.TB, id string, c values) string {
	t.Helper()
	alg := oidc.ES256
	if strings.HasPrefix(id, "rsa") {
		alg = oidc.RS256
	}
	return sign(t, i.keys[id], alg, id, values{"typ": "JWT"}, c.text(t))
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Unix(1_800_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// access are the claims of a good access token as Keycloak makes them, one that expires in five minutes.
func (c *clock) access(issuer string) values {
	return values{
		"iss": issuer, "sub": "1e61a0a1", "typ": "Bearer", "azp": "JIRA-connector", "exp": c.now().Unix() + 300, "iat": c.now().Unix(),
		"scope": "profile email offline_access", "preferred_username": "jira-service-account",
		"realm_access":    values{"roles": []string{"offline_access"}},
		"resource_access": values{"JIRA-connector": values{"roles": []string{"writer"}}},
	}
}

const testSkew = 30 * time.Second

// newTestVerifier trusts an issuer with the keys "a" and "rsa".
func newTestVerifier(t testing.TB, callers ...Caller) (*testVerifier, *testIssuer, *clock) {
	t.Helper()
	issuer, c := newTestIssuer(t), newClock()
	issuer.publish(t, "a", "rsa")
	trusted := Issuer{URL: issuer.url, Audience: []string{"JIRA-connector", "scim"}, Skew: testSkew}
	b, err := newBook(callers, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &testVerifier{newTokenVerifier(trusted, c.now), b}, issuer, c
}

// testVerifier finds the callers behind tokens that come from 192.0.2.1.
type testVerifier struct {
	*tokenVerifier
	book *book
}

func (v *testVerifier) authenticate(ctx context.Context, token string) (*Caller, error) {
	c, err := v.tokenVerifier.authenticate(ctx, token)
	if err != nil {
		return nil, err
	}
	return v.book.holder(c, netip.MustParseAddr("192.0.2.1"))
}

// statusOf is the status of an error's answer and its private cause.
func statusOf(err error) (status int, cause string) {
	var e *resource.Error
	if !errors.As(err, &e) {
		return 0, fmt.Sprint(err)
	}
	return e.Status, fmt.Sprint(e.Err)
}

func TestTokenClaims(t *testing.T) {
	v, issuer, clock := newTestVerifier(t)
	good := clock.access(issuer.url)
	at := func(d time.Duration) float64 { return float64(clock.now().Unix()) + d.Seconds() }
	tests := []struct {
		name  string
		with  values
		cause string // empty: accepted
	}{
		{"as Keycloak makes it", nil, ""},
		{"audience instead of azp", values{"azp": "portal", "aud": "scim"}, ""},
		{"one of several audiences", values{"azp": "portal", "aud": []string{"account", "scim"}}, ""},
		{"another audience", values{"azp": "portal", "aud": []string{"account"}}, `aud "account", azp "portal"`},
		{"another client", values{"azp": "portal"}, `aud "", azp "portal"`},
		{"neither aud nor azp", values{"azp": nil}, "another audience"},
		{"audience of another type", values{"aud": 7}, "claims: not the JSON object"},
		{"another realm", values{"iss": strings.Replace(issuer.url, "127.", "128.", 1)}, "issued by"},
		{"issuer with a slash more", values{"iss": issuer.url + "/"}, "issued by"},
		{"no issuer", values{"iss": nil}, `issued by ""`},
		{"expires now, within the skew", values{"exp": at(0)}, ""},
		{"expired within the skew", values{"exp": at(-testSkew + time.Second)}, ""},
		{"expired", values{"exp": at(-testSkew)}, "expired 30 s ago"},
		{"expired long ago", values{"exp": 0}, "expired"},
		{"no expiry", values{"exp": nil}, "without expiry"},
		{"expiry as text", values{"exp": "tomorrow"}, "claims: not the JSON object"},
		{"expiry with a fraction", values{"exp": at(0) + 0.5}, ""},
		{"not yet valid within the skew", values{"nbf": at(testSkew)}, ""},
		{"not yet valid", values{"nbf": at(testSkew + time.Second)}, "not valid before 31 s from now"},
		{"ID token", values{"typ": "ID", "aud": "JIRA-connector"}, `typ is "ID"`},
		{"refresh token", values{"typ": "Refresh"}, `typ is "Refresh"`},
		{"offline token", values{"typ": "Offline"}, `typ is "Offline"`},
		{"bound to a client's key", values{"cnf": values{"jkt": "x"}}, "cnf"},
		{"typ left out, as other providers do", values{"typ": nil}, ""},
		{"nobody", values{"preferred_username": nil, "azp": nil, "sub": nil, "aud": "scim"}, "without preferred_username"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := v.authenticate(t.Context(), issuer.token(t, "a", good.with(tt.with)))
			if tt.cause == "" {
				if err != nil || caller.Name != "jira-service-account" || !caller.May("User", true) {
					t.Fatalf("got %+v, %v; want jira-service-account, who may write", caller, err)
				}
				return
			}
			if status, cause := statusOf(err); status != http.StatusUnauthorized || !strings.Contains(cause, tt.cause) {
				t.Errorf("got %d, %s; want 401, %s", status, cause, tt.cause)
			}
		})
	}
}

// Every way to come by a token without the issuer's private key fails, and the answer is one and the same.
func TestTokenForgeries(t *testing.T) {
	v, issuer, clock := newTestVerifier(t)
	c := clock.access(issuer.url)
	claims := c.text(t)
	good := issuer.token(t, "a", c)
	if _, err := v.authenticate(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	other := newKey(t, "b")
	public, err := x509.MarshalPKIXPublicKey(issuer.keys["rsa"].Public())
	if err != nil {
		t.Fatal(err)
	}
	hs256 := func(secret []byte) string {
		signed := encode(`{"alg":"HS256","kid":"rsa","typ":"JWT"}`) + "." + encode(claims)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		return signed + "." + encode(string(mac.Sum(nil)))
	}
	admin := encode(c.with(values{"preferred_username": "admin"}).text(t))
	forgeries := map[string]string{
		"alg none":                           encode(`{"alg":"none","typ":"JWT"}`) + "." + encode(claims) + ".",
		"alg None with a signature":          encode(`{"alg":"None","kid":"a"}`) + "." + encode(claims) + "." + parts[2],
		"signature left out":                 parts[0] + "." + parts[1] + ".",
		"signature of zeros":                 parts[0] + "." + parts[1] + "." + encode(string(make([]byte, 64))),
		"tampered claims":                    parts[0] + "." + admin + "." + parts[2],
		"tampered header":                    encode(`{"alg":"ES256","kid":"a"}`) + "." + parts[1] + "." + parts[2],
		"another key under a known id":       sign(t, other, oidc.ES256, "a", nil, claims),
		"another key under an unknown id":    sign(t, other, oidc.ES256, "b", nil, claims),
		"another key without id":             sign(t, other, oidc.ES256, "", nil, claims),
		"another key, shown in the header":   sign(t, other, oidc.ES256, "a", values{"jwk": jose.JSONWebKey{Key: other.Public()}}, claims),
		"keys at an address of the forger's": sign(t, other, oidc.ES256, "a", values{"jku": "http://127.0.0.1:1/keys"}, claims),
		"public key as the secret":           hs256(public),
		"HS256 with an empty secret":         hs256(nil),
		"claims twice":                       sign(t, issuer.keys["a"], oidc.ES256, "a", nil, strings.Replace(claims, "{", `{"azp":"JIRA-connector",`, 1)),
		"called an ID token":                 sign(t, issuer.keys["a"], oidc.ES256, "a", values{"typ": "id+jwt"}, claims),
		"unknown critical header":            sign(t, issuer.keys["a"], oidc.ES256, "a", values{"crit": []string{"x"}, "x": 1}, claims),
		"array of claims":                    sign(t, issuer.keys["a"], oidc.ES256, "a", nil, "["+claims+"]"),
		"nothing but dots":                   "ey..",
		"not base64":                         "ey.%%%.x",
		"header not JSON":                    encode("eyeyey") + "." + parts[1] + "." + parts[2],
	}
	for name, token := range forgeries {
		t.Run(name, func(t *testing.T) {
			_, err := v.authenticate(t.Context(), token)
			var e *resource.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a refusal", err)
			}
			want := resource.Error{Status: http.StatusUnauthorized, Detail: errUnauthenticated.Detail, Challenge: tokenChallenge, Err: e.Err}
			if diff := cmp.Diff(want, *e, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" || e.Err == nil {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			for _, part := range strings.Split(token, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Errorf("the error quotes the token: %v", err)
				}
			}
		})
	}
	if _, err := v.authenticate(t.Context(), good); err != nil {
		t.Errorf("afterwards the good token: %v", err)
	}
}

func TestTokenAlgorithms(t *testing.T) {
	v, issuer, clock := newTestVerifier(t)
	claims := clock.access(issuer.url).text(t)
	for _, alg := range []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512} {
		if _, err := v.authenticate(t.Context(), sign(t, issuer.keys["rsa"], alg, "rsa", values{"typ": "at+jwt"}, claims)); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

// awaitAccepted fails unless the token is accepted within a second. go-oidc ends a fetch of keys a moment after it has
// answered, and answers requests of that moment with the old keys.
func awaitAccepted(t *testing.T, v *testVerifier, token string) {
	t.Helper()
	var err error
	for range 1000 {
		if _, err = v.authenticate(t.Context(), token); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("not accepted: %v", err)
}

// A new key is found with the first token that names it, and one that is withdrawn is forgotten in time.
func TestTokenKeyRotation(t *testing.T) {
	v, issuer, clock := newTestVerifier(t)
	try := func(what, id string, want int) {
		t.Helper()
		_, err := v.authenticate(t.Context(), issuer.token(t, id, clock.access(issuer.url)))
		if got, cause := statusOf(err); err == nil && want != http.StatusOK || err != nil && got != want {
			t.Errorf("%s: got %d (%s), want %d", what, got, cause, want)
		}
	}
	try("first key", "a", http.StatusOK)
	if got := issuer.requests(); got != 2 {
		t.Errorf("%d requests to the issuer, want 2: discovery and keys", got)
	}
	try("once more", "a", http.StatusOK)
	if got := issuer.requests(); got != 2 {
		t.Errorf("%d requests to the issuer, want them not repeated", got)
	}
	issuer.publish(t, "a", "b")
	awaitAccepted(t, v, issuer.token(t, "b", clock.access(issuer.url)))
	try("the first one still", "a", http.StatusOK)
	issuer.publish(t, "b")
	try("withdrawn, kept for now", "a", http.StatusOK)
	clock.move(keyLifetime)
	try("withdrawn", "a", http.StatusUnauthorized)
	try("the other one", "b", http.StatusOK)
}

// Made-up key ids cannot make the server ask the issuer more often than it does by itself.
func TestTokenForgedKeysAskSeldom(t *testing.T) {
	v, issuer, clock := newTestVerifier(t)
	stranger := newKey(t, "stranger")
	forge := func(n int) {
		t.Helper()
		for i := range n {
			token := sign(t, stranger, oidc.ES256, fmt.Sprint("forged", i), nil, clock.access(issuer.url).text(t))
			if status, cause := statusOf(second(v.authenticate(t.Context(), token))); status != http.StatusUnauthorized {
				t.Errorf("got %d, %s; want 401", status, cause)
			}
		}
	}
	good := func() {
		t.Helper()
		if _, err := v.authenticate(t.Context(), issuer.token(t, "a", clock.access(issuer.url))); err != nil {
			t.Errorf("a good token meanwhile: %v", err)
		}
	}
	good()
	forge(100)
	good()
	if got := issuer.requests(); got != 1+askBurst {
		t.Errorf("%d requests to the issuer, want discovery and %d", got, askBurst)
	}
	before := issuer.requests()
	issuer.publish(t, "a", "b")
	clock.move(askInterval)
	awaitAccepted(t, v, issuer.token(t, "b", clock.access(issuer.url)))
	forge(100)
	if got := issuer.requests() - before; got != 1 {
		t.Errorf("%d requests after one interval, want 1", got)
	}
}

func second[A, B any](_ A, b B) B { return b }

// While the issuer does not answer, a token is accepted only if its key is known already; others get a 503.
func TestTokenIssuerAway(t *testing.T) {
	for _, broken := range []string{"503 maintenance", "<html>maintenance</html>"} {
		t.Run(broken, func(t *testing.T) {
			v, issuer, clock := newTestVerifier(t)
			try := func(what, id string, want int) {
				t.Helper()
				_, err := v.authenticate(t.Context(), issuer.token(t, id, clock.access(issuer.url)))
				var e *resource.Error
				if errors.As(err, &e) && e.Status == http.StatusServiceUnavailable && e.RetryAfter == 0 {
					t.Errorf("%s: 503 without RetryAfter", what)
				}
				if got, cause := statusOf(err); err == nil && want != http.StatusOK || err != nil && got != want {
					t.Errorf("%s: got %d (%s), want %d", what, got, cause, want)
				}
			}
			issuer.setBroken(broken)
			for range 30 { // a request every other second
				try("never heard of", "a", http.StatusServiceUnavailable)
				clock.move(2 * time.Second)
			}
			if got := issuer.requests(); got != 6 {
				t.Errorf("%d requests in a minute to an issuer that is away, want 6", got)
			}
			if status, _ := statusOf(second(v.authenticate(t.Context(), issuer.token(t, "a", clock.access("http://elsewhere.example"))))); status != http.StatusUnauthorized {
				t.Errorf("token of another issuer: got %d, want 401", status)
			}

			issuer.setBroken("")
			for range 5 { // as long as until it is tried the next time
				v.authenticate(t.Context(), issuer.token(t, "a", clock.access(issuer.url)))
				clock.move(2 * time.Second)
			}
			try("back", "a", http.StatusOK)

			issuer.setBroken(broken)
			clock.move(keyLifetime)
			try("away again, known key", "a", http.StatusOK)
			issuer.keys["b"] = newKey(t, "b")
			try("away again, unknown key", "b", http.StatusServiceUnavailable)
		})
	}
}

// A burst of first requests waits for one discovery together.
func TestTokenFirstRequestsTogether(t *testing.T) {
	v, issuer, clock := newTestVerifier(t)
	token := issuer.token(t, "a", clock.access(issuer.url))
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, err := v.authenticate(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestTokenRequestGivesUp(t *testing.T) {
	v, issuer, clock := newTestVerifier(t)
	if _, err := v.authenticate(t.Context(), issuer.token(t, "a", clock.access(issuer.url))); err != nil {
		t.Fatal(err)
	}
	issuer.publish(t, "a", "b")
	token := issuer.token(t, "b", clock.access(issuer.url))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	issuer.mu.Lock() // it does not answer meanwhile
	_, err := v.authenticate(ctx, token)
	issuer.mu.Unlock()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestSigningKeys(t *testing.T) {
	issuer := newTestIssuer(t)
	tests := []struct {
		name, broken string
		publish      []string
		want         int
		problem      string
	}{
		{"two", "", []string{"a", "rsa"}, 2, ""},
		{"none", "", nil, 0, "no key for signatures"},
		{"away", "503", nil, 0, "503"},
		{"not JSON", "<html>", nil, 0, "other than JSON"},
		{"not discovery", `{}`, nil, 0, "did not match"},
		{"other host's", `{"issuer":"` + issuer.url + `","jwks_uri":"https://127.0.0.1/keys"}`, nil, 0, "no http URL"},
		{"not keys", `{"issuer":"` + issuer.url + `","jwks_uri":"` + issuer.url + `","keys":7}`, nil, 0, issuer.url},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			issuer.publish(t, tt.publish...)
			issuer.setBroken(tt.broken)
			got, err := Issuer{URL: issuer.url}.SigningKeys(t.Context())
			if got != tt.want || (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("got %d, %v; want %d, %q", got, err, tt.want, tt.problem)
			}
		})
	}
}

func TestSameScheme(t *testing.T) {
	tests := []struct {
		issuer, keys string
		ok           bool
	}{
		{"https://a.example/realms/x", "https://b.example/keys", true},
		{"http://127.0.0.1/realms/x", "http://127.0.0.1/keys", true},
		{"https://a.example/realms/x", "http://a.example/keys", false},
		{"https://a.example/realms/x", "", false},
		{"https://a.example/realms/x", "https:keys", false},
		{"https://a.example/realms/x", "file:///etc/passwd", false},
	}
	for _, tt := range tests {
		if err := sameScheme(tt.issuer, tt.keys); (err == nil) != tt.ok {
			t.Errorf("keys of %s at %q: got %v, want ok %v", tt.issuer, tt.keys, err, tt.ok)
		}
	}
}

func TestTokenRights(t *testing.T) {
	type rights = map[string]Right
	callers := []Caller{
		{Name: "readers", Scope: "scim:read", Rights: rights{"*": Read}},
		{Name: "writers", ClientRole: "JIRA-connector/writer", Rights: rights{"User": Write}, Strict: true},
		{Name: "admins", RealmRole: "scim-admin", Rights: rights{"*": Write, "Issue": Read}},
	}
	tests := []struct {
		name   string
		with   values
		want   rights
		strict bool
	}{
		{"none", values{"resource_access": nil}, nil, false},
		{"client role", nil, rights{"User": Write}, true},
		{"role of another client", values{"resource_access": values{"portal": values{"roles": []string{"writer"}}}}, nil, false},
		{"scope", values{"resource_access": nil, "scope": "email scim:read"}, rights{"*": Read}, false},
		{"part of a scope", values{"resource_access": nil, "scope": "scim:readonly"}, nil, false},
		{"realm role", values{"resource_access": nil, "realm_access": values{"roles": []string{"x", "scim-admin"}}}, rights{"*": Write, "Issue": Read}, false},
		{"a scope named like a role", values{"resource_access": nil, "scope": "scim-admin writer"}, nil, false},
		{"scope and client role", values{"scope": "scim:read"}, rights{"*": Read, "User": Write}, false},
		{"client role and realm role", values{"realm_access": values{"roles": []string{"scim-admin"}}}, rights{"*": Write, "User": Write, "Issue": Read}, true},
	}
	v, issuer, clock := newTestVerifier(t, append(callers, Caller{Name: "basic", Username: "u"})...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := v.authenticate(t.Context(), issuer.token(t, "a", clock.access(issuer.url).with(tt.with)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, caller.Rights); diff != "" {
				t.Errorf("rights (-want +got):\n%s", diff)
			}
			if caller.Strict != tt.strict || caller.Name != "jira-service-account" || caller.Client != "JIRA-connector" {
				t.Errorf("got %+v", caller)
			}
		})
	}
}

// An entry for a type may give less than "*" in one caller and more in another.
func TestUnite(t *testing.T) {
	type rights = map[string]Right
	tests := []struct{ a, b, want rights }{
		{rights{"*": Write, "Issue": Read}, rights{"Issue": Write}, rights{"*": Write, "Issue": Write}},
		{rights{"*": Read, "User": Write}, rights{"*": Write}, rights{"*": Write, "User": Write}},
		{rights{"*": Write}, rights{"User": Read}, rights{"*": Write, "User": Write}},
		{rights{"User": Read}, rights{"Group": Read}, rights{"User": Read, "Group": Read}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, unite(tt.a, tt.b)); diff != "" {
			t.Errorf("%v and %v (-want +got):\n%s", tt.a, tt.b, diff)
		}
		if diff := cmp.Diff(tt.want, unite(tt.b, tt.a)); diff != "" {
			t.Errorf("%v and %v (-want +got):\n%s", tt.b, tt.a, diff)
		}
	}
}

func FuzzToken(f *testing.F) {
	v, issuer, clock := newTestVerifier(f)
	issuer.setBroken("503") // nothing is to be signed by it
	good := issuer.token(f, "a", clock.access(issuer.url))
	f.Add(good)
	f.Add(encode(`{"alg":"none"}`) + "." + encode(`{}`) + ".")
	f.Fuzz(func(t *testing.T, token string) {
		if !looksLikeJWT(token) {
			return
		}
		if caller, err := v.authenticate(t.Context(), token); err == nil {
			t.Errorf("accepted as %+v", caller)
		}
	})
}

func BenchmarkToken(b *testing.B) {
	v, issuer, clock := newTestVerifier(b)
	token := issuer.token(b, "rsa", clock.access(issuer.url))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.authenticate(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
