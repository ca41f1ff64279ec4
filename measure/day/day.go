package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// day is a tenant, a server that follows it and a client that follows the server.
type day struct {
	options
	program string
	dir     string
	rng     *rand.Rand
	tenant  *tenant
	server  *process
	client  *client

	now    facts                      // what is true
	ever   map[string]map[string]bool // the values that each fact has had; "" is none
	users  []string                   // ids of what others may change
	groups []string
	issues []string
	named  int
	report report
	tally  tally
}

// tally is what has happened.
type tally struct {
	changes map[string]int
	ends    map[string]int
	polls   int
	told    int // wrappers
	calls   int
	drawn   map[string]int
	copies  map[string]copyState // the latest word of each process, by it and type
}

func newDay(ctx context.Context, o options, program string) (d *day, err error) {
	d = &day{options: o, program: program, rng: rand.New(rand.NewPCG(o.seed, 0xda7)), now: facts{}, ever: map[string]map[string]bool{},
		tally: tally{changes: map[string]int{}, ends: map[string]int{}, copies: map[string]copyState{}}}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.dir, err = os.MkdirTemp("", "day-"); err != nil {
		return nil, err
	}
	if d.tenant, err = newTenant(o); err != nil {
		return nil, err
	}
	if d.now, err = d.tenant.truth(); err != nil {
		return nil, err
	}
	d.note(nil, d.now)
	for fact := range d.now {
		switch words := strings.Fields(fact); {
		case len(words) != 2:
		case words[0] == "User":
			d.users = append(d.users, words[1])
		case words[0] == "Group":
			d.groups = append(d.groups, words[1])
		case words[0] == "Issue":
			d.issues = append(d.issues, words[1])
		}
	}
	slices.Sort(d.users)
	slices.Sort(d.groups)
	slices.Sort(d.issues)
	if err = d.start(ctx); err != nil {
		return nil, err
	}
	d.client = newClient(func() string { return d.server.address })
	d.client.judge = d.judge
	return d, d.client.begin(ctx)
}

func (d *day) start(ctx context.Context) (err error) {
	d.server, err = launch(ctx, d.program, "-upstream", "http://"+d.tenant.address, "-state", "file:"+filepath.Join(d.dir, "state.db"), "-ttl", d.ttl.String())
	return err
}

func (d *day) close() {
	if d.server != nil {
		_ = d.server.end(true) // nobody needs it any more
	}
	if d.tenant != nil && d.tenant.stop != nil {
		d.tenant.stop()
	}
	os.RemoveAll(d.dir)
}

// pass lets the day pass.
func (d *day) pass(ctx context.Context) error {
	steps := int(time.Duration(d.hours) * time.Hour / pollEvery)
	perStep := float64(d.changes*d.hours) / float64(steps)
	due := 0.0
	for i := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.tenant.Advance(pollEvery)
		for due += perStep * 2 * d.rng.Float64(); due >= 1; due-- {
			if err := d.change(ctx); err != nil {
				return err
			}
		}
		if err := d.turn(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// turn polls, and now and then has the client read on; one turn or another sees the process end.
func (d *day) turn(ctx context.Context, i int) error {
	poll := func() error { d.tally.polls++; _, err := d.step(ctx, "?poll"); return err }
	follow := func() error { return d.client.follow(ctx) }
	write := func() error { return d.writeThrough(ctx) }
	reading := i%int(deltaEvery/pollEvery) == 0
	if d.rng.IntN(d.ends) == 0 {
		if err := d.end(ctx, []end{{name: "in a poll", of: poll}, {name: "in a delta", of: follow}, {name: "in a write", of: write}, {name: "idle"}}[d.rng.IntN(4)]); err != nil {
			return err
		}
	}
	if err := poll(); err != nil || !reading {
		return err
	}
	return follow()
}

// end is an end of the process in the middle of something.
type end struct {
	name string
	of   func() error // nil: nothing
	kill bool         // for sure
}

// end ends the process while it does something, which may fail then, and starts another.
func (d *day) end(ctx context.Context, e end) error {
	kill := e.kill || d.rng.IntN(3) > 0
	e.name = map[bool]string{true: "killed ", false: "ended "}[kill] + e.name
	d.tally.ends[e.name]++
	after := time.Duration(d.rng.IntN(4000)) * time.Microsecond
	done := make(chan struct{})
	go func() {
		defer close(done)
		if e.of != nil {
			_ = e.of() // it was interrupted
		}
	}()
	time.Sleep(after)
	if err := d.server.end(kill); err != nil {
		return err
	}
	<-done
	d.tenant.busy.Wait() // what was sent is done
	if err := d.start(ctx); err != nil {
		return err
	}
	return d.reread() // a write may have been done or not
}

// step tells the server that time has passed.
func (d *day) step(ctx context.Context, query string) ([]copyState, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.server.address+"/step"+query, nil)
	if err != nil {
		return nil, err
	}
	answer, err := d.client.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(answer.Body)
		return nil, fmt.Errorf("/step%s: %d %s", query, answer.StatusCode, said)
	}
	var copies []copyState
	if err := json.NewDecoder(answer.Body).Decode(&copies); err != nil {
		return nil, err
	}
	for _, c := range copies {
		d.tally.copies[fmt.Sprint(d.server.cmd.Process.Pid, c.Type)] = c
	}
	return copies, nil
}

