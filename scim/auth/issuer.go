package auth

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"scim-atlassian/scim/resource"
)

// Issuer is an OpenID provider, such as a Keycloak realm, whose access tokens are accepted as bearer tokens.
//
// Callers with RealmRole, ClientRole or Scope say what the bearer of a token may do. If no caller has any of these,
// every token for Audience may read and write everything.
type Issuer struct {
	URL      string        // exactly as in the claim iss; https, but for an issuer on the same machine
	Audience []string      // a token is accepted if its claim aud lists one of these, or azp is one
	Skew     time.Duration // how far the issuer's clock may be from the server's
}

// The bounds on requests to an issuer. A token with an unknown key id makes the server fetch the keys, so made-up key
// ids cause requests: askBurst at most, then one in askInterval. An issuer that does not answer is tried once in
// askInterval.
const (
	keyLifetime = 10 * time.Minute // after which the keys are fetched again, so that a withdrawn one is no longer good
	askInterval = 10 * time.Second
	askBurst    = 3
	askTimeout  = 5 * time.Second
	maxAnswer   = 1 << 20 // bytes of an issuer's answer
)

// issuerKeys are the keys that an OpenID issuer signs with, found through discovery when the first token comes
// (OpenID Connect Discovery 1.0 section 4). When the issuer stops answering, the keys it gave last stay good.
// It is safe for concurrent use and keeps no goroutine.
type issuerKeys struct {
	url    string
	now    func() time.Time
	flight singleflight.Group

	mu   sync.Mutex
	last keyAnswer
	due  time.Time // when the issuer is asked again
}

// keyAnswer is an issuer's answer to the question for its keys.
type keyAnswer struct {
	keys *oidc.RemoteKeySet // the last keys that it gave; nil: none yet
	err  error              // why the last attempt failed; nil if it did not
}

func newIssuerKeys(issuer string, now func() time.Time) *issuerKeys {
	return &issuerKeys{url: issuer, now: now}
}

// issuerClient makes a client for an issuer, which does not follow redirects: they could lead anywhere.
func issuerClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:       askTimeout,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// silentError means that the issuer did not answer, so that a token can be neither accepted nor refused.
type silentError struct{ err error }

func (e *silentError) Error() string { return e.err.Error() }
func (e *silentError) Unwrap() error { return e.err }

// errAskedLately means that the keys were fetched so often lately that this time they were not.
var errAskedLately = errors.New("the issuer's keys were fetched lately")

func isSilent(err error) bool {
	var silent *silentError
	return errors.As(err, &silent)
}

// verify returns the payload of a JWT that the issuer has signed. It fails with a silentError if the issuer's silence
// leaves that open.
func (k *issuerKeys) verify(ctx context.Context, jwt string) ([]byte, error) {
	set, err := k.set(ctx, jwt)
	if err != nil {
		return nil, err
	}
	return set.VerifySignature(ctx, jwt)
}

// set returns the keys. It fetches them if there are none or they are old; meanwhile other requests go on with the old
// ones.
func (k *issuerKeys) set(ctx context.Context, jwt string) (*oidc.RemoteKeySet, error) {
	k.mu.Lock()
	answer, due := k.last, !k.now().Before(k.due)
	if due {
		k.due = k.now().Add(askInterval)
	}
	k.mu.Unlock()
	if due || answer == (keyAnswer{}) {
		renewed, _, _ := k.flight.Do("", func() (any, error) { return k.renew(context.WithoutCancel(ctx), jwt, answer), nil })
		answer = renewed.(keyAnswer)
	}
	if answer.keys != nil {
		return answer.keys, nil
	}
	return nil, answer.err
}

// renew asks the issuer, unless another request did so after old was the last answer.
func (k *issuerKeys) renew(ctx context.Context, jwt string, old keyAnswer) keyAnswer {
	k.mu.Lock()
	last := k.last
	k.mu.Unlock()
	if last != old {
		return last
	}
	keys, err := k.discover(ctx, jwt)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last.err = err
	if err == nil {
		k.last.keys, k.due = keys, k.now().Add(keyLifetime)
	}
	return k.last
}

