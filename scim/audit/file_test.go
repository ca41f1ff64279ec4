package audit_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/state"
)

// site is where a test keeps an audit.
type site struct {
	*testing.T
	path     string
	store    *state.Store
	problems []string
}

func newSite(t *testing.T) *site {
	dir := t.TempDir()
	store, err := state.Open(t.Context(), "file:"+filepath.Join(dir, "state.db"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &site{T: t, path: filepath.Join(dir, "audit.log"), store: store}
}

func (s *site) open(change func(*audit.FileConfig)) *audit.File {
	s.Helper()
	cfg := audit.FileConfig{Path: s.path, State: s.store, Now: time.Now, Problem: func(err error) { s.problems = append(s.problems, err.Error()) }}
	if change != nil {
		change(&cfg)
	}
	f, err := audit.OpenFile(s.Context(), cfg)
	if err != nil {
		s.Fatal(err)
	}
	return f
}

// write opens the audit, writes lines to it, and closes it.
func (s *site) write(from, to int) {
	s.Helper()
	f := s.open(nil)
	s.lines(f, from, to)
	if err := f.Close(); err != nil {
		s.Fatal(err)
	}
}

func (s *site) lines(f *audit.File, from, to int) {
	s.Helper()
	for i := from; i <= to; i++ {
		if _, err := fmt.Fprintf(f, `{"msg":"audit","requestId":"r%d"}`+"\n", i); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *site) text() []string {
	s.Helper()
	content, err := os.ReadFile(s.path)
	if err != nil {
		s.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(content)))
}

func (s *site) rewrite(lines []string) {
	s.Helper()
	if err := os.WriteFile(s.path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *site) verify(paths ...string) (audit.Verified, error) {
	if paths == nil {
		paths = []string{s.path}
	}
	return audit.Verify(s.Context(), s.store, paths...)
}

// TestVerifyFindsTampering holds that the first line that is not as it was written is named.
func TestVerifyFindsTampering(t *testing.T) {
	edit := func(lines []string, i int) []string {
		lines[i] = strings.Replace(lines[i], `"r`, `"x`, 1)
		return lines
	}
	for _, test := range []struct {
		name   string
		tamper func(lines []string) []string // ten: the one that begins the file, and r1 to r9
		line   int
		why    string
	}{
		{"nothing", func(l []string) []string { return l }, 0, ""},
		{"edited", func(l []string) []string { return edit(l, 4) }, 5, "changed"},
		{"edited last", func(l []string) []string { return edit(l, 9) }, 10, "changed"},
		{"removed", func(l []string) []string { return slices.Delete(l, 4, 5) }, 5, "missing"},
		{"removed at the beginning", func(l []string) []string { return l[1:] }, 1, "begins a file"},
		{"inserted", func(l []string) []string { return slices.Insert(l, 4, l[3]) }, 5, "belong"},
		{"inserted without a hash", func(l []string) []string { return slices.Insert(l, 4, "{}\n") }, 5, "no line of an audit"},
		{"in another order", func(l []string) []string { l[4], l[5] = l[5], l[4]; return l }, 5, "missing"},
		{"cut off", func(l []string) []string { return l[:8] }, 9, "cut off after number 8"},
		{"cut off within a line", func(l []string) []string { return append(l[:8], l[8][:20]) }, 9, "cut off"},
		{"empty", func(l []string) []string { return nil }, 1, "empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			s.write(1, 9)
			s.rewrite(test.tamper(s.text()))
			_, err := s.verify()
			var bad *audit.Bad
			switch {
			case test.why == "" && err != nil, test.why != "" && !errors.As(err, &bad):
				t.Fatalf("got %v", err)
			case test.why != "" && (bad.Line != test.line || !strings.Contains(bad.Why, test.why)):
				t.Errorf("got %v, want line %d and %q", err, test.line, test.why)
			}
		})
	}
}

// TestVerifyFindsWhatWasForged holds that a file that was written anew, with good hashes, is not what the state remembers.
func TestVerifyFindsWhatWasForged(t *testing.T) {
	s := newSite(t)
	s.write(1, 9)
	genuine := s.text()
	forger := newSite(t)
	f := forger.open(func(c *audit.FileConfig) { c.State = nil })
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	forged := forger.text()
	s.rewrite(forged)
	if _, err := s.verify(); err == nil || !strings.Contains(err.Error(), "line 1: the state does not know the chain") {
		t.Errorf("another chain: got %v", err)
	}
	s.rewrite(genuine)
	if found, err := s.verify(); err != nil || !found.Compared || found.Lines != 10 {
		t.Errorf("as it was: got %+v, %v", found, err)
	}
}

// TestChainGoesOn holds that a chain goes on over restarts, an unfinished line, and
// files that are put aside, by itself or by somebody else.
func TestChainGoesOn(t *testing.T) {
	s := newSite(t)
	s.write(1, 3)
	unfinished, err := os.OpenFile(s.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(unfinished, `{"msg":"int`)
	unfinished.Close()
	if _, err := s.verify(); err != nil {
		t.Errorf("with a line that is being written: %v", err)
	}
	s.write(4, 6)
	f := s.open(func(c *audit.FileConfig) { c.MaxBytes = 900 })
	s.lines(f, 7, 30)
	if err := os.Rename(s.path, s.path+".1"); err != nil {
		t.Fatal(err)
	}
	s.lines(f, 31, 32) // to the file that was moved
	for range 2 {
		if err := f.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	s.lines(f, 33, 34)
	aside, err := audit.Aside(s.path)
	if err != nil || len(aside) < 4 {
		t.Fatalf("put aside: %v, %v", aside, err)
	}
	all := append(aside, s.path+".1", s.path)
	found, err := s.verify(all...)
	if err != nil || !found.Compared {
		t.Fatalf("while it is written: %+v, %v", found, err)
	}
	if _, err := s.verify(slices.Delete(slices.Clone(all), 1, 2)...); err == nil || !strings.Contains(err.Error(), all[2]+": line 1: it does not follow") {
		t.Errorf("without the second: %v", err)
	}
	if found, err := s.verify(all[0]); err != nil || !found.Followed {
		t.Errorf("the first alone: %+v, %v", found, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err = s.verify(all...); err != nil || found.First != 1 || found.Lines != int(found.Last) {
		t.Errorf("at the end: %+v, %v", found, err)
	}
	for i := 1; i <= 34; i++ {
		n := 0
		for _, path := range all {
			content, _ := os.ReadFile(path)
			n += strings.Count(string(content), fmt.Sprintf(`"r%d"`, i))
		}
		if n != 1 {
			t.Errorf("line %d is there %d times", i, n)
		}
	}
	if s.problems != nil {
		t.Errorf("problems: %v", s.problems)
	}
}

// TestOldestAreForgotten holds that no more files are kept than are wanted.
func TestOldestAreForgotten(t *testing.T) {
	s := newSite(t)
	f := s.open(func(c *audit.FileConfig) { c.MaxBytes, c.Aside = 500, 2 })
	s.lines(f, 1, 30)
	aside, err := audit.Aside(s.path)
	if err != nil || len(aside) != 2 {
		t.Fatalf("put aside: %v, %v", aside, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err := s.verify(append(aside, s.path)...); err != nil || !found.Compared {
		t.Errorf("what is left: %+v, %v", found, err)
	}
}

// TestCutShortStaysVisible holds that a file that was cut off between two runs is told at
// the next start, and found ever after.
func TestCutShortStaysVisible(t *testing.T) {
	s := newSite(t)
	s.write(1, 9)
	s.rewrite(s.text()[:6])
	s.write(10, 12)
	if len(s.problems) != 1 || !strings.Contains(s.problems[0], "cut short: it ends with number 6, and number 10 had been written") {
		t.Errorf("problems: %v", s.problems)
	}
	if _, err := s.verify(); err == nil || !strings.Contains(err.Error(), "line 7: it has number 11, and 7 is expected") {
		t.Errorf("got %v", err)
	}
}

// TestOpenRefuses holds that nothing is appended to what is no audit, or is another process's.
func TestOpenRefuses(t *testing.T) {
	s := newSite(t)
	f := s.open(nil)
	if _, err := audit.OpenFile(t.Context(), audit.FileConfig{Path: s.path, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("in use: got %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s.rewrite([]string{"#!/bin/sh\n", "echo\n"})
	if _, err := audit.OpenFile(t.Context(), audit.FileConfig{Path: s.path, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "does not begin as an audit does") {
		t.Errorf("no audit: got %v", err)
	}
	if got := s.text(); got[1] != "echo\n" {
		t.Errorf("the file was changed: %q", got)
	}
	if _, err := audit.OpenFile(t.Context(), audit.FileConfig{Path: filepath.Join(s.path, "x"), Now: time.Now}); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("below a file: got %v", err)
	}
}

// TestManyWriters holds that lines of many goroutines are one chain, and that each is in
// the file when its Write has returned.
func TestManyWriters(t *testing.T) {
	s := newSite(t)
	f := s.open(func(c *audit.FileConfig) { c.MaxBytes = 4000 })
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() { s.lines(f, i*50, i*50+49) })
	}
	wait.Wait()
	aside, err := audit.Aside(s.path)
	if err != nil {
		t.Fatal(err)
	}
	found, err := audit.Verify(t.Context(), s.store, append(aside, s.path)...)
	if own := 2*len(aside) + 1; err != nil || found.Lines != 400+own {
		t.Errorf("got %+v, %v; want 400 lines and %d of the files' own", found, err, own)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkFile(b *testing.B) {
	f, err := audit.OpenFile(b.Context(), audit.FileConfig{Path: filepath.Join(b.TempDir(), "audit.log"), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	line := []byte(`{"level":"info","time":"2026-11-25T01:00:39.164343268Z","msg":"audit","requestId":"310839712e9f057f","method":"PATCH","principal":"demo","resourceType":"Account","id":"08613c3f-7694-4996-b269-e51f8e526a9e","outcome":"done","status":200,"attributes":["add entitlements"]}` + "\n")
	for b.Loop() {
		if _, err := f.Write(line); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
