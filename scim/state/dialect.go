package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// dialect is what differs between the engines.
type dialect struct {
	durable bool
	now     string // the clock in microseconds, as SQL; empty if it is this machine's
	share   string // after a SELECT: keeps the rows as they are until the transaction ends
	update  string // the same for rows that will be written
	lock    string // statement that lets one transaction at a time change the schema; empty if there is only one
	mark    string // expression that tells this database from one restored elsewhere
	tables  string // counts our tables; 0 before the first migration
	rows    int    // that one statement inserts
	types   *strings.Replacer
}

var sqliteDialect = dialect{
	durable: true,
	mark:    `''`,
	tables:  `SELECT count(*) FROM sqlite_master WHERE name = 'sa_head'`,
	rows:    20, // names of parameters are looked for one by one
	types:   strings.NewReplacer("{text}", "TEXT", "{bytes}", "BLOB"),
}

var memoryDialect = dialect{mark: sqliteDialect.mark, tables: sqliteDialect.tables, rows: sqliteDialect.rows, types: sqliteDialect.types}

// Names and ids are compared byte by byte, as SQLite does. A table that pg_restore
// made anew has another oid; so has one in another cluster, by chance or not.
var postgresDialect = dialect{
	durable: true,
	now:     `(extract(epoch from clock_timestamp()) * 1000000)::bigint`,
	share:   ` FOR SHARE`,
	update:  ` FOR UPDATE`,
	lock:    `SELECT pg_advisory_xact_lock(7312046101)`,
	mark:    `(SELECT oid::text FROM pg_database WHERE datname = current_database()) || ' ' || 'sa_head'::regclass::oid::text`,
	tables:  `SELECT count(*) FROM pg_class WHERE oid = to_regclass('sa_head')`,
	rows:    500,
	types:   strings.NewReplacer("{text}", `TEXT COLLATE "C"`, "{bytes}", "BYTEA"),
}

func openMemory(o Options) (*Store, error) {
	db, err := sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(0)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // the database is the connection
	db.SetMaxIdleConns(1)
	return &Store{dialect: &memoryDialect, where: "memory", write: db, read: db, now: clock(o)}, nil
}

// clock is the machine's, unless it is given.
func clock(o Options) func() time.Time {
	if o.Now != nil {
		return o.Now
	}
	return time.Now
}

// Enough for the requests of one replica; databases usually allow 100 in all.
const postgresConnections = 10

// parsePostgres hides the error of pgx, which may quote a password.
func parsePostgres(where string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, errors.New("the place of the state is not a PostgreSQL URL: it must be postgres://USER@HOST:PORT/DATABASE, and special characters of a password as %XX")
	}
	return cfg, nil
}

func openPostgres(where string, o Options) (*Store, error) {
	cfg, err := parsePostgres(where)
	if err != nil {
		return nil, err
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "scim-atlassian"
	}
	if o.ReadOnly {
		cfg.RuntimeParams["default_transaction_read_only"] = "on"
	}
	c := newCredential(where, cfg.Password)
	db := stdlib.OpenDB(*cfg, stdlib.OptionBeforeConnect(c.connecting))
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	name := "PostgreSQL database " + net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))) + "/" + cfg.Database
	if strings.HasPrefix(cfg.Host, "/") {
		name = "PostgreSQL database " + cfg.Host + " " + cfg.Database
	}
	return &Store{dialect: &postgresDialect, where: name, credential: c, write: db, read: db, now: o.Now}, nil
}

// sqliteURI is the name of a file for SQLite, with the settings of a connection.
func sqliteURI(path, mode string, settings ...string) string {
	// A path is not a URL's: only what SQLite takes apart is escaped.
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	values := url.Values{"mode": {mode}, "_txlock": {"immediate"}}
	for _, s := range settings {
		values.Add("_pragma", s)
	}
	return "file:" + escaped + "?" + values.Encode()
}

// one reads a single value, which every engine has.
func (s *Store) one(ctx context.Context, from interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, value any, statement string, args ...any) error {
	if err := from.QueryRowContext(ctx, s.sql(statement), args...).Scan(value); err != nil {
		return fmt.Errorf("%s: %w", strings.Fields(statement)[0], err)
	}
	return nil
}