// discover asks the issuer where its keys are, and fetches them. A key set does that when it first verifies a token,
// hence jwt. All its errors are silentErrors.
func (k *issuerKeys) discover(ctx context.Context, jwt string) (*oidc.RemoteKeySet, error) {
	address, err := keyAddress(ctx, k.url)
	if err != nil {
		return nil, &silentError{err}
	}
	limited := issuerClient(&limitedTransport{now: k.now, limiter: rate.NewLimiter(rate.Every(askInterval), askBurst)})
	set := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), limited), address) // it outlives the request
	if _, err := set.VerifySignature(ctx, jwt); isSilent(err) {
		return nil, err
	}
	return set, nil
}

// issuerMetadata holds the members of a discovery document that the server reads.
type issuerMetadata struct {
	Keys  string `json:"jwks_uri"`
	Token string `json:"token_endpoint"`
}

// readMetadata fetches the discovery document of the issuer with the URL.
func readMetadata(ctx context.Context, issuer string) (m issuerMetadata, err error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, issuerClient(jsonTransport{})), issuer)
	if err != nil {
		return m, err
	}
	return m, provider.Claims(&m)
}

// keyAddress asks the issuer with the URL where its keys are.
func keyAddress(ctx context.Context, issuer string) (string, error) {
	m, err := readMetadata(ctx, issuer)
	if err != nil {
		return "", err
	}
	return m.Keys, sameScheme(issuer, m.Keys)
}

// TokenURL asks the issuer for its token endpoint (RFC 6749 section 3.2). It fails if the issuer does not answer, or
// names an endpoint over plain HTTP while its own URL is https. It is safe for concurrent use.
func (i Issuer) TokenURL(ctx context.Context) (string, error) {
	m, err := readMetadata(ctx, i.URL)
	if err != nil {
		return "", err
	}
	return m.Token, sameScheme(i.URL, m.Token)
}

// SigningKeys asks the issuer for its keys and returns how many of them are for signatures. It fails if the issuer
// does not answer or there are none. It is safe for concurrent use.
func (i Issuer) SigningKeys(ctx context.Context) (int, error) {
	address, err := keyAddress(ctx, i.URL)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := issuerClient(jsonTransport{}).Do(request)
	if err != nil {
		return 0, err
	}
	var set struct {
		Keys []struct {
			Use string `json:"use"`
		} `json:"keys"`
	}
	if err := json.UnmarshalRead(response.Body, &set); err != nil { // in memory, see fetchJSON
		return 0, fmt.Errorf("%s: %w", address, err)
	}
	signing := 0
	for _, key := range set.Keys {
		if key.Use != "enc" {
			signing++
		}
	}
	if signing == 0 {
		return 0, fmt.Errorf("%s has no key for signatures", address)
	}
	return signing, nil
}

// sameScheme refuses an endpoint whose scheme is not the issuer's: plain HTTP behind an https URL.
func sameScheme(issuer, endpoint string) error {
	i, err := url.Parse(issuer)
	if err != nil {
		return err
	}
	e, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	if e.Scheme != i.Scheme || e.Host == "" {
		return fmt.Errorf("the issuer announces %q, which is no %s URL", resource.Clip(endpoint), i.Scheme)
	}
	return nil
}

// jsonTransport is the transport to an issuer: every response is a whole JSON document, every error a silentError.
type jsonTransport struct{}

// RoundTrip implements http.RoundTripper.
func (jsonTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := fetchJSON(r)
	if err != nil {
		return nil, &silentError{err}
	}
	return response, nil
}

// limitedTransport is a jsonTransport that sends requests as often as its limiter allows. Other requests fail with the
// last failure, or with errAskedLately if the last one succeeded.
type limitedTransport struct {
	jsonTransport
	now     func() time.Time
	limiter *rate.Limiter

	mu   sync.Mutex
	last error
}

// RoundTrip implements http.RoundTripper.
func (t *limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.limiter.AllowN(t.now(), 1) {
		t.mu.Lock()
		defer t.mu.Unlock()
		return nil, cmp.Or(t.last, errAskedLately)
	}
	response, err := t.jsonTransport.RoundTrip(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = err
	return response, err
}

// fetchJSON sends r and returns a response that holds the whole body in memory.
func fetchJSON(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the issuer answered %s", response.Status)
	case !jsontext.Value(body).IsValid():
		return nil, errors.New("the issuer answered something other than JSON")
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
