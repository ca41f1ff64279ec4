package scim_test

import (
	"runtime/debug"
	"testing"
)

// TestMain lets the heap grow to five times the live data before garbage is
// collected. The tests make many servers and emulators that live for
// milliseconds, and the usual setting spends a fifth of their CPU on collecting.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	m.Run()
}
