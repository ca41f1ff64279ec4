package scim

import (
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/resource"
)

// Snapshots tells about the snapshots of users and groups, for metrics. It costs
// no upstream call.
func (s *Server) Snapshots() []mirror.Stats {
	var all []mirror.Stats
	for _, r := range s.readers {
		stats := r.Store.Stats()
		stats.Type = r.Name
		all = append(all, stats)
	}
	return all
}

// readersOf returns the readers of the types that have one.
func readersOf(types []*resource.Type) []*mirror.Reader {
	var all []*mirror.Reader
	for _, t := range types {
		switch b := t.Backend.(type) {
		case *directory.Users:
			all = append(all, b.Reader)
		case *directory.Groups:
			all = append(all, b.Reader)
		}
	}
	return all
}
