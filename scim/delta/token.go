package delta

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Token is what a client asks with later.
type Token struct {
	Value  string // opaque, of unreserved characters (RFC 3986 section 2.3)
	Expiry time.Time
}

// Object is the token in an answer: "value" and "expiry".
func (t Token) Object() query.Object {
	return query.Object{{Name: "value", Value: t.Value}, {Name: "expiry", Value: t.Expiry}}
}

const urnToken = "urn:ietf:params:scim:api:messages:2.0:delta:token"

// Document is the answer to a request for a token.
func (t Token) Document() query.Object {
	return append(query.Object{{Name: "schemas", Value: []any{urnToken}}}, t.Object()...)
}

// Token returns a token for the present moment. That of the root is good for all
// types that the caller may read, whether queries on the root find them or not. To
// take one brings what is known of the types up to date: what is read in full
// afterwards, and changes then, is in the log. Its errors are those of
// resource.Rememberer.
func (d *Deltas) Token(ctx context.Context, s Scope) (Token, Position, error) {
	types := s.Types
	if s.Root {
		types = s.Readable
	}
	types, err := d.supported(types, s)
	if err != nil {
		return Token{}, Position{}, err
	}
	p, err := d.mark(ctx, types, s.Fresh)
	if err != nil {
		return Token{}, Position{}, err
	}
	t, err := d.issue(ctx, p, typeNames(types))
	return t, p, err
}

func typeNames(types []*resource.Type) []string {
	var names []string
	for _, rt := range types {
		names = append(names, rt.Name)
	}
	return names
}

// moment is the content of a token.
type moment struct {
	issued time.Time // by the clock of this server, to the second
	taken  time.Time // when the number was taken, by the clock of the log, to the microsecond
	seq    int64     // number of the last entry before it
	store  string    // id of the state
	types  []string  // types that it is good for
}

const (
	tokenVersion  = 1
	cursorVersion = 2
	signature     = 16   // bytes of the signature
	longest       = 4096 // bytes of a token or cursor
)

// issue makes a token for a position.
func (d *Deltas) issue(ctx context.Context, p Position, types []string) (Token, error) {
	now := d.cfg.Now()
	b := []byte{tokenVersion}
	b = binary.AppendUvarint(b, uint64(now.Unix()))
	b = binary.AppendUvarint(b, uint64(max(0, p.head.At.UnixMicro())))
	b = binary.AppendUvarint(b, uint64(p.head.Seq))
	for _, text := range append([]string{d.cfg.State.ID()}, types...) {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	value, err := d.seal(ctx, b, "")
	return Token{value, time.Unix(now.Unix(), 0).UTC().Add(d.cfg.Retention)}, err
}

// seal signs b together with a text that is not in it, and makes a text of it.
func (d *Deltas) seal(ctx context.Context, b []byte, binding string) (string, error) {
	key, err := d.key(ctx)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(b, sign(key, b, binding)...)), nil
}

// unseal returns what was sealed with the binding; nil: nothing was.
func (d *Deltas) unseal(ctx context.Context, text, binding string) ([]byte, error) {
	key, err := d.key(ctx)
	if err != nil {
		return nil, err
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > longest || len(b) <= signature {
		return nil, nil
	}
	b, mac := b[:len(b)-signature], b[len(b)-signature:]
	if !hmac.Equal(mac, sign(key, b, binding)) {
		return nil, nil
	}
	return b, nil
}

// sign is the signature of b. The length in front keeps b and the binding apart.
func sign(key, b []byte, binding string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.AppendUvarint(nil, uint64(len(b))))
	mac.Write(b)
	mac.Write([]byte(binding))
	return mac.Sum(nil)[:signature]
}

// key is the secret of the state that signs.
func (d *Deltas) key(ctx context.Context) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.secret == nil {
		key, err := d.cfg.State.Secret(ctx, "delta", 32)
		if err != nil {
			return nil, unreadable(err)
		}
		d.secret = key
	}
	return d.secret, nil
}

// reader reads numbers and texts from b. After the first malformed one failed is true.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) number() int64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<62 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int64(n)
}

func (r *reader) text() string {
	n := r.number()
	if n > int64(len(r.b)) {
		r.failed, r.b = true, nil
		return ""
	}
	text := string(r.b[:n])
	r.b = r.b[n:]
	return text
}

// errInvalidToken is one text for all tokens that were never good here: a forger
// learns nothing from it.
var errInvalidToken = resource.Refuse(http.StatusBadRequest, resource.TypeInvalidDeltaToken,
	"The deltaToken is not one of this server for these resources; take a new token and read in full.")

// ahead is how far the clock of another replica may be ahead of this one's.
const ahead = time.Minute

// open reads a token for queries about types. A text that is no token, or that of
// another state, of other types or of the future is invalidDeltaToken; one that has
// outlived the retention is expiredDeltaToken.
func (d *Deltas) open(ctx context.Context, text string, types []*resource.Type) (moment, error) {
	b, err := d.unseal(ctx, text, "")
	if err != nil {
		return moment{}, err
	}
	m, ok := decodeMoment(b)
	if !ok {
		return moment{}, errInvalidToken
	}
	head, err := d.cfg.State.Head(ctx)
	if err != nil {
		return moment{}, unreadable(err)
	}
	foreign := slices.ContainsFunc(typeNames(types), func(name string) bool { return !slices.Contains(m.types, name) })
	now := d.cfg.Now()
	switch {
	case m.store != d.cfg.State.ID(), foreign, m.seq > head.Seq, m.issued.After(now.Add(ahead)):
		return moment{}, errInvalidToken
	case now.Sub(m.issued) >= d.cfg.Retention, m.seq < head.Floor:
		return moment{}, resource.Refuse(http.StatusBadRequest, resource.TypeExpiredDeltaToken,
			"The deltaToken is older than %v, as long as changes are kept; take a new token and read in full.", d.cfg.Retention)
	}
	return m, d.checkHistory(ctx, m)
}

func decodeMoment(b []byte) (m moment, ok bool) {
	if len(b) == 0 || b[0] != tokenVersion {
		return moment{}, false
	}
	r := reader{b: b[1:]}
	m.issued, m.taken, m.seq, m.store = time.Unix(r.number(), 0), time.UnixMicro(r.number()), r.number(), r.text()
	for len(r.b) > 0 {
		m.types = append(m.types, r.text())
	}
	return m, !r.failed
}

// checkHistory refuses a token of another history than the log has now. A state that
// was restored from a backup may keep its id, and its log grow past the number of a
// token: what stands there then is younger than the token.
func (d *Deltas) checkHistory(ctx context.Context, m moment) error {
	entry, there, err := d.cfg.State.ChangeAt(ctx, m.seq)
	if err != nil {
		return unreadable(err)
	}
	if there && entry.At.After(m.taken) {
		return errInvalidToken
	}
	return nil
}
