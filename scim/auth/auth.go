package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

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

const (
	proofLifetime = 15 * time.Minute // from the last use of a verified password until bcrypt checks it again
	bcryptWait    = 5 * time.Second  // until a password that waits for a free slot is given up
)

// Config names the parties that may use the server.
type Config struct {
	Callers []Caller         // as ParseCallers returns them; they must not change afterwards
	Issuer  *Issuer          // its access tokens are accepted too; nil: no such tokens
	Now     func() time.Time // the clock for expiry; safe for concurrent use
}

// Authenticator finds the caller behind a request. It is safe for concurrent use.
type Authenticator struct {
	tokens    []tokenCaller
	jwts      *tokenVerifier          // nil: no issuer is trusted
	basics    map[string]*basicCaller // by user name
	costliest []byte                  // the hash with the highest cost, for unknown user names; nil: no caller has a password
	slots     chan struct{}           // bounds concurrent bcrypt, so that guessing cannot take every CPU
	key       [32]byte                // keys the proofs; lives and dies with the process
	now       func() time.Time
}

// tokenCaller is a caller with the digest of its bearer token.
type tokenCaller struct {
	digest [sha256.Size]byte
	caller *Caller
}

// basicCaller is a caller with the hash of its password. It remembers the password that bcrypt has accepted, by its
// proof, so that the next request costs one HMAC. It remembers no failures: one proof a caller bounds the memory.
type basicCaller struct {
	hash   []byte
	caller *Caller
	proof  atomic.Pointer[proof]
}

// proof is a keyed digest of an accepted password. It is worthless outside this process.
type proof struct {
	mac     [sha256.Size]byte
	expires atomic.Int64 // Unix nanoseconds; moves on with every use
}

// New makes an Authenticator. It fails on a digest or a hash that ParseCallers would refuse, and sends nothing: the
// issuer is asked when its first token comes.
func New(cfg Config) (*Authenticator, error) {
	a := &Authenticator{
		basics: make(map[string]*basicCaller),
		slots:  make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		now:    cfg.Now,
	}
	rand.Read(a.key[:]) // never fails
	if cfg.Issuer != nil {
		a.jwts = newTokenVerifier(*cfg.Issuer, cfg.Callers, cfg.Now)
	}
	highest := 0
	for i := range cfg.Callers {
		c := &cfg.Callers[i]
		if c.BearerSHA256 != "" {
			digest, err := tokenDigest(c.BearerSHA256)
			if err != nil {
				return nil, fmt.Errorf("caller %s: bearer_sha256 %w", c.Name, err)
			}
			a.tokens = append(a.tokens, tokenCaller{digest, c})
		}
		if c.BasicBcrypt != "" {
			cost, err := bcrypt.Cost([]byte(c.BasicBcrypt))
			if err != nil {
				return nil, fmt.Errorf("caller %s: basic_bcrypt: %w", c.Name, err)
			}
			b := &basicCaller{hash: []byte(c.BasicBcrypt), caller: c}
			a.basics[c.Username] = b
			if cost > highest {
				highest, a.costliest = cost, b.hash
			}
		}
	}
	return a, nil
}

// Authenticate returns the caller whose credentials the request carries: Basic (RFC 7617) or Bearer (RFC 6750,
// the header form only). It fails with a *resource.Error: 401 for missing or wrong credentials, 503 if too many
// passwords wait to be checked or the issuer of a token does not answer. If the request's context ends while it waits,
// it fails with the context's cause.
func (a *Authenticator) Authenticate(r *http.Request) (*Caller, error) {
	if len(r.Header.Values("Authorization")) != 1 {
		return nil, errUnauthenticated
	}
	if username, password, ok := r.BasicAuth(); ok {
		return a.basic(r.Context(), username, password)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, errUnauthenticated
	}
	return a.bearer(r.Context(), strings.TrimLeft(token, " "))
}

// bearer compares the token with those of all callers, even after a match, so that its duration tells nothing. A
// token that no caller has may be the issuer's.
func (a *Authenticator) bearer(ctx context.Context, token string) (*Caller, error) {
	digest := sha256.Sum256([]byte(token))
	var found *Caller
	for i := range a.tokens {
		if subtle.ConstantTimeCompare(digest[:], a.tokens[i].digest[:]) == 1 {
			found = a.tokens[i].caller
		}
	}
	switch {
	case token == "":
		return nil, errUnauthenticated
	case found != nil:
		return found, nil
	case a.jwts != nil && looksLikeJWT(token):
		return a.jwts.authenticate(ctx, token)
	default:
		return nil, invalidToken(errors.New("not a token of a caller"))
	}
}

// basic checks a password against its proof, else against its hash. The password of an unknown user name is compared
// with another caller's hash and refused in any case, so that the refusal takes as long as that of a known one.
func (a *Authenticator) basic(ctx context.Context, username, password string) (*Caller, error) {
	known := a.basics[username]
	mac := a.mac(username, password)
	if known != nil && known.remembers(mac, a.now()) {
		return known.caller, nil
	}
	if a.costliest == nil {
		return nil, errUnauthenticated
	}
	if err := a.acquire(ctx); err != nil {
		return nil, err
	}
	defer func() { <-a.slots }()
	hash := a.costliest
	if known != nil {
		// A burst of first requests with one password waits here together; the first of them pays for all.
		if known.remembers(mac, a.now()) {
			return known.caller, nil
		}
		hash = known.hash
	}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	if err != nil || known == nil {
		return nil, errUnauthenticated
	}
	fresh := &proof{mac: mac}
	fresh.expires.Store(a.now().Add(proofLifetime).UnixNano())
	known.proof.Store(fresh)
	return known.caller, nil
}

// mac is the proof of a user name with its password.
func (a *Authenticator) mac(username, password string) [sha256.Size]byte {
	h := hmac.New(sha256.New, a.key[:])
	h.Write([]byte(username))
	h.Write([]byte{':'}) // the one character a user name cannot contain
	h.Write([]byte(password))
	return [sha256.Size]byte(h.Sum(nil))
}

// remembers reports whether the password behind mac was accepted within proofLifetime. If so, its time begins anew.
func (b *basicCaller) remembers(mac [sha256.Size]byte, now time.Time) bool {
	p := b.proof.Load()
	if p == nil || subtle.ConstantTimeCompare(p.mac[:], mac[:]) != 1 || now.UnixNano() >= p.expires.Load() {
		return false
	}
	p.expires.Store(now.Add(proofLifetime).UnixNano())
	return true
}

// acquire takes a slot for one run of bcrypt.
func (a *Authenticator) acquire(ctx context.Context) error {
	timer := time.NewTimer(bcryptWait)
	defer timer.Stop()
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
