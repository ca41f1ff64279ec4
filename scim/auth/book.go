package auth

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/crypto/bcrypt"

	"scim-atlassian/scim/origin"
)

// book is the callers by their credentials. It does not change.
type book struct {
	allowFrom    origin.Networks // nil: anywhere
	tokens       []tokenCaller
	certificates map[[sha256.Size]byte]*Caller
	basics       map[string]*basicCaller // by user name
	costliest    []byte                  // the hash with the highest cost, for unknown user names; nil: no caller has a password
	rounds       int                     // the most passwords that a caller has
	byToken      []*Caller               // those with a role or scope, in the operator's order
}

// tokenCaller is a caller with the digest of a bearer token.
type tokenCaller struct {
	digest [sha256.Size]byte
	caller *Caller
}

// newBook lists callers by their credentials. What old remembers of their passwords, if there is one, it takes over.
func newBook(callers []Caller, allowFrom origin.Networks, old *book) (*book, error) {
	b := &book{allowFrom: allowFrom, certificates: map[[sha256.Size]byte]*Caller{}, basics: map[string]*basicCaller{}}
	highest := 0
	for i := range callers {
		c := &callers[i]
		for _, text := range c.BearerSHA256 {
			digest, err := parseDigest(text)
			if err != nil {
				return nil, fmt.Errorf("caller %s: bearer_sha256 %w", c.Name, err)
			}
			b.tokens = append(b.tokens, tokenCaller{digest, c})
		}
		for _, text := range c.ClientCertSHA256 {
			digest, err := parseDigest(text)
			if err != nil {
				return nil, fmt.Errorf("caller %s: client_cert_sha256 %w", c.Name, err)
			}
			b.certificates[digest] = c
		}
		for _, hash := range c.BasicBcrypt {
			cost, err := bcrypt.Cost([]byte(hash))
			if err != nil {
				return nil, fmt.Errorf("caller %s: basic_bcrypt: %w", c.Name, err)
			}
			b.add(c, old.password(c.Username, hash))
			if cost > highest {
				highest, b.costliest = cost, []byte(hash)
			}
		}
		if c.byToken() {
			b.byToken = append(b.byToken, c)
		}
	}
	return b, nil
}

// add gives a caller a password.
func (b *book) add(c *Caller, p *password) {
	known := b.basics[c.Username]
	if known == nil {
		known = &basicCaller{caller: c}
		b.basics[c.Username] = known
	}
	known.passwords = append(known.passwords, p)
	b.rounds = max(b.rounds, len(known.passwords))
}

// password returns the password of a user name with this hash, a new one if b, which may be nil, has none.
func (b *book) password(username, hash string) *password {
	if b != nil && b.basics[username] != nil {
		for _, p := range b.basics[username].passwords {
			if string(p.hash) == hash {
				return p
			}
		}
	}
	return &password{hash: []byte(hash)}
}

// certified returns the caller whose certificate the client of a connection has proven to have, nil if there is none. The
// certificate was verified when the connection began, which may be long ago: it must not have expired since.
func (b *book) certified(r *http.Request, now time.Time) *Caller {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(b.certificates) == 0 {
		return nil
	}
	leaf := r.TLS.PeerCertificates[0]
	if now.After(leaf.NotAfter) {
		return nil
	}
	return b.certificates[sha256.Sum256(leaf.Raw)]
}

// holder makes the caller that a token stands for. If several configured callers match, it has the rights of all of
// them that may be at the address, and the settings of the first; if none matches, it has no rights.
func (b *book) holder(c *claims, address netip.Addr) (*Caller, error) {
	if len(b.byToken) == 0 {
		return &Caller{Name: c.principal(), Rights: map[string]Right{AnyType: Write}, Client: c.client(), Issued: true}, nil
	}
	var united Caller
	var elsewhere *Caller
	for _, configured := range b.byToken {
		switch {
		case !configured.covers(c):
		case !configured.comesFrom(address):
			elsewhere = configured
		case united.Rights == nil:
			united = *configured
		default:
			united.Rights = unite(united.Rights, configured.Rights)
		}
	}
	if united.Rights == nil && elsewhere != nil {
		return nil, strayed(elsewhere, address)
	}
	united.Name, united.Client, united.Issued = c.principal(), c.client(), true
	return &united, nil
}

// comesFrom reports whether the caller may be at an address.
func (c *Caller) comesFrom(address netip.Addr) bool {
	return c.AllowFrom == nil || c.AllowFrom.Contain(address)
}
