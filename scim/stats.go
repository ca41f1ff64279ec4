package scim

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/scim/alarm"
	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/resource"
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
// resources, however many: somebody knows that this is so, whom by names. The audit tells it, before and
// after; the error is that it may not be done without that.
func (s *Server) AcceptDirectory(ctx context.Context, by string) error {
	w := &audit.Write{Request: &resource.Request{}, Who: []zap.Field{zap.String("principal", by)}}
	accepted := []string{"whatever the next readings lack"}
	if s.cfg.State != nil {
		alarms, err := alarm.All(ctx, s.cfg.State)
		if err != nil {
			return err
		}
		for _, a := range alarms {
			accepted = append(accepted, a.Type+": "+a.Text)
		}
	}
	w.Remark("accepted", strings.Join(accepted, "; "))
	if err := s.shared.Audit.Intent(w); err != nil {
		return err
	}
	for _, m := range s.mirrored {
		m.Accept()
	}
	w.Status = http.StatusOK
	s.shared.Audit.Outcome(w)
	return nil
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
