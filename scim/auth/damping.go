package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"scim-atlassian/scim/resource"
)

const (
	freeGuesses    = 3                      // wrong passwords in a row for one name from one address, before the next has to wait
	firstWait      = 250 * time.Millisecond // after these; it doubles with every further one
	longestWait    = time.Minute
	forgetHalf     = 5 * time.Minute // after which half of the guesses are forgotten
	freeUnknown    = 20              // wrong names from one address, before its unknown names cost no more CPU
	atOnce         = 3               // passwords of one name from one address, and unknown names from one address, that are checked at a time
	rememberedKeys = 20_000          // names and addresses, some 200 bytes each
)

// damping makes guessing dear: who was wrong too often has to wait, the longer the more often. It counts by name and
// address together, so that a guesser does not shut out whom it pretends to be, and by address alone for names that do
// not exist. It never holds a connection: who has to wait is told so. It is safe for concurrent use.
type damping struct {
	now func() time.Time

	mu      sync.Mutex
	guesses map[string]*guesses
}

// guesses are the wrong sign-ins of late under one key.
type guesses struct {
	wrong    float64 // some are forgotten
	last     time.Time
	until    time.Time // none is checked before
	checking int
	mac      [sha256.Size]byte // of the wrong password before; a client that repeats it guesses nothing
}

func newDamping(now func() time.Time) *damping {
	return &damping{now: now, guesses: map[string]*guesses{}}
}

// of returns the guesses under a key. d.mu is held.
func (d *damping) of(key string, now time.Time) *guesses {
	g := d.guesses[key]
	if g == nil {
		if len(d.guesses) >= rememberedKeys {
			d.forget(now)
		}
		g = &guesses{last: now}
		d.guesses[key] = g
	}
	g.wrong *= math.Exp2(-now.Sub(g.last).Seconds() / forgetHalf.Seconds())
	g.last = now
	return g
}

// forget drops keys that have nothing to wait for, or any if all have.
func (d *damping) forget(now time.Time) {
	for key, g := range d.guesses {
		if g.checking == 0 && !g.until.After(now) {
			delete(d.guesses, key)
		}
	}
	for key, g := range d.guesses {
		if len(d.guesses) < rememberedKeys {
			return
		}
		if g.checking == 0 {
			delete(d.guesses, key)
		}
	}
}

// begin lets a password of a key be checked, or tells how long to wait, or that it was wrong before. end must be called
// once it was checked.
func (d *damping) begin(key string, mac [sha256.Size]byte) (wait time.Duration, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	g := d.of(key, now)
	switch {
	case g.wrong > 0 && g.mac == mac:
		return 0, true
	case g.until.After(now):
		return g.until.Sub(now), false
	case g.checking >= atOnce:
		return firstWait, false
	}
	g.checking++
	return 0, false
}

// end notes what came of it: right, wrong, or nothing, if it was given up.
func (d *damping) end(key string, mac [sha256.Size]byte, right, wrong bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	g := d.of(key, now)
	g.checking--
	switch {
	case right && g.checking == 0:
		delete(d.guesses, key)
	case right:
		g.wrong, g.until = 0, time.Time{}
	case wrong:
		g.wrong++
		g.mac = mac
		if over := g.wrong - freeGuesses; over > 0 {
			wait := min(float64(firstWait)*math.Exp2(over-1), float64(longestWait))
			g.until = now.Add(time.Duration(wait))
		}
	}
}

// spend takes one of the unknown names that an address may have checked at the cost of CPU. Until give is called, it is
// one of those at work.
func (d *damping) spend(address string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.of(address, d.now())
	if g.wrong >= freeUnknown || g.checking >= atOnce {
		return false
	}
	g.checking++
	return true
}

// give ends what spend has begun.
func (d *damping) give(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(address, d.now()).checking--
}

// wrongFrom counts an unknown name of an address.
func (d *damping) wrongFrom(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(address, d.now()).wrong++
}

// tooManyGuesses is the answer to a password that is not checked.
func tooManyGuesses(wait time.Duration, cause error) *resource.Error {
	return &resource.Error{Status: http.StatusTooManyRequests, RetryAfter: wait, Err: cause,
		Detail: "Too many wrong sign-ins with this user name from this address; try again after the time in Retry-After."}
}

// unauthenticated is the answer to credentials that are refused. The client learns nothing of the cause, which the log
// has.
func unauthenticated(cause error) *resource.Error {
	e := *errUnauthenticated
	e.Err = cause
	return &e
}

// refusal is what the log says of a sign-in that was refused.
func refusal(way, name, address, reason string) error {
	if name == "" {
		return fmt.Errorf("sign-in by %s from %s refused: %s", way, address, reason)
	}
	return fmt.Errorf("sign-in by %s as %s from %s refused: %s", way, resource.InQuotes(name), address, reason)
}

// keyOf is what the guesses of an address are counted under. Of IPv6 it is the network, of which a client has all
// addresses.
func keyOf(address netip.Addr) string {
	if address.Is6() {
		network, err := address.WithZone("").Prefix(64)
		if err == nil {
			return network.String()
		}
	}
	return address.String()
}

// pretend takes as long as the check of a password, without its cost.
func (a *Authenticator) pretend(ctx context.Context) {
	timer := time.NewTimer(time.Duration(a.typical.Load()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
