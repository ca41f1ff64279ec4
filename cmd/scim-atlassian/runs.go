package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/console"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/reconcile"
	"scim-atlassian/scim/state"
)

// Runs of reconcile, and readings of everything, leave a line in the state, for the console.
const (
	kindRun = "run"
	runLife = 90 * 24 * time.Hour
)

// keepRun writes the line of a run. Nothing depends on it.
func keepRun(ctx context.Context, store *state.Store, run console.Run) error {
	data, err := json.Marshal(run)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%020d %s", run.Began.UnixMicro(), run.Type)
	return store.Put(ctx, kindRun, key, data, time.Now().Add(runLife))
}

// runsOf lists the runs, the latest first.
func runsOf(ctx context.Context, store *state.Store) ([]console.Run, error) {
	const most = 500
	var all []console.Run
	err := store.Each(ctx, kindRun, func(v state.Value) error {
		var run console.Run
		if err := json.Unmarshal(v.Data, &run); err != nil {
			return nil // of another version
		}
		all = append(all, run)
		return nil
	})
	slices.Reverse(all)
	return all[:min(most, len(all))], err
}

// readingOf describes a reading of everything in the background.
func readingOf(p mirror.Progress, stats []mirror.Stats, now time.Time) console.Run {
	run := console.Run{Type: p.Type, Kind: "reading", Began: now, Ended: now, Complete: p.Err == nil, Read: p.Read, Calls: -1, Created: -1, Changed: -1, Deleted: -1}
	if p.Err != nil {
		run.Reason = p.Err.Error()
		return run
	}
	for _, s := range stats {
		if s.Type == p.Type && !s.Proven.IsZero() {
			run.Began = s.Proven
		}
	}
	return run
}

// exportOf describes a run of reconcile.
func exportOf(r *reconcile.Report) console.Run {
	run := console.Run{Type: r.Resource, Kind: "export", Filter: r.Filter, Began: r.Began, Ended: r.Ended, Complete: r.Complete, Reason: r.Reason,
		Read: r.Read, Calls: r.UpstreamCalls, Created: -1, Changed: -1, Deleted: -1}
	if r.Since != "" {
		run.Kind = "changes"
	}
	if c := r.Changes; c != nil {
		run.Read, run.Created, run.Changed, run.Deleted = c.Created+c.Updated+c.Deleted, c.Created, c.Updated, c.Deleted
	}
	if c := r.Comparison; c != nil {
		run.Created, run.Changed, run.Deleted = c.Created, c.Changed, c.Deleted
	}
	return run
}

// keepExport writes the line of a run of reconcile into the state, if there is one: also into a SQLite file that a server
// has for itself, since the line is none of the server's business.
func (c *config) keepExport(ctx context.Context, store *state.Store, report *reconcile.Report) error {
	if store == nil {
		return nil
	}
	if store.ReadOnly() {
		own, err := state.Open(ctx, c.statePlace(), state.Options{})
		if err != nil {
			return err
		}
		defer own.Close()
		store = own
	}
	return keepRun(ctx, store, exportOf(report))
}
