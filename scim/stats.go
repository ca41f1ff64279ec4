package scim

import (
	"context"
	"sync"
	"time"

	"scim-atlassian/scim/mirror"
)

// mirrored keeps a copy of what Atlassian has of one type.
type mirrored interface {
	Load(ctx context.Context) error
	Snapshot() mirror.Stats
	Keep(ctx context.Context, k mirror.Keeping)
	Accept()
	Reconsider()
}

// AcceptDirectory has the next reading of each type believed although it has lost most
// resources: somebody knows that this is so.
func (s *Server) AcceptDirectory() {
	for _, m := range s.mirrored {
		m.Accept()
	}
}

// Keep reads all users, groups and project roles in the background, once in every period, until
// ctx ends. report is told how that goes on. Requests are answered without Keep too,
// and read what they need.
func (s *Server) Keep(ctx context.Context, period time.Duration, report func(mirror.Progress)) {
	var all sync.WaitGroup
	for _, m := range s.mirrored {
		all.Go(func() { m.Keep(ctx, mirror.Keeping{Period: period, Report: report}) })
	}
	all.Wait()
}

// Snapshots tells about the snapshots of users and groups, for metrics. It costs
// no upstream call.
func (s *Server) Snapshots() []mirror.Stats {
	var all []mirror.Stats
	for _, m := range s.mirrored {
		all = append(all, m.Snapshot())
	}
	return all
}
