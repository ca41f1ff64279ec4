package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/paging"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/sent"
)

// shelf is a small upstream: resources by id, in order. It counts the readings of
// all resources and of single ones.
type shelf struct {
	mu      sync.Mutex
	order   []string
	titles  map[string]string
	scans   int
	rereads int
	fails   error

	gate chan struct{} // nil: readings do not wait
}

func (u *shelf) put(id, title string) query.Object {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.titles[id]; !known {
		u.order = append(u.order, id)
	}
	u.titles[id] = title
	return u.object(id)
}

func (u *shelf) object(id string) query.Object {
	if _, ok := u.titles[id]; !ok {
		return nil
	}
	return query.Object{{Name: "id", Value: id}, {Name: "title", Value: u.titles[id]}}
}

func (u *shelf) remove(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.titles, id)
}

// scan reads all resources and then waits at the gate, so that a test can write
// after the reading and before its end.
func (u *shelf) scan(ctx context.Context, most int, report scanner) ([]string, error) {
	u.mu.Lock()
	u.scans++
	ids, fails := u.order, u.fails
	u.mu.Unlock()
	moment := report.tick()
	all, err := u.read(ctx, ids, fails)
	switch {
	case err != nil:
		return nil, err
	case most > 0 && len(all) > most:
		return nil, paging.ErrLonger
	}
	report.took(moment, 1, len(all), sent.Objects(all))
	var order []string
	for _, o := range all {
		order = append(order, o.Text("id"))
	}
	return order, nil
}

func (u *shelf) reread(ctx context.Context, ids []string) ([]query.Object, error) {
	u.mu.Lock()
	u.rereads += len(ids)
	fails := u.fails
	u.mu.Unlock()
	return u.read(ctx, ids, fails)
}

func (u *shelf) read(ctx context.Context, ids []string, fails error) ([]query.Object, error) {
	u.mu.Lock()
	var all []query.Object
	for _, id := range ids {
		if o := u.object(id); o != nil {
			all = append(all, o)
		}
	}
	gate := u.gate
	u.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return all, fails
}

func (u *shelf) store(ttl time.Duration) *store {
	s := newStore(resource.Links{Name: "groups"}, ttl, time.Now)
	s.scan, s.reread, s.price = u.scan, u.reread, func(int) int { return 3 }
	return s
}

func newShelf(ids ...string) *shelf {
	u := &shelf{titles: map[string]string{}}
	for _, id := range ids {
		u.put(id, "old")
	}
	return u
}

// ask reads all in the background; the answer is one line.
func ask(ctx context.Context, s *store, n Need) <-chan string {
	answer := make(chan string, 1)
	go func() {
		v, err := s.all(ctx, n)
		if err != nil {
			if kind := atlassian.KindOf(err); kind != atlassian.Other {
				err = errors.New(kind.String())
			}
			answer <- err.Error()
			return
		}
		answer <- line(v)
	}()
	return answer
}

func line(v View) string {
	var words []string
	for _, o := range v.Objects() {
		words = append(words, o.Text("id")+"="+o.Text("title"))
	}
	return strings.Join(words, " ")
}

// wantLine compares an answer with one line, or with several of which each is right,
// since the order of two requests is open.
func wantLine(t *testing.T, what string, got <-chan string, want ...string) {
	t.Helper()
	select {
	case line := <-got:
		if !slices.Contains(want, line) {
			t.Errorf("%s: got %q, want %q", what, line, want)
		}
	default:
		t.Errorf("%s: no answer yet, want %q", what, want)
	}
}

func (u *shelf) wantReads(t *testing.T, scans, rereads int) {
	t.Helper()
	if u.scans != scans || u.rereads != rereads {
		t.Errorf("%d scans, %d single reads, want %d, %d", u.scans, u.rereads, scans, rereads)
	}
}

func TestStoreShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a", "b")
		s := u.store(time.Minute)
		u.gate = make(chan struct{})
		leader, leave := context.WithCancel(t.Context())
		first := ask(leader, s, Need{})
		synctest.Wait()
		second, third := ask(t.Context(), s, Need{}), ask(t.Context(), s, Need{})
		synctest.Wait()
		leave()
		synctest.Wait()
		wantLine(t, "the request that left", first, "canceled")
		close(u.gate)
		synctest.Wait()
		wantLine(t, "second", second, "a=old b=old")
		wantLine(t, "third", third, "a=old b=old")
		u.wantReads(t, 1, 0)

		time.Sleep(time.Minute - time.Second)
		synctest.Wait()
		wantLine(t, "in time", now(t, s, Need{}), "a=old b=old")
		u.wantReads(t, 1, 0)
		time.Sleep(time.Second)
		synctest.Wait()
		if s.living() != nil {
			t.Error("the base is good beyond its time")
		}
		wantLine(t, "after its time", now(t, s, Need{}), "a=old b=old")
		u.wantReads(t, 2, 0)
	})
}

