//go:build !unix

package statetest

import "testing"

// Postgres is a server that cannot be started here.
type Postgres struct{}

// StartPostgres skips the test.
func StartPostgres(t testing.TB) *Postgres {
	t.Skip("PostgreSQL is started on Unix only")
	return nil
}

// SharedPostgres skips the test.
func SharedPostgres(t testing.TB) *Postgres { return StartPostgres(t) }

// StopShared does nothing.
func StopShared() {}

// Start, Stop, Database and Dump are never called.
func (p *Postgres) Start(testing.TB) {}

// Stop does nothing.
func (p *Postgres) Stop() {}

// Database is nowhere.
func (p *Postgres) Database(testing.TB) string { return "" }

// Dump is nowhere.
func (p *Postgres) Dump(*testing.T, string) string { return "" }
