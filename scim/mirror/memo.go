package mirror

import (
	"context"
	"sync"
	"time"
)

// Memo keeps one value for all requests, for a while. If it must be read, one
// request reads it and the others wait. Own writes are told with Change or Drop;
// a reading that was under way then may lack the write, so its result is not
// kept. A Memo is safe for concurrent use. The value is shared: nobody may write
// to it.
type Memo[T any] struct {
	ttl  time.Duration // 0: nothing is kept
	now  func() time.Time
	turn chan struct{} // holds an element while a request reads

	mu      sync.Mutex // guards the fields below
	value   T
	began   time.Time // when reading value began
	valid   bool
	changes int // number of own writes told
}

// NewMemo returns a Memo without a value, which keeps a value for ttl by the clock
// now; with a ttl of 0 it keeps none.
func NewMemo[T any](ttl time.Duration, now func() time.Time) *Memo[T] {
	return &Memo[T]{ttl: ttl, now: now, turn: make(chan struct{}, 1)}
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
// if reading it began before the call of Get. Errors are those of read, or of ctx
// while another request reads.
func (m *Memo[T]) Get(ctx context.Context, fresh bool, read func(context.Context) (T, error)) (value T, err error) {
	oldest := m.now().Add(-m.ttl)
	if fresh {
		oldest = m.now() // a reading that another request begins from now on will do
	}
	if value, ok := m.since(oldest); ok {
		return value, nil
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return value, ctx.Err()
	}
	defer func() { <-m.turn }()
	if value, ok := m.since(oldest); ok {
		return value, nil
	}
	m.mu.Lock()
	before := m.changes
	m.mu.Unlock()
	began := m.now()
	if value, err = read(ctx); err != nil {
		return value, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changes == before {
		m.value, m.began, m.valid = value, began, true
	}
	return value, nil
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
