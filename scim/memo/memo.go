// Package memo keeps one value for all requests, for a while.
package memo

import (
	"context"
	"sync"
	"time"
)

// Memo keeps one value for all requests, for a while. If it must be read, one
// request reads it and the others wait, and share its failure. Own writes are told with Change or Drop;
// a reading that was under way then may lack the write, so its result is not
// kept. A Memo is safe for concurrent use. The value is shared: nobody may write
// to it.
type Memo[T any] struct {
	ttl time.Duration // 0: nothing is kept
	now func() time.Time

	mu      sync.Mutex   // guards the fields below
	reading *memoReading // under way; nil: none
	value   T
	began   time.Time // when reading value began
	valid   bool
	changes int // number of own writes told
}

// New returns a Memo without a value, which keeps a value for ttl by the clock
// now; with a ttl of 0 it keeps none.
func New[T any](ttl time.Duration, now func() time.Time) *Memo[T] {
	return &Memo[T]{ttl: ttl, now: now}
}

// memoReading is one reading of the value, for all who wait for it.
type memoReading struct {
	done chan struct{} // closed at its end
	err  error         // afterwards: why it failed; nil also if its request gave up, which says nothing
}

// Peek returns the value if it is young enough. It never reads.
func (m *Memo[T]) Peek() (T, bool) { return m.since(m.now().Add(-m.ttl)) }

// since returns the value if reading it began at oldest or later.
func (m *Memo[T]) since(oldest time.Time) (value T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.valid || m.began.Before(oldest) {
		return value, false
	}
	return m.value, true
}

// Get returns the value. It calls read if the value is too old, or, with fresh,
// if reading it began before the call of Get. Errors are those of read, also where
// another request called it, or of ctx while another request reads.
func (m *Memo[T]) Get(ctx context.Context, fresh bool, read func(context.Context) (T, error)) (value T, err error) {
	oldest := m.now().Add(-m.ttl)
	if fresh {
		oldest = m.now() // a reading that another request begins from now on will do
	}
	for {
		if value, ok := m.since(oldest); ok {
			return value, nil
		}
		r, mine := m.join()
		if mine {
			return m.read(ctx, r, read)
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return value, ctx.Err()
		}
		if r.err != nil {
			return value, r.err
		}
	}
}

// join returns the reading that is under way, or a new one, which is the caller's.
func (m *Memo[T]) join() (r *memoReading, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reading != nil {
		return m.reading, false
	}
	m.reading = &memoReading{done: make(chan struct{})}
	return m.reading, true
}

// read makes a reading and ends it.
func (m *Memo[T]) read(ctx context.Context, r *memoReading, read func(context.Context) (T, error)) (value T, err error) {
	m.mu.Lock()
	before := m.changes
	m.mu.Unlock()
	began := m.now()
	finished := false
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			r.err = err
		}
		if finished && err == nil && m.changes == before {
			m.value, m.began, m.valid = value, began, true
		}
		m.reading = nil
		close(r.done)
	}()
	value, err = read(ctx)
	finished = true
	return value, err
}

// Change applies an own write to the value, if there is one. f returns a new
// value and does not write to the old one.
func (m *Memo[T]) Change(f func(T) T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	if m.valid {
		m.value = f(m.value)
	}
}

// Drop forgets the value, after a write whose outcome is unknown.
func (m *Memo[T]) Drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var none T
	m.changes++
	m.value, m.valid = none, false
}
