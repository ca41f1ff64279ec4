package state

import (
	"context"
	"net/url"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// credential is the password with which connections to a PostgreSQL database begin.
type credential struct {
	place    string // of the database, without a password
	password atomic.Pointer[string]
}

func newCredential(where, password string) *credential {
	c := &credential{place: Place(where)}
	c.password.Store(&password)
	return c
}

// connecting puts the password of now into the settings of a new connection.
func (c *credential) connecting(_ context.Context, cfg *pgx.ConnConfig) error {
	cfg.Password = *c.password.Load()
	return nil
}

// Renewal reads the password of the place where, which is the place of the Store apart from that, and returns what has
// new connections begin with it; those that are open stay. For another place, or an engine without passwords, it
// returns what does nothing.
func (s *Store) Renewal(where string) (install func(), err error) {
	if s.credential == nil || Place(where) != s.credential.place {
		return func() {}, nil
	}
	cfg, err := parsePostgres(where)
	if err != nil {
		return nil, err
	}
	return func() { s.credential.password.Store(&cfg.Password) }, nil
}

// Place returns a place for Open without its password, to tell one from another.
func Place(where string) string {
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return where
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	query := u.Query()
	query.Del("password")
	u.RawQuery = query.Encode()
	return u.String()
}
