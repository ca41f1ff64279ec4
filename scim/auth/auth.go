package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"scim-atlassian/scim/resource"
)

// Policy is the part of the settings that backends follow.
func (c *Caller) Policy() resource.Policy {
	return resource.Policy{
		Strict: c.Strict, IgnoreUnknownMembers: c.UnknownMembers == Ignore,
		KeepMembers: c.PutWithoutMembers == Keep || c.PutWithoutMembers == "" && !c.Strict,
	}
}

// May reports whether the caller may read, or with write change, resources of the type.
// An entry for the type itself wins over AnyType, so that one type can be narrowed.
func (c *Caller) May(resourceType string, write bool) bool {
	right, ok := c.Rights[resourceType]
	if !ok {
		right = c.Rights[AnyType]
	}
	return right == Write || right == Read && !write
}

func (c *Caller) identities() []identity {
	all := []identity{
		{"name", c.Name},
		{"username", c.Username},
		{"bearer_sha256", strings.ToLower(c.BearerSHA256)},
		{"realm_role", c.RealmRole},
		{"client_role", c.ClientRole},
		{"scope", c.Scope},
	}
	return slices.DeleteFunc(all, func(id identity) bool { return id.value == "" })
}

// problems lists what is wrong with one caller, and gives its rights their canonical names.
func (c *Caller) problems() []error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Name == "" {
		add("name is missing: the log calls the caller by it")
	}
	if c.BearerSHA256 == "" && c.BasicBcrypt == "" && !c.byToken() {
		add("needs bearer_sha256, or username with basic_bcrypt, or realm_role, client_role or scope")
	}
	if c.RealmRole != "" && c.ClientRole != "" || c.RealmRole+c.ClientRole != "" && c.Scope != "" {
		add("realm_role, client_role and scope exclude each other: make a caller of each")
	}
	if client, role, _ := strings.Cut(c.ClientRole, "/"); c.ClientRole != "" && (client == "" || role == "") {
		add("client_role must be CLIENT/ROLE")
	}
	if _, err := tokenDigest(c.BearerSHA256); c.BearerSHA256 != "" && err != nil {
		add("bearer_sha256 %w", err)
	}
	if (c.Username == "") != (c.BasicBcrypt == "") {
		add("username and basic_bcrypt belong together")
	}
	if strings.ContainsFunc(c.Username, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f }) {
		add("username must not contain a colon or control characters")
	}
	if _, err := bcrypt.Cost([]byte(c.BasicBcrypt)); c.BasicBcrypt != "" && err != nil {
		add("basic_bcrypt is not a bcrypt hash: make one with hash-password")
	}
	if strings.ContainsFunc(c.ContentType, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		add("content_type must be printable ASCII")
	}
	for _, choice := range []struct{ name, value, one, other string }{
		{"put_without_members", c.PutWithoutMembers, Keep, Clear},
		{"unknown_members", c.UnknownMembers, Refuse, Ignore},
	} {
		if choice.value != "" && choice.value != choice.one && choice.value != choice.other {
			add("%s is %q: use %s or %s", choice.name, choice.value, choice.one, choice.other)
		}
	}
	if c.UntypedEmail != "" && !slices.Contains(emailTypes, c.UntypedEmail) {
		add("untyped_email is %q: use %s", c.UntypedEmail, strings.Join(emailTypes, ", "))
	}
	return append(problems, c.canonicalRights()...)
}

// canonicalRights replaces endpoint names in the rights by type names and lists what it does not know:
// a misspelt type must not silently grant nothing.
func (c *Caller) canonicalRights() []error {
	if len(c.Rights) == 0 {
		return []error{errors.New(`rights are missing: for instance {"*": "read"}`)}
	}
	var problems []error
	canonical := make(map[string]Right, len(c.Rights))
	for _, name := range slices.Sorted(maps.Keys(c.Rights)) {
		right, resourceType := c.Rights[name], strings.TrimSuffix(name, "s")
		switch resourceType {
		case AnyType, "User", "Group", "Issue", "Account", "Entitlement":
		default:
			problems = append(problems, fmt.Errorf("rights: %q is no resource type: use User, Group, Issue, Account, Entitlement or *", name))
		}
		if right != Read && right != Write {
			problems = append(problems, fmt.Errorf("rights: %s is %q: use read or write", name, right))
		}
		if _, ok := canonical[resourceType]; ok {
			problems = append(problems, fmt.Errorf("rights: %s is there twice", resourceType))
		}
		canonical[resourceType] = right
	}
	c.Rights = canonical
	return problems
}

