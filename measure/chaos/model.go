package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A fact is something that can be read of the tenant, such as "user a@demo.example active"; its value is a text.
// present and absent are the values of facts about existence.
const (
	present = "present"
	absent  = "absent"
)

// outcome is what the server said of a write.
type outcome string

const (
	done     outcome = "done"
	refused  outcome = "refused" // nothing was changed
	doubtful outcome = "unknown" // it may have been done, or a part of it
)

// model is what may be true of the things that one client has written, as far as the server's answers told. It belongs to
// one goroutine.
type model map[string]map[string]bool

// wrote notes what a write was to make true.
func (m model) wrote(o outcome, facts map[string]string) {
	for fact, value := range facts {
		known, ok := m[fact]
		switch {
		case o == done:
			m[fact] = map[string]bool{value: true}
		case o == doubtful && ok:
			known[value] = true
		case o == doubtful:
			m[fact] = map[string]bool{value: true, absent: true}
		case !ok:
			m[fact] = map[string]bool{absent: true}
		}
	}
}

// may reports whether a fact may have a value.
func (m model) may(fact, value string) bool {
	known, ok := m[fact]
	return known[value] || !ok && value == absent
}

// surely reports whether a fact can have no other value.
func (m model) surely(fact, value string) bool { return m.may(fact, value) && len(m[fact]) <= 1 }

// forget drops what is known of the parts of a thing, which exist no more.
func (m model) forget(thing string) {
	maps.DeleteFunc(m, func(fact string, _ map[string]bool) bool { return strings.HasPrefix(fact, thing+" ") })
}

func (m model) expected(fact string) string {
	if len(m[fact]) == 0 {
		return absent
	}
	return strings.Join(slices.Sorted(maps.Keys(m[fact])), " or ")
}

// verdict is a kind of fault of the server.
type verdict string

const (
	lost       verdict = "lost"       // acknowledged and not there
	duplicated verdict = "duplicated" // there twice
	wrong      verdict = "wrong"      // there with a value that no acknowledged write gave it
	phantom    verdict = "phantom"    // there although it was refused, deleted or never asked for
	stale      verdict = "stale"      // an own acknowledged write was not seen by the next read
	false404   verdict = "false404"   // 404 for what is there
	malformed  verdict = "malformed"  // an answer that is no answer to the request
	leaked     verdict = "leaked"     // a secret in an answer or in the log, or what a request left behind
)

var verdicts = []verdict{lost, duplicated, wrong, phantom, stale, false404, malformed, leaked}

// atTheEnd judges a value that the tenant has once everything is over.
func (m model) atTheEnd(fact, value string) (verdict, bool) {
	switch {
	case m.may(fact, value):
		return "", false
	case value == absent:
		return lost, true
	case m.surely(fact, absent):
		return phantom, true
	}
	return wrong, true
}

// whenRead judges a value that the server gave the client that wrote last.
func (m model) whenRead(fact, value string) (verdict, bool) {
	switch {
	case m.may(fact, value):
		return "", false
	case value == absent:
		return false404, true
	}
	return stale, true
}

// report collects what was found and counts what was done. It is safe for concurrent use.
type report struct {
	mu       sync.Mutex
	findings map[verdict][]string
	requests map[string]int // by operation and result
}

func newReport() *report {
	return &report{findings: map[verdict][]string{}, requests: map[string]int{}}
}

func (r *report) find(v verdict, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings[v] = append(r.findings[v], fmt.Sprintf(format, args...))
}

func (r *report) count(operation, result string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests[operation+" "+result]++
}

// kinds returns the verdicts that were found, in their usual order.
func (r *report) kinds() []verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(verdicts), func(v verdict) bool { return len(r.findings[v]) == 0 })
}

// clean reports whether nothing was found.
func (r *report) clean() bool { return len(r.kinds()) == 0 }

// String returns a line for each verdict with the first findings below it, and the results of the operations.
func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	const most = 8
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.requests)) {
		fmt.Fprintf(&b, "%7d %s\n", r.requests[name], name)
	}
	for _, v := range verdicts {
		fmt.Fprintf(&b, "%-10s %d\n", v, len(r.findings[v]))
		for _, text := range r.findings[v][:min(len(r.findings[v]), most)] {
			fmt.Fprintf(&b, "           %s\n", text)
		}
	}
	return b.String()
}
