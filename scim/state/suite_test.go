package state_test

import (
	"path/filepath"
	"testing"

	"scim-atlassian/scim/state/statetest"
)

func TestMemory(t *testing.T) {
	statetest.Run(t, func(*testing.T) string { return "memory" })
}

func TestSQLite(t *testing.T) {
	statetest.Run(t, func(t *testing.T) string { return "file:" + filepath.Join(t.TempDir(), "a %3f#state?.db") })
}

func TestPostgres(t *testing.T) {
	server := statetest.SharedPostgres(t)
	t.Run("suite", func(t *testing.T) { statetest.Run(t, func(t *testing.T) string { return server.Database(t) }) })
}
