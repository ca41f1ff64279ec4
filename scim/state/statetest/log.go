package statetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/state"
)

func newStore(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	if diff := cmp.Diff(state.Head{}, mustHead(t, s)); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	if len(s.ID()) < 20 {
		t.Errorf("id %q is too short to be another's never", s.ID())
	}
	if got := s.Durable(); got != (f.where != "memory") {
		t.Errorf("durable: got %t", got)
	}
}

func commit(t *testing.T, f fixture) {
	clock := newClock()
	s := f.open(t, state.Options{Now: clock.read})
	seq := mustCommit(t, s, &state.Commit{
		Resources: []state.Resource{{Type: "User", ID: "u1", Doc: []byte("one")}, {Type: "User", ID: "u2", Gone: true}},
		Changes: []state.Change{
			{Type: "User", ID: "u1", Op: state.Create, Source: "own", Names: []string{"userName", "emails[type eq \"work\"]"}, Txn: "t1"},
			{Type: "User", ID: "u2", Op: state.Delete, Source: "proof", Before: []byte{0, 255, '\n'}},
		},
	})
	if seq != 2 {
		t.Errorf("number: got %d, want 2", seq)
	}
	wantResources := []state.Resource{{Type: "User", ID: "u1", Seq: 2, Doc: []byte("one")}, {Type: "User", ID: "u2", Seq: 2, Gone: true}}
	if diff := cmp.Diff(wantResources, mustResources(t, s, "User", 0)); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	wantChanges := []state.Change{
		{Seq: 1, Type: "User", ID: "u1", Op: state.Create, Source: "own", Names: []string{"userName", "emails[type eq \"work\"]"}, Txn: "t1", At: clock.now},
		{Seq: 2, Type: "User", ID: "u2", Op: state.Delete, Source: "proof", Before: []byte{0, 255, '\n'}, At: clock.now},
	}
	if diff := cmp.Diff(wantChanges, mustChanges(t, s, 0, 99)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(state.Head{Seq: 2, At: clock.now}, mustHead(t, s)); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
}

// commitIsWhole: what is refused leaves nothing behind, whichever part was at fault.
func commitIsWhole(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	c := &state.Commit{
		Resources: []state.Resource{{Type: "User", ID: "u1"}},
		Changes:   one("u1"),
		Values:    []state.Value{{Kind: "hold", Key: "h1", Data: []byte("x")}},
		Begin:     "User",
	}
	for name, refused := range map[string]struct {
		spoil func(*state.Commit)
		want  error
	}{
		"guard":  {func(c *state.Commit) { c.Guard = &state.Lease{Name: "scan", Owner: "me", Fence: 1} }, state.ErrFenced},
		"page":   {func(c *state.Commit) { c.Pages = []state.Page{{Type: "User", Scan: 7}} }, state.ErrReplaced},
		"finish": {func(c *state.Commit) { c.Finish = &state.Scan{Type: "User", ID: 7} }, state.ErrReplaced},
	} {
		spoilt := *c
		refused.spoil(&spoilt)
		if _, err := s.Commit(t.Context(), &spoilt); !errors.Is(err, refused.want) {
			t.Errorf("%s: got %v, want %v", name, err, refused.want)
		}
	}
	if _, there, err := s.Value(t.Context(), "hold", "h1"); there || err != nil {
		t.Errorf("value: there %t, %v", there, err)
	}
	if complete, open, err := s.Scans(t.Context(), "User"); complete != nil || open != nil || err != nil {
		t.Errorf("scans: %v, %v, %v", complete, open, err)
	}
	if n := len(mustResources(t, s, "User", 0)) + len(mustChanges(t, s, 0, 99)) + int(mustHead(t, s).Seq); n != 0 {
		t.Errorf("%d resources, changes and numbers were left", n)
	}
}

// numbers: a commit takes one for each change, one if there is anything that
// replicas must learn, and none for pages and values.
func numbers(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	for _, tt := range []struct {
		name   string
		commit state.Commit
		want   int64
	}{
		{"a change", state.Commit{Changes: one("u1")}, 1},
		{"three", state.Commit{Changes: append(append(one("u1"), one("u2")...), one("u1")...)}, 4},
		{"a resource", state.Commit{Resources: []state.Resource{{Type: "User", ID: "u1"}}}, 5},
		{"a scan begins", state.Commit{Begin: "User"}, 6},
		{"a page", state.Commit{Pages: []state.Page{{Type: "User", Scan: 6, No: 1}}}, 0},
		{"a value", state.Commit{Values: []state.Value{{Kind: "k", Key: "a", Data: []byte{}}}}, 0},
		{"nothing", state.Commit{}, 0},
		{"a scan ends", state.Commit{Finish: &state.Scan{Type: "User", ID: 6}}, 7},
	} {
		if got := mustCommit(t, s, &tt.commit); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

func changes(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	for i := range 10 {
		typ := []string{"User", "Group"}[i%2]
		mustCommit(t, s, &state.Commit{Changes: []state.Change{{Type: typ, ID: fmt.Sprint(i), Op: state.Update}}})
	}
	for _, tt := range []struct {
		name        string
		after, upto int64
		types       []string
		limit       int
		want        []int64
	}{
		{"all", 0, 10, nil, 100, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"window", 3, 5, nil, 100, []int64{4, 5}},
		{"limit", 3, 10, nil, 2, []int64{4, 5}},
		{"one type", 2, 9, []string{"User"}, 100, []int64{3, 5, 7, 9}},
		{"two types", 7, 10, []string{"User", "Group"}, 100, []int64{8, 9, 10}},
		{"no such type", 0, 10, []string{"Issue"}, 100, nil},
		{"after the end", 10, 99, nil, 100, nil},
	} {
		found, err := s.Changes(t.Context(), tt.after, tt.upto, tt.types, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, c := range found {
			got = append(got, c.Seq)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		numbered(t, s, tt.after, tt.upto, tt.types)
	}
}

// numbered checks the number of changes, and that of each, against the changes.
func numbered(t *testing.T, s *state.Store, after, upto int64, types []string) {
	t.Helper()
	all, err := s.Changes(t.Context(), after, upto, types, 100)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.CountChanges(t.Context(), after, upto, types); err != nil || n != len(all) {
		t.Errorf("%d changes are counted, %v; %d are there", n, err, len(all))
	}
	for i := range len(all) + 1 {
		want := int64(0)
		if i < len(all) {
			want = all[i].Seq
		}
		if seq, err := s.NthChange(t.Context(), after, upto, types, i+1); err != nil || seq != want {
			t.Errorf("change %d has the number %d, %v; want %d", i+1, seq, err, want)
		}
	}
}

func changeAt(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	mustCommit(t, s, &state.Commit{Changes: one("u1")})
	mustCommit(t, s, &state.Commit{Begin: "User"})
	mustCommit(t, s, &state.Commit{Changes: one("u1")})
	for seq, want := range map[int64]int64{0: 0, 1: 1, 2: 1, 3: 3, 9: 3} {
		c, there, err := s.ChangeAt(t.Context(), seq)
		if err != nil || there != (want != 0) || c.Seq != want {
			t.Errorf("at %d: got %d, %t, %v, want %d", seq, c.Seq, there, err, want)
		}
	}
	if c, there, err := s.LastChange(t.Context(), "User", "u1"); err != nil || !there || c.Seq != 3 {
		t.Errorf("last change: got %d, %t, %v, want 3", c.Seq, there, err)
	}
	if _, there, err := s.LastChange(t.Context(), "User", "u2"); err != nil || there {
		t.Errorf("last change of another: %t, %v", there, err)
	}
}

const (
	writers      = 8
	writesOfEach = 40
)

// logIsReadWhole: a reader that asks for what is after the last number misses
// nothing that writers commit meanwhile, and times never go back.
func logIsReadWhole(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	reader := s
	if f.where != "memory" {
		reader = f.open(t, state.Options{})
	}
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			for i := range writesOfEach {
				id := fmt.Sprintf("%d-%d", w, i)
				c := &state.Commit{Changes: one(id), Resources: []state.Resource{{Type: "User", ID: id}, {Type: "User", ID: "all"}}}
				if i%3 == 0 {
					c.Changes = append(c.Changes, one(id)...)
				}
				if _, err := s.Commit(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { done.Wait(); close(finished) }()
	var seen []state.Change
	var last int64
	for over := false; ; {
		select {
		case <-finished:
			over = true
		default:
		}
		found, err := reader.Changes(t.Context(), last, 1<<62, nil, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found {
			last = c.Seq
		}
		seen = append(seen, found...)
		if over && len(found) == 0 {
			break
		}
	}
	for i, c := range seen {
		if c.Seq != int64(i+1) {
			t.Fatalf("change %d of the reader has number %d", i+1, c.Seq)
		}
		if i > 0 && c.At.Before(seen[i-1].At) {
			t.Errorf("change %d is of %s, before that of %d", c.Seq, c.At, c.Seq-1)
		}
	}
	if want := writers * (writesOfEach + (writesOfEach+2)/3); len(seen) != want {
		t.Errorf("the reader saw %d changes, want %d", len(seen), want)
	}
	if all := mustResources(t, s, "User", 0); len(all) != writers*writesOfEach+1 || all[len(all)-1].Seq != int64(len(seen)) {
		t.Errorf("%d resources, the last with number %d", len(all), all[len(all)-1].Seq)
	}
}

// acknowledgedIsSeen: the end of the log, read after a commit, covers it, whoever reads.
func acknowledgedIsSeen(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	other := s
	if f.where != "memory" {
		other = f.open(t, state.Options{})
	}
	var done sync.WaitGroup
	for w := range 4 {
		done.Go(func() {
			for range 20 {
				seq, err := s.Commit(t.Context(), &state.Commit{Changes: one(fmt.Sprint(w))})
				if err != nil {
					t.Error(err)
					return
				}
				if h, err := other.Head(t.Context()); err != nil || h.Seq < seq {
					t.Errorf("head is %d after %d was acknowledged, %v", h.Seq, seq, err)
				}
			}
		})
	}
	done.Wait()
}

// texts are ids that an engine might take for the same, or for none at all.
func texts(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	ids := []string{"A", "a", "\u00e9", "e\u0301", "ß", "ss", " a", "a ", "", "%", "_", `\`, "'", "😀", strings.Repeat("x", 2000)}
	c := &state.Commit{}
	for _, id := range ids {
		c.Resources = append(c.Resources, state.Resource{Type: "User", ID: id, Doc: []byte(id)})
		c.Values = append(c.Values, state.Value{Kind: "k", Key: id, Data: []byte(id)})
		c.Changes = append(c.Changes, state.Change{Type: "User", ID: id, Op: state.Update})
	}
	mustCommit(t, s, c)
	got := map[string]bool{}
	for _, r := range mustResources(t, s, "User", 0) {
		got[r.ID] = r.ID == string(r.Doc)
	}
	for _, id := range ids {
		if !got[id] {
			t.Errorf("resource %q is not there or another's", id)
		}
		if v, there, err := s.Value(t.Context(), "k", id); err != nil || !there || string(v.Data) != id {
			t.Errorf("value %q: got %q, %t, %v", id, v.Data, there, err)
		}
	}
	for _, bad := range []string{"a\x00b", "\xff"} {
		if _, err := s.Commit(t.Context(), &state.Commit{Resources: []state.Resource{{Type: "User", ID: bad}}}); err == nil {
			t.Errorf("id %q was taken", bad)
		}
		if err := s.Put(t.Context(), "k", bad, nil, time.Time{}); err == nil {
			t.Errorf("key %q was taken", bad)
		}
	}
}

func largeDocument(t *testing.T, f fixture) {
	s := f.open(t, state.Options{})
	doc := bytes.Repeat([]byte{0, 1, 254, 255}, 256<<10)
	mustCommit(t, s, &state.Commit{
		Resources: []state.Resource{{Type: "User", ID: "u1", Doc: doc}},
		Changes:   []state.Change{{Type: "User", ID: "u1", Op: state.Update, Before: doc}},
	})
	if !bytes.Equal(mustResources(t, s, "User", 0)[0].Doc, doc) || !bytes.Equal(mustChanges(t, s, 0, 1)[0].Before, doc) {
		t.Error("the document came back as another")
	}
}
