package guard

import (
	"context"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// behind is a backend that is put in the place of another, which remembers.
type behind struct {
	resource.Backend
	resource.Rememberer
}

// Rehearse implements resource.Rehearser.
func (b *guarded) Rehearse(shared *sync.Map, inner func(resource.Backend) resource.Backend) resource.Backend {
	g, _ := shared.LoadOrStore(b.guard, b.guard.rehearsing())
	return &guarded{Backend: behind{resource.Rehearse(b.Backend, shared, inner), b.Backend}, guard: g.(*Guard), rules: b.rules}
}

// Rehearse implements resource.Rehearser.
func (b *narrowed) Rehearse(shared *sync.Map, inner func(resource.Backend) resource.Backend) resource.Backend {
	return &narrowed{Backend: behind{resource.Rehearse(b.Backend, shared, inner), b.Backend}, kinds: b.kinds}
}

// rehearsing returns a guard that counts from where g is, on its own.
func (g *Guard) rehearsing() *Guard {
	g.mu.Lock()
	defer g.mu.Unlock()
	cfg := g.cfg
	cfg.Logger = zap.NewNop()
	return &Guard{cfg: cfg, store: &trial{keeper: g.store, own: newMemory(cfg.Now)}, seen: maps.Clone(g.seen)}
}

// trial is a keeper that reads another and keeps what is written to itself.
type trial struct {
	keeper
	own *memory
}

// Value implements keeper.
func (t *trial) Value(ctx context.Context, kind, key string) (state.Value, bool, error) {
	if v, there, err := t.own.Value(ctx, kind, key); there || err != nil {
		return v, there, err
	}
	return t.keeper.Value(ctx, kind, key)
}

// Add implements keeper.
func (t *trial) Add(ctx context.Context, kind, key string, data []byte, expires time.Time) (bool, error) {
	if _, there, err := t.Value(ctx, kind, key); there || err != nil {
		return false, err
	}
	return t.own.Add(ctx, kind, key, data, expires)
}

// Swap implements keeper.
func (t *trial) Swap(ctx context.Context, v state.Value) (bool, error) {
	is, there, err := t.Value(ctx, v.Kind, v.Key)
	if err != nil || !there || is.Version != v.Version {
		return false, err
	}
	if _, mine, _ := t.own.Value(ctx, v.Kind, v.Key); mine { // memory does not fail
		return t.own.Swap(ctx, v)
	}
	return t.own.Add(ctx, v.Kind, v.Key, v.Data, v.Expires)
}
