package state_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"scim-atlassian/scim/state"
	"scim-atlassian/scim/state/statetest"
)

// child names the place that a helper process writes to until it is killed.
const child = "STATE_TEST_CHILD"

func TestMain(m *testing.M) {
	if where := os.Getenv(child); where != "" {
		fmt.Println(writeUntilKilled(where))
		os.Exit(1)
	}
	code := m.Run()
	statetest.StopShared()
	os.Exit(code)
}

// writeUntilKilled commits resources, their changes, values and pages that belong
// together, and prints the number of every commit that was acknowledged.
func writeUntilKilled(where string) error {
	ctx := context.Background()
	s, err := state.Open(ctx, where, state.Options{})
	if err != nil {
		return err
	}
	scan, err := s.Commit(ctx, &state.Commit{Begin: "User"})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		c := &state.Commit{Pages: []state.Page{{Type: "User", Scan: scan, No: n}}}
		for i := range 1 + n%4 {
			id := fmt.Sprint((n + i) % 7)
			doc := fmt.Append(nil, scan, n)
			c.Resources = append(c.Resources, state.Resource{Type: "User", ID: id, Doc: doc})
			c.Changes = append(c.Changes, state.Change{Type: "User", ID: id, Op: state.Update, Before: doc})
			c.Values = append(c.Values, state.Value{Kind: "doc", Key: id, Data: doc})
		}
		seq, err := s.Commit(ctx, c)
		if err != nil {
			return err
		}
		fmt.Println(seq)
		if n%50 == 49 {
			if scan, err = s.Commit(ctx, &state.Commit{Finish: &state.Scan{Type: "User", ID: scan}, Begin: "User"}); err != nil {
				return err
			}
			n = -1
		}
	}
}

// A process is killed at any moment: what it was told is done is done, and the rest is
// done whole or not at all.
func TestKilled(t *testing.T) {
	engines(t, func(t *testing.T, place func(*testing.T) string) {
		where := place(t)
		rounds := 12
		if testing.Short() {
			rounds = 3
		}
		for range rounds {
			acknowledged := killWhileWriting(t, where)
			checkWhole(t, where, acknowledged)
		}
	})
}

// killWhileWriting returns the last number that the helper was told.
func killWhileWriting(t *testing.T, where string) (acknowledged int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+where)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
			t.Errorf("the helper says %s", lines.Text())
		}
		if n == 0 {
			time.AfterFunc(time.Duration(rand.IntN(40_000))*time.Microsecond, func() { cmd.Process.Kill() })
		}
	}
	cmd.Wait()
	return acknowledged
}

func checkWhole(t *testing.T, where string, acknowledged int64) {
	t.Helper()
	beside := open(t, where, state.Options{ReadOnly: true}) // what the killed one left, nobody has mended yet
	defer beside.Close()
	if head, err := beside.Head(t.Context()); err != nil || head.Seq < acknowledged {
		t.Errorf("read only: head %d after %d was acknowledged, %v", head.Seq, acknowledged, err)
	}
	s := open(t, where, state.Options{})
	defer s.Close()
	head, err := s.Head(t.Context())
	if err != nil || head.Seq < acknowledged {
		t.Errorf("head %d after %d was acknowledged, %v", head.Seq, acknowledged, err)
	}
	changes, err := s.Changes(t.Context(), 0, 1<<62, nil, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]state.Change{}
	for _, c := range changes {
		last[c.ID] = c
	}
	resources, err := s.Resources(t.Context(), "User", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources {
		v, _, err := s.Value(t.Context(), "doc", r.ID)
		if err != nil || string(v.Data) != string(r.Doc) || string(last[r.ID].Before) != string(r.Doc) || last[r.ID].Seq > r.Seq {
			t.Errorf("%s: resource %q at %d, change %q at %d, value %q, %v", r.ID, r.Doc, r.Seq, last[r.ID].Before, last[r.ID].Seq, v.Data, err)
		}
	}
	if _, opened, err := s.Scans(t.Context(), "User"); err != nil || opened == nil {
		t.Errorf("open scan: %v, %v", opened, err)
	}
}
