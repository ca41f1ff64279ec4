package mirror

import "time"

// Stats describes the snapshot of a resource type at one moment, and what was done
// for it since the program started.
type Stats struct {
	Type      string        // name of the resource type, "User"
	Kept      bool          // there is a snapshot
	Resources int           // number of resources in the copy, which may be too old for a snapshot
	Age       time.Duration // since the reading of the snapshot began
	Hits      uint64        // requests that the snapshot answered without an upstream call
	Scans     uint64        // readings of all resources that began
	Mends     uint64        // readings of single resources that own writes had left in doubt
	Failures  uint64        // readings of either sort that failed
	Proven    time.Time     // when the last complete reading began; zero: there was none
	ProvenAge time.Duration // since then
	AsOfAge   time.Duration // of the oldest reading that lists rest on
	// OnlyByProof counts the changes that a reading of all resources found.
	OnlyByProof uint64
	Alarm       string // why the last reading was not believed; empty: it was
	Reading     bool   // a reading of all resources is under way: it has read
	Read        int    // so many resources
	Total       int    // of so many
}
