package mirror

import (
	"context"
	"sync"
	"time"
)

// Memo keeps what was read for a while, for all requests. One reads at a time,
// and the others wait for what it finds. It is told of own writes: what was
// under way then is not kept, as it may lack them. It is safe for concurrent
// use, and its value is never written to.
type Memo[T any] struct {
	ttl  time.Duration // 0: nothing is kept
	now  func() time.Time
	turn chan struct{} // of the one who reads

	mu      sync.Mutex // guards what follows
	value   T
	began   time.Time // when reading value began
	valid   bool
	changes int // how often value was changed or dropped
}

func NewMemo[T any](ttl time.Duration, now func() time.Time) *Memo[T] {
	return &Memo[T]{ttl: ttl, now: now, turn: make(chan struct{}, 1)}
}

// Peek returns the value if it is young enough. It reads nothing.
func (m *Memo[T]) Peek() (T, bool) { return m.since(m.now().Add(-m.ttl)) }

func (m *Memo[T]) since(oldest time.Time) (value T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.valid || m.began.Before(oldest) {
		return value, false
	}
	return m.value, true
}

// Get returns the value, read anew if it is too old, or if fresh is set older
// than the request.
func (m *Memo[T]) Get(ctx context.Context, fresh bool, read func(context.Context) (T, error)) (value T, err error) {
	oldest := m.now().Add(-m.ttl)
	if fresh {
		oldest = m.now() // what is read while waiting is fresh enough
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

// Change applies an own write to what is kept.
func (m *Memo[T]) Change(f func(T) T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	if m.valid {
		m.value = f(m.value)
	}
}

// Drop keeps nothing, after a write whose outcome is unknown.
func (m *Memo[T]) Drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var none T
	m.changes++
	m.value, m.valid = none, false
}
