package main

import "testing"

// TestKill holds that upstream, audit and answers agree when the server, the emulator, or both are killed in the middle
// of a bulk request, and that the repeated request doubles nothing.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and starts it a dozen times")
	}
	if err := run(t.Context(), options{rounds: 3, operations: 100, seed: 1}, t.Logf); err != nil {
		t.Error(err)
	}
}