// is returns a function that returns o, for Became.
func is(o query.Object) func() query.Object { return func() query.Object { return o } }

// now asks and waits until all is still.
func now(t *testing.T, s *store, n Need) <-chan string {
	answer := ask(t.Context(), s, n)
	synctest.Wait()
	return answer
}

// TestStoreAbandoned has all waiting requests give up: the reading goes on, and the
// next request has its result.
func TestStoreAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a")
		s := u.store(time.Minute)
		u.gate = make(chan struct{})
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		first, second := ask(ctx, s, Need{}), ask(ctx, s, Need{})
		time.Sleep(time.Second)
		synctest.Wait()
		wantLine(t, "first", first, "timeout")
		wantLine(t, "second", second, "timeout")
		close(u.gate)
		synctest.Wait()
		wantLine(t, "next", now(t, s, Need{}), "a=old")
		u.wantReads(t, 1, 0)
	})
}

func TestStoreFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a")
		s := u.store(time.Minute)
		u.gate, u.fails = make(chan struct{}), errors.New("upstream is down")
		first, second := ask(t.Context(), s, Need{}), ask(t.Context(), s, Need{})
		synctest.Wait()
		u.fails = nil
		close(u.gate)
		synctest.Wait()
		wantLine(t, "first", first, "upstream is down")
		wantLine(t, "second", second, "upstream is down")
		wantLine(t, "next", now(t, s, Need{}), "a=old")
		u.wantReads(t, 2, 0)

		s = u.store(time.Minute)
		s.scan = func(context.Context, int, scanner) ([]string, error) {
			panic("a defect")
		}
		if _, err := s.all(t.Context(), Need{}); err == nil || !strings.Contains(err.Error(), "a defect") {
			t.Errorf("a panic while reading gave %v", err)
		}
	})
}

// TestStoreFresh has requests that accept nothing read before they began: neither
// a snapshot nor a scan under way.
func TestStoreFresh(t *testing.T) {
	for _, ttl := range []time.Duration{time.Minute, 0} {
		t.Run(fmt.Sprint(ttl), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newShelf("a")
				s := u.store(ttl)
				u.gate = make(chan struct{})
				first := ask(t.Context(), s, Need{})
				synctest.Wait()
				u.put("a", "new")
				second, third := ask(t.Context(), s, Need{Fresh: true}), ask(t.Context(), s, Need{Fresh: true})
				synctest.Wait()
				u.fails = errors.New("upstream is down") // the second scan's business
				u.gate <- struct{}{}
				synctest.Wait()
				wantLine(t, "first", first, "a=old")
				u.fails = nil
				u.gate <- struct{}{}
				synctest.Wait()
				wantLine(t, "second", second, "upstream is down")
				wantLine(t, "third", third, "upstream is down")
				close(u.gate)
				wantLine(t, "fresh", now(t, s, Need{Fresh: true}), "a=new")
			})
		})
	}
}

// TestStoreWrites has own writes while a scan is under way that has read
// everything already.
func TestStoreWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a", "b", "c")
		s := u.store(time.Minute)
		u.gate = make(chan struct{})
		early := ask(t.Context(), s, Need{})
		synctest.Wait()

		write := s.begin()
		write.Became("a", is(u.put("a", "new")))
		u.remove("b")
		s.begin().Gone("b")
		write.Became("d", is(u.put("d", "new")))
		u.put("c", "new")
		s.begin().Doubt("c")
		late := ask(t.Context(), s, Need{})
		synctest.Wait()
		close(u.gate)
		synctest.Wait()
		wantLine(t, "begun before the writes", early, "a=new c=old d=new", "a=new c=new d=new")
		wantLine(t, "begun after them", late, "a=new c=new d=new")
		u.wantReads(t, 1, 1)
	})
}

