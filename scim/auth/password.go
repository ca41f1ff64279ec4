package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"scim-atlassian/scim/resource"
)

const (
	proofLifetime = 15 * time.Minute // from the last use of a verified password until bcrypt checks it again
	bcryptWait    = 5 * time.Second  // until a password that waits for a free slot is given up
)

// basicCaller is a caller with its passwords.
type basicCaller struct {
	passwords []*password // one or two
	caller    *Caller
}

// password is the hash of a password. It remembers the password that bcrypt has accepted, by its proof, so that the next
// request costs one HMAC. It remembers no failures: one proof a hash bounds the memory.
type password struct {
	hash  []byte
	proof atomic.Pointer[proof]
}

// proof is a keyed digest of an accepted password. It is worthless outside this process.
type proof struct {
	mac     [sha256.Size]byte
	expires atomic.Int64 // Unix nanoseconds; moves on with every use
}

// attempt is a sign-in by Basic.
type attempt struct {
	username, password string
	address            string // that guesses are counted under
}

// basic checks a password against its proof, else against its hash. Requests with one password at a time share one check.
func (a *Authenticator) basic(ctx context.Context, b *book, by attempt) (*Caller, error) {
	known := b.basics[by.username]
	mac := a.mac(by.username, by.password)
	if known != nil && known.remembers(mac, a.now()) {
		return known.caller, nil
	}
	if b.costliest == nil {
		return nil, errUnauthenticated
	}
	for {
		c, mine := a.join(mac)
		if mine {
			err := a.check(ctx, b, by)
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
func (a *Authenticator) check(ctx context.Context, b *book, by attempt) (err error) {
	known := b.basics[by.username]
	refuse := func(reason string) error {
		return unauthenticated(refusal("a password", by.username, by.address, reason))
	}
	pair, mac := by.username+"\x00"+by.address, a.mac(by.username, by.password)
	switch wait, before := a.damping.begin(pair, mac); {
	case before:
		return refuse("the same wrong password as before")
	case wait > 0:
		return tooManyGuesses(wait, refusal("a password", by.username, by.address, "too many were wrong"))
	}
	wrong := false
	defer func() { a.damping.end(pair, mac, err == nil, wrong) }()
	if known == nil {
		defer func() { a.damping.wrongFrom(by.address) }()
		if !a.damping.spend(by.address) {
			wrong = true
			a.pretend(ctx)
			return refuse("no such user name")
		}
		defer a.damping.give(by.address)
	}
	if err := a.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-a.slots }()
	begun := time.Now()
	found := b.compare(known, by.password)
	a.typical.Store(int64(time.Since(begun)))
	wrong = found == nil
	switch {
	case known == nil:
		return refuse("no such user name")
	case found == nil:
		return refuse("wrong password")
	}
	fresh := &proof{mac: mac}
	fresh.expires.Store(a.now().Add(proofLifetime).UnixNano())
	found.proof.Store(fresh)
	return nil
}

// compare returns the one of a caller's passwords that a text is, nil if it is none, or the caller is unknown (nil).
func (b *book) compare(known *basicCaller, text string) (found *password) {
	for i, hash := range b.hashesOf(known) {
		if bcrypt.CompareHashAndPassword(hash, []byte(text)) == nil && known != nil && i < len(known.passwords) {
			return known.passwords[i]
		}
	}
	return nil
}

// hashesOf returns what a password is compared with. They are the same number for all callers, and for unknown names (nil),
// so that a refusal takes as long: the caller's own come first.
func (b *book) hashesOf(known *basicCaller) [][]byte {
	hashes := make([][]byte, b.rounds)
	for i := range hashes {
		hashes[i] = b.costliest
		if known != nil && i < len(known.passwords) {
			hashes[i] = known.passwords[i].hash
		}
	}
	return hashes
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
	for _, word := range b.passwords {
		p := word.proof.Load()
		if p == nil || subtle.ConstantTimeCompare(p.mac[:], mac[:]) != 1 || now.UnixNano() >= p.expires.Load() {
			continue
		}
		p.expires.Store(now.Add(proofLifetime).UnixNano())
		return true
	}
	return false
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
