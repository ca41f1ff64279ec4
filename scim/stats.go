package scim

import (
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/resource"
)

// mirrored is a backend that keeps a snapshot of its resources.
type mirrored interface{ Snapshot() mirror.Stats }

// Snapshots tells about the snapshots of users and groups, for metrics. It costs
// no upstream call.
func (s *Server) Snapshots() []mirror.Stats {
	var all []mirror.Stats
	for _, m := range s.mirrored {
		all = append(all, m.Snapshot())
	}
	return all
}

// mirroredIn returns the backends that keep a snapshot.
func mirroredIn(types []*resource.Type) []mirrored {
	var all []mirrored
	for _, t := range types {
		if m, ok := t.Backend.(mirrored); ok {
			all = append(all, m)
		}
	}
	return all
}
