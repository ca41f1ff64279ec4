package scim

import "time"

// SnapshotStats describes what the server keeps of a directory's resources, and
// what it did for it since it started.
type SnapshotStats struct {
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
func (s *Server) Snapshots() []SnapshotStats {
	var all []SnapshotStats
	for _, t := range s.types {
		var stats SnapshotStats
		switch b := t.backend.(type) {
		case *users:
			stats = b.reader.store.stats()
		case *groups:
			stats = b.reader.store.stats()
		default:
			continue
		}
		stats.Type = t.Name
		all = append(all, stats)
	}
	return all
}