// tokenDigest decodes the hexadecimal SHA-256 of a bearer token.
func tokenDigest(hexadecimal string) (digest [sha256.Size]byte, err error) {
	b, err := hex.DecodeString(hexadecimal)
	if err != nil || len(b) != sha256.Size {
		return digest, fmt.Errorf("must be %d hexadecimal digits: printf %%s TOKEN | sha256sum", 2*sha256.Size)
	}
	return [sha256.Size]byte(b), nil
}

// The WWW-Authenticate values of a 401 (RFC 7235 section 4.1), the second after a bearer token (RFC 6750 section 3).
const (
	challenge      = `Basic realm="scim-atlassian", Bearer`
	tokenChallenge = challenge + ` error="invalid_token"`
)

var (
	// errUnauthenticated does not say what was wrong, by intent.
	errUnauthenticated = &resource.Error{
		Status: http.StatusUnauthorized, Detail: "Credentials are missing or wrong: authenticate with Basic or Bearer.", Challenge: challenge,
	}
	// errBusy means that too many unverified passwords wait to be checked.
	errBusy = &resource.Error{Status: http.StatusServiceUnavailable, Detail: "Too many sign-ins at the moment.", RetryAfter: bcryptWait}
)

const (
	proofLifetime = 15 * time.Minute // of a verified password that is not used
	bcryptWait    = 5 * time.Second  // for a free slot
)

// Authenticator finds the caller behind a request. It is safe for concurrent use.
type Authenticator struct {
	tokens  []tokenCaller
	jwts    *tokenVerifier // nil: no issuer is trusted
	basics  map[string]*basicCaller
	dearest []byte        // the hash with the highest cost: what an unknown user name is compared with
	slots   chan struct{} // bounds concurrent bcrypt, so that guessing cannot take every CPU
	key     [32]byte      // of proofs; lives and dies with the process
	now     func() time.Time
}

type tokenCaller struct {
	digest [sha256.Size]byte
	caller *Caller
}

// basicCaller remembers the one password that bcrypt has accepted, so that it costs one HMAC afterwards.
// Failures leave no trace. The memory is bounded by construction: one proof a caller.
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

// New takes callers that ParseCallers accepts and fails on others, and the issuer whose tokens are
// accepted besides, if any. The callers must not change afterwards.
func New(callers []Caller, issuer *Issuer) (*Authenticator, error) {
	a := &Authenticator{
		basics: make(map[string]*basicCaller),
		slots:  make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		now:    time.Now,
	}
	rand.Read(a.key[:]) // never fails
	if issuer != nil {
		a.jwts = newTokenVerifier(*issuer, callers, a.now)
	}
	highest := 0
	for i := range callers {
		c := &callers[i]
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
				highest, a.dearest = cost, b.hash
			}
		}
	}
	return a, nil
}

// Authenticate returns the caller whose credentials the request carries: Basic (RFC 7617) or Bearer (RFC 6750,
// the header form only). It fails with errUnauthenticated, what invalidToken and issuerSilent make, errBusy, or the
// context's error while waiting its turn.
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

// bearer compares with every token, whatever matched before, so that time tells nothing. What is none of them may be
// a token of the issuer.
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

// basic checks a password against its proof, else against its hash. An unknown user name is compared with
// somebody's hash too and refused whatever comes out, so that it takes as long as a known one.
func (a *Authenticator) basic(ctx context.Context, username, password string) (*Caller, error) {
	known := a.basics[username]
	mac := a.mac(username, password)
	if known != nil && known.proven(mac, a.now()) {
		return known.caller, nil
	}
	if a.dearest == nil {
		return nil, errUnauthenticated
	}
	if err := a.acquire(ctx); err != nil {
		return nil, err
	}
	defer func() { <-a.slots }()
	hash := a.dearest
	if known != nil {
		// A burst of first requests with one password waits here together; the first of them pays for all.
		if known.proven(mac, a.now()) {
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

func (a *Authenticator) mac(username, password string) [sha256.Size]byte {
	h := hmac.New(sha256.New, a.key[:])
	h.Write([]byte(username))
	h.Write([]byte{':'}) // the one character a user name cannot contain
	h.Write([]byte(password))
	return [sha256.Size]byte(h.Sum(nil))
}

// proven reports whether the password behind mac was accepted lately, and if so prolongs it.
func (b *basicCaller) proven(mac [sha256.Size]byte, now time.Time) bool {
	p := b.proof.Load()
	if p == nil || subtle.ConstantTimeCompare(p.mac[:], mac[:]) != 1 || now.UnixNano() >= p.expires.Load() {
		return false
	}
	p.expires.Store(now.Add(proofLifetime).UnixNano())
	return true
}

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