// settle has nothing but a proof happen, which is killed once, and compares.
func (d *day) settle(ctx context.Context) error {
	if err := d.server.end(false); err != nil {
		return err
	}
	d.tenant.Advance(proofs)
	asked := d.tenant.Now()
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := d.end(ctx, end{"in the proof", func() error { _, err := d.step(ctx, ""); return err }, true}); err != nil {
		return err
	}
	if err := d.proven(ctx, asked); err != nil {
		return err
	}
	if err := d.client.follow(ctx); err != nil {
		return err
	}
	return d.compare(ctx)
}

// proven waits until a reading of everything that began after a time is complete.
func (d *day) proven(ctx context.Context, after time.Time) error {
	for deadline := time.Now().Add(2 * time.Minute); ; {
		copies, err := d.step(ctx, "")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(copies, func(c copyState) bool { return c.Proven.Before(after) }) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("there was no proof within two minutes: %+v", copies)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// compare holds the client's copy and the server's lists against the tenant.
func (d *day) compare(ctx context.Context) error {
	true, err := d.tenant.truth()
	if err != nil {
		return err
	}
	listed, err := d.client.lists(ctx)
	if err != nil {
		return err
	}
	d.hold("by deltas", d.client.copy, true)
	d.hold("in lists", listed, true)
	d.tally.calls, d.tally.drawn = d.tenant.calls, maps.Clone(d.tenant.drawn)
	return nil
}

// report are findings: what was lost, deleted falsely, or wrong.
type report []string

const maxShown = 20

// String is a verdict, and the first findings.
func (r report) String() string {
	if len(r) == 0 {
		return "0 lost, 0 deleted falsely, 0 wrong"
	}
	counts := map[string]int{}
	for _, line := range r {
		kind, _, _ := strings.Cut(line, ":")
		counts[kind]++
	}
	return fmt.Sprintf("%d lost, %d deleted falsely, %d wrong\n%s", counts["lost"], counts["deleted falsely"], counts["wrong"], strings.Join(r[:min(len(r), maxShown)], "\n"))
}

func (r *report) find(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

// hold compares what somebody knows with the truth: what is missing or was kept is lost, another value is wrong.
func (d *day) hold(where string, known, true facts) {
	for _, fact := range slices.Sorted(maps.Keys(true)) {
		switch value, has := known[fact]; {
		case !has:
			d.report.find("lost: %s, %s, is missing: %s", where, fact, true[fact])
		case value != true[fact]:
			d.report.find("wrong: %s, %s is %q, not %q", where, fact, value, true[fact])
		}
	}
	for _, fact := range slices.Sorted(maps.Keys(known)) {
		if _, has := true[fact]; !has && d.judgeable(fact) {
			d.report.find("lost: %s, %s is still %q", where, fact, known[fact])
		}
	}
}

// judgeable reports whether the tenant's own answers tell of a fact: of roles, only holders who are users are compared.
func (d *day) judgeable(fact string) bool {
	words := strings.Fields(fact)
	return words[0] != "Entitlement" || len(words) < 4 || len(d.ever["User "+words[3]]) > 0
}

// judge holds a change that the client is told of against all that was ever true.
func (d *day) judge(w wrapper) {
	d.tally.told++
	is, isNot := w.told()
	for _, fact := range isNot {
		_, still := d.now[fact]
		if once := d.ever[fact]; still && !once[""] {
			d.report.find("deleted falsely: %s", fact)
		}
	}
	if w.ChangeType == "Delete" {
		return
	}
	for _, fact := range slices.Sorted(maps.Keys(is)) {
		if d.judgeable(fact) && !d.ever[fact][is[fact]] {
			d.report.find("wrong: told of %s: %q, which it never was", fact, is[fact])
		}
	}
}

// note notes what has changed in what is true.
func (d *day) note(before, after facts) {
	for fact, value := range after {
		if d.ever[fact] == nil {
			d.ever[fact] = map[string]bool{}
			if _, thing := before[subject(fact)]; thing && fact != subject(fact) {
				d.ever[fact][""] = true // it came to be, in something that was there
			}
		}
		d.ever[fact][value] = true
	}
	for fact := range before {
		if _, has := after[fact]; !has {
			d.ever[fact][""] = true
		}
	}
}

// subject is the fact that the thing is there, which a fact is about.
func subject(fact string) string {
	words := strings.Fields(fact)
	return words[0] + " " + words[1]
}

// reread takes over what is true.
func (d *day) reread() error {
	after, err := d.tenant.truth()
	if err != nil {
		return err
	}
	d.note(d.now, after)
	d.now, d.issues = after, nil
	for fact := range after {
		if kind, id, _ := strings.Cut(fact, " "); kind == "Issue" && !strings.Contains(id, " ") {
			d.issues = append(d.issues, id)
		}
	}
	slices.Sort(d.issues)
	return nil
}

// text tells what has happened. What a process did is counted as far as it has told before it was killed.
func (t tally) text(o options, took time.Duration) string {
	total, readings, onlyByProof := 0, map[string]uint64{}, map[string]uint64{}
	for _, c := range t.copies {
		readings[c.Type] += c.Readings
		onlyByProof[c.Type] += c.OnlyByProof
	}
	for _, n := range t.changes {
		total += n
	}
	return fmt.Sprintf("%d hours in %v: %d changes %v, %d polls, %d calls, %d changes told by deltas\nends of the process: %v\nentries of Jira's log: %v; of the organization's, %g dropped, %g late, %g doubled\ncomplete readings: %v; changes that were found by nothing else: %v\n",
		o.hours, took.Round(time.Second), total, t.changes, t.polls, t.calls, t.told, t.ends, t.drawn, o.fates.drop, o.fates.late, o.fates.double, readings, onlyByProof)
}
