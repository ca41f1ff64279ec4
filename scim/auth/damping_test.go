package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scim-atlassian/scim/resource"
)

func from(address, username, password string) *http.Request {
	r := basicRequest(username, password)
	r.RemoteAddr = address + ":1234"
	return r
}

// TestGuessingTakesTime has somebody guess the password of one name as fast as may be, for an hour.
func TestGuessingTakesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newTestAuthenticator(t, time.Now)
		checked := 0
		for n, start := 0, time.Now(); time.Since(start) < time.Hour; n++ {
			_, err := a.Authenticate(from("192.0.2.1", "ann", fmt.Sprint("guess", n)))
			var refused *resource.Error
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			switch refused.Status {
			case http.StatusUnauthorized:
				checked++
			case http.StatusTooManyRequests:
				if refused.RetryAfter <= 0 || refused.RetryAfter > longestWait {
					t.Fatalf("told to wait for %v", refused.RetryAfter)
				}
				time.Sleep(refused.RetryAfter)
			default:
				t.Fatalf("got %v", err)
			}
		}
		if checked < 10 || checked > 120 {
			t.Errorf("%d guesses in an hour", checked)
		}
		if _, err := a.Authenticate(from("192.0.2.2", "ann", "secret")); err != nil {
			t.Errorf("the caller itself, from elsewhere: %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := a.Authenticate(from("192.0.2.1", "ann", "secret")); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// TestForgottenPassword has a client repeat one wrong password, which is no guessing, and then have the right one.
func TestForgottenPassword(t *testing.T) {
	a := newTestAuthenticator(t, time.Now)
	for range 100 {
		if status, _ := statusOf(failureOf(a.Authenticate(from("192.0.2.1", "ann", "old")))); status != http.StatusUnauthorized {
			t.Fatalf("got %d", status)
		}
	}
	if _, err := a.Authenticate(from("192.0.2.1", "ann", "secret")); err != nil {
		t.Error(err)
	}
}

func failureOf(_ *Caller, err error) error { return err }

// TestGuessersBesideCallers has 64 guessers hammer, with names that exist and names that do not, all from the address of
// the callers: a caller whose password was proven, and one who comes for the first time, are served within a second.
func TestGuessersBesideCallers(t *testing.T) {
	a := newTestAuthenticator(t, time.Now)
	if _, err := a.Authenticate(from("192.0.2.1", "ann", "secret")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var guessers sync.WaitGroup
	for g := range 64 {
		guessers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := "ann"
				if g%2 == 0 {
					name = fmt.Sprint("name", g, n)
				}
				a.Authenticate(from("192.0.2.1", name, fmt.Sprint("guess", g, n)).WithContext(ctx))
				time.Sleep(time.Millisecond)
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	for name, password := range map[string]string{"ann": "secret", "bob": "other"} {
		start := time.Now()
		if _, err := a.Authenticate(from("192.0.2.1", name, password)); err != nil || time.Since(start) > time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
	}
	cancel()
	guessers.Wait()
	if n := len(a.damping.guesses); n > rememberedKeys {
		t.Errorf("%d keys are remembered", n)
	}
}

// TestRefusalsAreRecorded holds what the log is told of a refused sign-in, and what it is not.
func TestRefusalsAreRecorded(t *testing.T) {
	a := newTestAuthenticator(t, time.Now)
	for _, test := range []struct {
		request *http.Request
		want    []string
	}{
		{from("192.0.2.1", "ann", "hunter2"), []string{`a password as "ann" from 192.0.2.1`, "wrong password"}},
		{from("192.0.2.1", "eve", "hunter2"), []string{`"eve"`, "no such user name"}},
		{request("Bearer hunter2"), []string{"a bearer token from 192.0.2.1", "not a token of a caller"}},
	} {
		_, err := a.Authenticate(test.request)
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q lacks %q, or tells too much", err, want)
			}
		}
	}
}

func TestKeyOf(t *testing.T) {
	for _, test := range []struct{ address, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
	} {
		if got := keyOf(netip.MustParseAddr(test.address)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.address, got, test.want)
		}
	}
}
