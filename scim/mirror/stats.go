package mirror

import "time"

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
