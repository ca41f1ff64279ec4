package scim

import (
	"time"

	"scim-atlassian/scim/resource"
)

// SnapshotStats describes what the server keeps of a directory's resources, and
// what it did for it since it started.
type Stats struct {
	Type      string        // resource type
	Kept      bool          // there is a complete reading now
	Resources int           // in it
	Age       time.Duration // since it began
	Hits      uint64        // times that it spared upstream calls
	Scans     uint64        // readings of everything that began
	Mends     uint64        // readings of what own writes had left in doubt
	Failures  uint64        // of both
}

// Snapshots tells about the snapshots of users and groups, for metrics. It costs
// no upstream call.
func (s *Server) Snapshots() []Stats {
	var all []Stats
	for _, r := range s.readers {
		stats := r.store.stats()
		stats.Type = r.name
		all = append(all, stats)
	}
	return all
}

// readersOf returns the readers of the types that have one.
func readersOf(types []*resource.Type) []*reader {
	var all []*reader
	for _, t := range types {
		switch b := t.Backend.(type) {
		case *users:
			all = append(all, b.reader)
		case *groups:
			all = append(all, b.reader)
		}
	}
	return all
}
