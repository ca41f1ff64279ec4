//go:build linux

package main

import (
	"testing"
	"time"
)

// TestInputs sends each input once. What it costs depends on the machine, and is for the program to say; here nothing may be
// answered with the server's own failure, and what once took seconds may not again.
func TestInputs(t *testing.T) {
	results, err := run(t.Context(), options{users: 100, attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.status >= 500 && r.status != 501 || r.cpu > 2*time.Second {
			t.Errorf("%s: %d, %v", r.name, r.status, r.cpu)
		}
	}
}