// TestStoreWritesAtOnce has two writes of one resource in an unknown order, and one
// write while the resource is read.
func TestStoreWritesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a")
		s := u.store(time.Minute)
		wantLine(t, "scan", now(t, s, Need{}), "a=old")

		one, other := s.begin(), s.begin()
		first := u.put("a", "one")
		second := u.put("a", "other")
		other.Became("a", is(second))
		one.Became("a", is(first))
		wantLine(t, "read again", now(t, s, Need{}), "a=other")
		u.wantReads(t, 1, 1)

		s.begin().Doubt("a")
		u.gate = make(chan struct{})
		reader := ask(t.Context(), s, Need{})
		synctest.Wait() // it has read, and waits
		write := s.begin()
		write.Became("a", is(u.put("a", "last")))
		late := ask(t.Context(), s, Need{})
		synctest.Wait()
		close(u.gate)
		synctest.Wait()
		wantLine(t, "before the write", reader, "a=other", "a=last")
		wantLine(t, "after it", late, "a=last")
		wantLine(t, "later", now(t, s, Need{}), "a=last")
	})
}

// TestStoreWritesInDoubt has an answer that comes after a scan which has read
// something newer, and a resource that is in doubt from before a request on.
func TestStoreWritesInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a")
		s := u.store(time.Minute)
		write := s.begin()
		answered := u.put("a", "ours")
		u.put("a", "somebody else's, later")
		wantLine(t, "scan", now(t, s, Need{}), "a=somebody else's, later")
		write.Became("a", is(answered))
		wantLine(t, "read again", now(t, s, Need{}), "a=somebody else's, later")
		u.wantReads(t, 1, 1)

		s = u.store(time.Minute)
		u.gate = make(chan struct{})
		early := ask(t.Context(), s, Need{})
		synctest.Wait()
		u.put("a", "new")
		s.begin().Doubt("a")
		late := ask(t.Context(), s, Need{})
		synctest.Wait()
		s.begin().Doubt("a")
		close(u.gate)
		synctest.Wait()
		wantLine(t, "begun before both", early, "a=somebody else's, later", "a=new")
		wantLine(t, "begun between", late, "a=new")
	})
}

// TestStoreDrop has a write of unknown outcome while a scan is under way, and
// while a snapshot is kept.
func TestStoreDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a")
		s := u.store(time.Minute)
		u.gate = make(chan struct{})
		early := ask(t.Context(), s, Need{})
		synctest.Wait()
		u.put("a", "new")
		s.begin().Unknown()
		late := ask(t.Context(), s, Need{})
		synctest.Wait()
		close(u.gate)
		synctest.Wait()
		wantLine(t, "begun before", early, "a=old", "a=new") // as the rows are when it looks
		wantLine(t, "begun after", late, "a=new")
		u.wantReads(t, 2, 0)
		s.begin().Unknown()
		wantLine(t, "after another", now(t, s, Need{}), "a=new")
		u.wantReads(t, 3, 0)
	})
}

// TestStoreLonger has a page that needs all resources only if they are few, and a
// request that waits for the same scan and needs them in any case.
func TestStoreLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a", "b", "c")
		s := u.store(time.Minute)
		u.gate = make(chan struct{})
		page := ask(t.Context(), s, Need{Most: 2})
		synctest.Wait()
		all := ask(t.Context(), s, Need{})
		synctest.Wait()
		close(u.gate)
		synctest.Wait()
		wantLine(t, "page", page, paging.ErrLonger.Error())
		wantLine(t, "all", all, "a=old b=old c=old")
		wantLine(t, "page of what is kept", now(t, s, Need{Most: 2}), "a=old b=old c=old")
	})
}

// TestStoreDoubtDuringScan has a resource that is in doubt when a scan begins, and a
// write of it, begun before, that ends after its page was read: it stays in doubt.
func TestStoreDoubtDuringScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newShelf("a")
		s := u.store(time.Minute)
		wantLine(t, "scan", now(t, s, Need{}), "a=old")
		s.begin().Doubt("a")
		write := s.begin()
		u.gate = make(chan struct{})
		early := ask(t.Context(), s, Need{Fresh: true})
		synctest.Wait() // it has read, and waits
		write.Became("a", is(u.put("a", "new")))
		close(u.gate)
		synctest.Wait()
		wantLine(t, "begun before", early, "a=old", "a=new")
		wantLine(t, "begun after", now(t, s, Need{}), "a=new")
	})
}

// TestPagesShareEdges has the newer of two pages come first.
func TestPagesShareEdges(t *testing.T) {
	r := reading{}
	newer := r.newest(7, sent.Objects([]query.Object{query.Texts("id", "b"), query.Texts("id", "c")}))
	older := r.newest(5, sent.Objects([]query.Object{query.Texts("id", "a"), query.Texts("id", "b")}))
	if len(newer) != 2 || len(older) != 1 || older[0] != 0 {
		t.Errorf("newer %v, older %v", newer, older)
	}
}
