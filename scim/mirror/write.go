package mirror

import "scim-atlassian/scim/query"

// Write tells a Mirror of one write to upstream. Take it with Begin before the
// write is sent, and tell it the outcome as soon as it is known: then every request
// that begins later sees the write. A write that has failed for certain has nothing
// to tell. A Write is safe for concurrent use.
type Write struct {
	store *store
	began uint64 // the moment at which it was taken
}

// Begin returns the Write for a write that is about to be sent.
func (m *Mirror) Begin() Write { return m.store.begin() }

// Became tells that the write has left the resource as object returns it. Became
// calls object only if there is a snapshot that must learn it, and keeps the
// result: nobody may write to it.
func (w Write) Became(id string, object func() query.Object) {
	if !w.store.listens() {
		return
	}
	o := object()
	w.store.tell(func(now uint64) { w.store.set(id, o, w.began, now) })
}

// Gone tells that the write has deleted the resource.
func (w Write) Gone(id string) {
	w.store.tell(func(now uint64) { w.store.set(id, nil, w.began, now) })
}

// Doubt tells that the write may have changed resources in a way that only upstream
// knows. They are read again when a request next needs them.
func (w Write) Doubt(ids ...string) {
	w.store.tell(func(now uint64) {
		for _, id := range ids {
			w.store.doubt(id, now)
		}
	})
}

// Touched tells that the write has changed or deleted a resource of the other type.
// The resources that link to it are read again when a request next needs them.
func (w Write) Touched(id string) {
	w.store.tell(func(now uint64) { w.store.touchedLink(id, now) })
}

// Unknown tells that the outcome of the write is unknown, so that anything may have
// changed. The next request reads everything anew.
func (w Write) Unknown() { w.store.drop() }
