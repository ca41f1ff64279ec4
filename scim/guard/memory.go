package guard

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"scim-atlassian/scim/state"
)

// keeper is the part of state.Store that counts and holds need.
type keeper interface {
	Value(ctx context.Context, kind, key string) (state.Value, bool, error)
	Add(ctx context.Context, kind, key string, data []byte, expires time.Time) (bool, error)
	Swap(ctx context.Context, v state.Value) (bool, error)
	Each(ctx context.Context, kind string, yield func(state.Value) error) error
}

// memory is a keeper for a server without state.
type memory struct {
	now func() time.Time

	mu     sync.Mutex
	values map[[2]string]state.Value
}

func newMemory(now func() time.Time) *memory {
	return &memory{now: now, values: map[[2]string]state.Value{}}
}

// living returns a value that has not ended. The caller holds mu.
func (m *memory) living(kind, key string) (state.Value, bool) {
	v, ok := m.values[[2]string{kind, key}]
	return v, ok && v.Expires.After(m.now())
}

// Value implements keeper.
func (m *memory) Value(_ context.Context, kind, key string) (state.Value, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.living(kind, key)
	return v, ok, nil
}

// Add implements keeper.
func (m *memory) Add(_ context.Context, kind, key string, data []byte, expires time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.living(kind, key); ok {
		return false, nil
	}
	maps.DeleteFunc(m.values, func(_ [2]string, v state.Value) bool { return !v.Expires.After(m.now()) })
	m.values[[2]string{kind, key}] = state.Value{Kind: kind, Key: key, Version: m.now().UnixMicro(), Data: data, Expires: expires}
	return true, nil
}

// Swap implements keeper.
func (m *memory) Swap(_ context.Context, v state.Value) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if was, ok := m.living(v.Kind, v.Key); !ok || was.Version != v.Version {
		return false, nil
	}
	v.Version++
	m.values[[2]string{v.Kind, v.Key}] = v
	return true, nil
}

// Each implements keeper.
func (m *memory) Each(_ context.Context, kind string, yield func(state.Value) error) error {
	m.mu.Lock()
	var found []state.Value
	for key := range m.values {
		if v, ok := m.living(key[0], key[1]); ok && key[0] == kind {
			found = append(found, v)
		}
	}
	m.mu.Unlock()
	slices.SortFunc(found, func(a, b state.Value) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	for _, v := range found {
		if err := yield(v); err != nil {
			return err
		}
	}
	return nil
}
