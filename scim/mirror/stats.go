package mirror

import "time"

// Stats describes the snapshot of a resource type at one moment, and what was done
// for it since the program started.
type Stats struct {
	Type      string        // name of the resource type, "User"
	Kept      bool          // there is a snapshot
	Resources int           // number of resources in the snapshot
	Age       time.Duration // since the reading of the snapshot began
	Hits      uint64        // requests that the snapshot answered without an upstream call
	Scans     uint64        // readings of all resources that began
	Mends     uint64        // readings of single resources that own writes had left in doubt
	Failures  uint64        // readings of either sort that failed
}
