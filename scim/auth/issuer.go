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

// How an issuer is asked for its keys. It is asked when a token names a key that is not known, so whoever makes up
// key ids can cause requests: not more than askBurst, and after that one in askInterval. An issuer that is away is
// tried once in askInterval.
const (
	keyLifetime = 10 * time.Minute // after which keys are asked for again, lest a withdrawn one stays good
	askInterval = 10 * time.Second
	askBurst    = 3
	askTimeout  = 5 * time.Second
	maxKeys     = 1 << 20 // bytes of an issuer's answer
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
	due  time.Time // when the issuer is to be asked again
}

// keyAnswer is what came of asking an issuer for its keys.
type keyAnswer struct {
	keys *oidc.RemoteKeySet // the last that it gave; nil: none yet
	err  error              // why it could not be asked the last time; nil if it could
}

func newIssuerKeys(issuer string, now func() time.Time) *issuerKeys {
	return &issuerKeys{url: issuer, now: now}
}

// issuerClient asks an issuer through a transport, and does not follow where it points.
func issuerClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:       askTimeout,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// silentError means that the issuer could not be asked: nothing can be said about a token.
type silentError struct{ err error }

func (e *silentError) Error() string { return e.err.Error() }
func (e *silentError) Unwrap() error { return e.err }

// errAskedLately means that the issuer has answered, and so often lately that it is not asked again for now.
var errAskedLately = errors.New("the issuer's keys were fetched lately")

func isSilent(err error) bool {
	var silent *silentError
	return errors.As(err, &silent)
}

// verify returns the payload of a JWT that the issuer has signed. It fails with a silentError if that is not known.
func (k *issuerKeys) verify(ctx context.Context, jwt string) ([]byte, error) {
	set, err := k.set(ctx, jwt)
	if err != nil {
		return nil, err
	}
	return set.VerifySignature(ctx, jwt)
}

// set returns the keys, fetching them if there are none or they are old. While one request renews them the others
// go on with those kept.
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

// renew asks the issuer unless that was done since old was the last answer.
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

// discover asks the issuer where its keys are, and for the keys: a key set fetches them when it is shown a token.
// All its errors are silentErrors.
func (k *issuerKeys) discover(ctx context.Context, jwt string) (*oidc.RemoteKeySet, error) {
	address, err := k.address(ctx)
	if err != nil {
		return nil, &silentError{err}
	}
	limited := issuerClient(&gate{now: k.now, limiter: rate.NewLimiter(rate.Every(askInterval), askBurst)})
	set := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), limited), address) // it outlives the request
	if _, err := set.VerifySignature(ctx, jwt); isSilent(err) {
		return nil, err
	}
	return set, nil
}

// issuerMetadata is what the server reads of a discovery document.
type issuerMetadata struct {
	Keys  string `json:"jwks_uri"`
	Token string `json:"token_endpoint"`
}

func (k *issuerKeys) metadata(ctx context.Context) (m issuerMetadata, err error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, issuerClient(ungated{})), k.url)
	if err != nil {
		return m, err
	}
	return m, provider.Claims(&m)
}

// address asks the issuer where its keys are.
func (k *issuerKeys) address(ctx context.Context) (string, error) {
	m, err := k.metadata(ctx)
	if err != nil {
		return "", err
	}
	return m.Keys, sameScheme(k.url, m.Keys)
}

// TokenURL asks the issuer where it gives tokens (RFC 6749 section 3.2).
func (i Issuer) TokenURL(ctx context.Context) (string, error) {
	m, err := newIssuerKeys(i.URL, time.Now).metadata(ctx)
	if err != nil {
		return "", err
	}
	return m.Token, sameScheme(i.URL, m.Token)
}

// SigningKeys asks the issuer how many keys it signs with, and fails if it cannot tell or has none.
func (i Issuer) SigningKeys(ctx context.Context) (int, error) {
	address, err := newIssuerKeys(i.URL, time.Now).address(ctx)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := issuerClient(ungated{}).Do(request)
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

// sameScheme refuses an endpoint over plain HTTP of an issuer that is asked over HTTPS.
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

// ungated is the transport to an issuer: what comes back without error is a whole JSON document, and every error is
// a silentError.
type ungated struct{}

// RoundTrip implements http.RoundTripper.
func (ungated) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := fetchJSON(r)
	if err != nil {
		return nil, &silentError{err}
	}
	return response, nil
}

// gate is an ungated that lets requests through as often as its limiter allows. In between it repeats the last
// failure, or if there was none, says errAskedLately.
type gate struct {
	ungated
	now     func() time.Time
	limiter *rate.Limiter

	mu   sync.Mutex
	last error
}

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if !g.limiter.AllowN(g.now(), 1) {
		g.mu.Lock()
		defer g.mu.Unlock()
		return nil, cmp.Or(g.last, errAskedLately)
	}
	response, err := g.ungated.RoundTrip(r)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = err
	return response, err
}

// fetchJSON sends r and returns a response that holds the whole body in memory.
func fetchJSON(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeys))
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
