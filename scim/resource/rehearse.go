package resource

import "sync"

// Rehearser is a Backend in front of another, which judges what is sent to that.
type Rehearser interface {
	// Rehearse returns the judge as it would be in front of what inner makes of the
	// backend behind it. What it counts and lists is kept in shared, by keys of its own,
	// and nowhere else; judges of one rehearsal share it.
	Rehearse(shared *sync.Map, inner func(Backend) Backend) Backend
}

// Rehearse puts what inner makes of a backend in its place, behind all judges.
func Rehearse(b Backend, shared *sync.Map, inner func(Backend) Backend) Backend {
	if r, ok := b.(Rehearser); ok {
		return r.Rehearse(shared, inner)
	}
	return inner(b)
}
