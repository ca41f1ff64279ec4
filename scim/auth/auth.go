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
	"net/netip"
	"runtime"
	"strings"
	"sync"
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
	Proxies []netip.Prefix   // whose word on the address of their clients is taken
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
	proxies   []netip.Prefix
	damping   *damping
	typical   atomic.Int64 // nanoseconds that a check of a password takes

	mu     sync.Mutex
	checks map[[sha256.Size]byte]*check // of passwords, under way
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
		now:    cfg.Now, proxies: cfg.Proxies, damping: newDamping(cfg.Now), checks: make(map[[sha256.Size]byte]*check),
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
// the header form only). It fails with a *resource.Error: 401 for missing or wrong credentials, 429 for a password that
// is not checked since too many were wrong, 503 if too many passwords wait to be checked or the issuer of a token does
// not answer. If the request's context ends while it waits, it fails with the context's cause.
func (a *Authenticator) Authenticate(r *http.Request) (*Caller, error) {
	if len(r.Header.Values("Authorization")) != 1 {
		return nil, errUnauthenticated
	}
	if username, password, ok := r.BasicAuth(); ok {
		return a.basic(r.Context(), username, password, addressOf(r, a.proxies))
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, unauthenticated(refusal("an unknown scheme", "", addressOf(r, a.proxies), "neither Basic nor Bearer"))
	}
	return a.bearer(r, strings.TrimLeft(token, " "))
}

// bearer compares the token with those of all callers, even after a match, so that its duration tells nothing. A
// token that no caller has may be the issuer's.
func (a *Authenticator) bearer(r *http.Request, token string) (*Caller, error) {
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
		return a.jwts.authenticate(r.Context(), token)
	default:
		return nil, invalidToken(refusal("a bearer token", "", addressOf(r, a.proxies), "not a token of a caller"))
	}
}

// basic checks a password against its proof, else against its hash. Requests with one password at a time share one check.
func (a *Authenticator) basic(ctx context.Context, username, password, address string) (*Caller, error) {
	known := a.basics[username]
	mac := a.mac(username, password)
	if known != nil && known.remembers(mac, a.now()) {
		return known.caller, nil
	}
	if a.costliest == nil {
		return nil, errUnauthenticated
	}
	for {
		c, mine := a.join(mac)
		if mine {
			err := a.check(ctx, known, username, password, address)
			a.finish(mac, c, err)
			if err != nil {
				return nil, err
			}
			return known.caller, nil
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if refused := (*resource.Error)(nil); errors.As(c.err, &refused) {
			return nil, c.err
		}
		if c.err == nil {
			return known.caller, nil
		}
	}
}

// check compares a password with its hash, if its name and address have not been wrong too often. The password of an
// unknown user name is compared with another caller's hash and refused in any case, so that the refusal takes as long as
// that of a known one; from an address that tries many of them, it takes as long and costs nothing.
func (a *Authenticator) check(ctx context.Context, known *basicCaller, username, password, address string) (err error) {
	pair, mac := username+"\x00"+address, a.mac(username, password)
	switch wait, before := a.damping.begin(pair, mac); {
	case before:
		return unauthenticated(refusal("a password", username, address, "the same wrong password as before"))
	case wait > 0:
		return tooManyGuesses(wait, refusal("a password", username, address, "too many were wrong"))
	}
	wrong := false
	defer func() { a.damping.end(pair, mac, err == nil, wrong) }()
	hash := a.costliest
	if known != nil {
		hash = known.hash
	} else {
		defer func() { a.damping.wrongFrom(address) }()
		if !a.damping.spend(address) {
			wrong = true
			a.pretend(ctx)
			return unauthenticated(refusal("a password", username, address, "no such user name"))
		}
		defer a.damping.give(address)
	}
	if err := a.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-a.slots }()
	begun := time.Now()
	failed := bcrypt.CompareHashAndPassword(hash, []byte(password))
	a.typical.Store(int64(time.Since(begun)))
	wrong = failed != nil || known == nil
	switch {
	case known == nil:
		return unauthenticated(refusal("a password", username, address, "no such user name"))
	case failed != nil:
		return unauthenticated(refusal("a password", username, address, "wrong password"))
	}
	fresh := &proof{mac: mac}
	fresh.expires.Store(a.now().Add(proofLifetime).UnixNano())
	known.proof.Store(fresh)
	return nil
}

// check is one check of a password, for all requests that carry it.
type check struct {
	done chan struct{} // closed at its end
	err  error         // afterwards; nil: the password is right
}

// join returns the check of a password that is under way, or a new one, which is the caller's to make.
func (a *Authenticator) join(mac [sha256.Size]byte) (c *check, mine bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.checks[mac]; c != nil {
		return c, false
	}
	c = &check{done: make(chan struct{})}
	a.checks[mac] = c
	return c, true
}

func (a *Authenticator) finish(mac [sha256.Size]byte, c *check, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.err = err
	delete(a.checks, mac)
	close(c.done)
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
