package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"scim-atlassian/scim/origin"
	"scim-atlassian/scim/resource"
)

// The WWW-Authenticate values of a 401 (RFC 7235 section 4.1), the second after a bearer token (RFC 6750 section 3).
const (
	challenge      = `Basic realm="scim-atlassian", Bearer`
	tokenChallenge = challenge + ` error="invalid_token"`
)

var (
	// errUnauthenticated says nothing about the cause on purpose: a guesser would learn from it.
	errUnauthenticated = &resource.Error{
		Status: http.StatusUnauthorized, Detail: "Credentials are missing or wrong: authenticate with Basic or Bearer.", Challenge: challenge,
	}
	// errBusy means that too many unverified passwords wait to be checked.
	errBusy = &resource.Error{Status: http.StatusServiceUnavailable, Detail: "Too many sign-ins at the moment.", RetryAfter: bcryptWait}
)

// Config names the parties that may use the server.
type Config struct {
	Callers   []Caller         // as ParseCallers returns them; they must not change afterwards
	Issuer    *Issuer          // its access tokens are accepted too; nil: no such tokens
	Now       func() time.Time // the clock for expiry; safe for concurrent use
	Proxies   origin.Networks  // whose word on the address of their clients is taken
	AllowFrom origin.Networks  // where requests may come from; nil: from anywhere
}

// Authenticator finds the caller behind a request. It is safe for concurrent use.
type Authenticator struct {
	book    atomic.Pointer[book]
	jwts    *tokenVerifier // nil: no issuer is trusted
	slots   chan struct{}  // bounds concurrent bcrypt, so that guessing cannot take every CPU
	key     [32]byte       // keys the proofs; lives and dies with the process
	now     func() time.Time
	proxies origin.Networks
	damping *damping
	typical atomic.Int64 // nanoseconds that a check of a password takes

	mu     sync.Mutex
	checks map[[sha256.Size]byte]*check // of passwords, under way
}

// New makes an Authenticator. It fails on a digest or a hash that ParseCallers would refuse, and sends nothing: the
// issuer is asked when its first token comes.
func New(cfg Config) (*Authenticator, error) {
	a := &Authenticator{
		slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		now:   cfg.Now, proxies: cfg.Proxies, damping: newDamping(cfg.Now), checks: make(map[[sha256.Size]byte]*check),
	}
	rand.Read(a.key[:]) // never fails
	if cfg.Issuer != nil {
		a.jwts = newTokenVerifier(*cfg.Issuer, cfg.Now)
	}
	return a, a.Replace(cfg.Callers, cfg.AllowFrom)
}

// Replace puts other callers and networks in the place of those that there are, for every request that comes after. A
// password that was accepted need not be checked anew if its hash stays. If it fails, as New does, nothing has changed.
func (a *Authenticator) Replace(callers []Caller, allowFrom origin.Networks) error {
	b, err := newBook(callers, allowFrom, a.book.Load())
	if err == nil {
		a.book.Store(b)
	}
	return err
}

// Admit refuses a request from an address that nobody may call from, with 403.
func (a *Authenticator) Admit(r *http.Request) error {
	networks := a.book.Load().allowFrom
	if networks == nil {
		return nil
	}
	if address := a.address(r); !networks.Contain(address) {
		return resource.Refuse(http.StatusForbidden, "", "Requests from %s are not answered; whoever runs this server allows networks.", address)
	}
	return nil
}

// address is that of the client behind a request.
func (a *Authenticator) address(r *http.Request) netip.Addr { return origin.Address(r, a.proxies) }

// Anonymous reports whether a request carries no credentials: no Authorization, and no certificate of a caller.
func (a *Authenticator) Anonymous(r *http.Request) bool {
	return len(r.Header.Values("Authorization")) == 0 && a.book.Load().certified(r, a.now()) == nil
}

// Authenticate returns the caller whose credentials the request carries: Basic (RFC 7617) or Bearer (RFC 6750,
// the header form only), or without either the certificate of its connection. It fails with a *resource.Error: 401 for
// missing or wrong credentials, 403 for right ones from an address where their caller may not be, 429 for a password that
// is not checked since too many were wrong, 503 if too many passwords wait to be checked or the issuer of a token does
// not answer. If the request's context ends while it waits, it fails with the context's cause.
func (a *Authenticator) Authenticate(r *http.Request) (*Caller, error) {
	b, address := a.book.Load(), a.address(r)
	c, err := a.identify(r, b, address)
	if err == nil && !c.comesFrom(address) {
		return nil, strayed(c, address)
	}
	return c, err
}

func (a *Authenticator) identify(r *http.Request, b *book, address netip.Addr) (*Caller, error) {
	switch len(r.Header.Values("Authorization")) {
	case 0:
		if c := b.certified(r, a.now()); c != nil {
			return c, nil
		}
		return nil, errUnauthenticated
	case 1:
	default:
		return nil, errUnauthenticated
	}
	if username, password, ok := r.BasicAuth(); ok {
		return a.basic(r.Context(), b, attempt{username, password, keyOf(address)})
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, unauthenticated(refusal("an unknown scheme", "", keyOf(address), "neither Basic nor Bearer"))
	}
	return a.bearer(r, b, strings.TrimLeft(token, " "), address)
}

// bearer compares the token with those of all callers, even after a match, so that its duration tells nothing. A
// token that no caller has may be the issuer's.
func (a *Authenticator) bearer(r *http.Request, b *book, token string, address netip.Addr) (*Caller, error) {
	digest := sha256.Sum256([]byte(token))
	var found *Caller
	for i := range b.tokens {
		if subtle.ConstantTimeCompare(digest[:], b.tokens[i].digest[:]) == 1 {
			found = b.tokens[i].caller
		}
	}
	switch {
	case token == "":
		return nil, errUnauthenticated
	case found != nil:
		return found, nil
	case a.jwts != nil && looksLikeJWT(token):
		c, err := a.jwts.authenticate(r.Context(), token)
		if err != nil {
			return nil, err
		}
		return b.holder(c, address)
	default:
		return nil, invalidToken(refusal("a bearer token", "", keyOf(address), "not a token of a caller"))
	}
}

// strayed refuses a caller at an address where it may not be. Its credentials were right, so it may know why.
func strayed(c *Caller, address netip.Addr) error {
	return &resource.Error{Status: http.StatusForbidden, Detail: fmt.Sprintf("The caller %s may not call from %s; whoever runs this server allows networks for it.", c.Name, address)}
}
