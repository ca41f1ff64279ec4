//go:build race

package statetest

// slow is by how much less a test of speed does, since the race detector watches every step of SQLite.
const slow = 10
