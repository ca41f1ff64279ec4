package jira

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// maxResultSets bounds how many searches are remembered between pages.
const maxResultSets = 64

// resultCache remembers the results of searches, so that further pages need no
// search. It has a lock of its own because searches share the tenant's.
type resultCache struct {
	secret []byte

	mu   sync.Mutex
	sets map[uint64][]*issue
	last uint64
}

func (r *resultCache) init() {
	r.secret = make([]byte, 16)
	rand.Read(r.secret)
	r.sets = map[uint64][]*issue{}
}

// token returns a token for the page of hits that begins at start. It is good
// for the same query only, until expiry.
func (r *resultCache) token(query string, hits []*issue, start int, expiry time.Time) string {
	text := fmt.Sprintf("%d.%d.%d", r.remember(hits), start, expiry.Unix())
	return base64.RawURLEncoding.EncodeToString([]byte(text + "." + r.seal(text, query)))
}

// remember stores hits and returns their number; the following pages of a
// search have the same hits and number.
func (r *resultCache) remember(hits []*issue) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, set := range r.sets {
		if len(set) == len(hits) && &set[0] == &hits[0] {
			return n
		}
	}
	r.last++
	r.sets[r.last] = hits
	delete(r.sets, r.last-maxResultSets)
	return r.last
}

func (r *resultCache) seal(text, query string) string {
	mac := hmac.New(sha256.New, r.secret)
	fmt.Fprintf(mac, "%s\x00%s", text, query)
	return fmt.Sprintf("%x", mac.Sum(nil)[:12])
}

// page returns the hits that a token belongs to, nil if they are forgotten,
// and where its page begins.
func (r *resultCache) page(query, token string, now time.Time) (hits []*issue, start int, err error) {
	invalid := deny(http.StatusBadRequest, "The provided next page token is invalid or expired.")
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, 0, invalid
	}
	var set uint64
	var expiry int64
	var seal string
	if n, _ := fmt.Sscanf(string(text), "%d.%d.%d.%s", &set, &start, &expiry, &seal); n != 4 {
		return nil, 0, invalid
	}
	given := fmt.Sprintf("%d.%d.%d", set, start, expiry)
	if !hmac.Equal([]byte(seal), []byte(r.seal(given, query))) || now.Unix() >= expiry {
		return nil, 0, invalid
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sets[set], start, nil
}
