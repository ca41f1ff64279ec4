package crowd_test

import (
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"scim-atlassian/scim/crowd"
	"scim-atlassian/scim/resource"
)

func statusOf(err error) int {
	var refused *resource.Error
	if !errors.As(err, &refused) {
		return 0
	}
	return refused.Status
}

func TestInFlight(t *testing.T) {
	c := crowd.New(crowd.Limits{InFlight: 3, PerCaller: 2})
	enter := func(caller string, want int) *crowd.Place {
		t.Helper()
		p, err := c.Enter(caller)
		if statusOf(err) != want {
			t.Errorf("%s: got %v, want %d", caller, err, want)
		}
		return p
	}
	first := enter("a", 0)
	enter("a", 0)
	enter("a", http.StatusTooManyRequests)
	enter("b", 0)
	enter("b", http.StatusTooManyRequests)
	first.Leave()
	enter("b", 0)
}

func TestBodyBytes(t *testing.T) {
	c := crowd.New(crowd.Limits{BodyBytes: 100})
	read := func(body string, header ...string) (*crowd.Place, error) {
		p, err := c.Enter("a")
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		if len(header) > 0 {
			r.Header.Set("Content-Encoding", header[0])
		}
		p.Body(r, 80)
		_, err = io.ReadAll(r.Body)
		return p, err
	}
	first, err := read(strings.Repeat("x", 60))
	if err != nil {
		t.Fatal(err)
	}
	second, err := read(strings.Repeat("x", 60))
	if statusOf(err) != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
	second.Leave()
	var small strings.Builder
	z := gzip.NewWriter(&small)
	z.Close()
	third, err := read(small.String(), "gzip")
	if statusOf(err) != http.StatusServiceUnavailable {
		t.Errorf("a compressed body counts as what it may stand for: got %v", err)
	}
	third.Leave()
	first.Leave()
	if _, err := read(strings.Repeat("x", 100)); err != nil {
		t.Errorf("what was taken was not given back: %v", err)
	}
}

// TestNothingIsLost has requests come and go at random: in the end all is free again.
func TestNothingIsLost(t *testing.T) {
	c := crowd.New(crowd.Limits{InFlight: 8, PerCaller: 4, BodyBytes: 1000})
	var all sync.WaitGroup
	for n := range 16 {
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		all.Go(func() {
			for range 200 {
				p, err := c.Enter(string(rune('a' + n%3)))
				if err != nil {
					continue
				}
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", rng.IntN(400))))
				p.Body(r, 10)
				io.Copy(io.Discard, r.Body)
				p.Leave()
			}
		})
	}
	all.Wait()
	p, err := c.Enter("a")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 1000)))
	p.Body(r, 0)
	if n, err := io.Copy(io.Discard, r.Body); n != 1000 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
