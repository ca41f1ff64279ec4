//go:build !race

package statetest

// slow is by how much less a test of speed does.
const slow = 1
