package mirror

import (
	"time"

	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/sent"
)

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

// Told is what became of a row that was told of a write.
type Told struct {
	Modified       time.Time // the time of change that is shown from now on; zero: upstream's
	changes.Change           // of the row, as far as it was known before
}

// Became tells that the write has left the resource as object returns it. Became
// calls object only if there are rows that must learn it, and keeps the result:
// nobody may write to it.
func (w Write) Became(id string, object func() query.Object) Told {
	if !w.store.listens() {
		return Told{}
	}
	return w.became(id, sent.Objects([]query.Object{object()}))
}

// BecameSent is Became for a resource as upstream sent it: the only one of p, which shows
// the time of change from then on.
func (w Write) BecameSent(p sent.Page) Told {
	if !w.store.listens() {
		return Told{}
	}
	told := w.became(p.ID(0), sent.Of(p))
	p.Date(0, told.Modified)
	return told
}

func (w Write) became(id string, l *sent.Listing) (told Told) {
	w.store.tell(func(now uint64) { told.Change = w.store.set(id, l, w.began, now) })
	w.remember(id)
	told.Modified = w.store.modified(id)
	return told
}

// Gone tells that the write has deleted the resource.
func (w Write) Gone(id string) {
	w.store.tell(func(now uint64) { w.store.set(id, nil, w.began, now) })
	w.remember(id)
}

// remember writes to the state what the write changed. The write is done, whether
// that succeeds or not: if it fails, the resource is read again when the state is
// back, and lists are refused until then.
func (w Write) remember(id string) {
	if _, err := w.store.flush(nil); err != nil {
		w.store.tell(func(now uint64) { w.store.doubt(id, now) })
	}
}

// Doubt tells that the write may have changed resources in a way that only upstream
// knows. They are read again when a request next needs them.
func (w Write) Doubt(ids ...string) {
	w.store.tell(func(now uint64) {
		for _, id := range ids {
			w.store.doubt(id, now)
		}
	})
	_ = w.store.settle() // lists say so if it fails
}

// Touched tells that the write has changed or deleted a resource of the other type.
// The resources that link to it are read again when a request next needs them.
func (w Write) Touched(id string) {
	w.store.tell(func(now uint64) { w.store.touchedLink(id, now) })
	_ = w.store.settle() // lists say so if it fails
}

// Unknown tells that the outcome of the write is unknown, so that anything may have
// changed. The next request reads everything anew.
func (w Write) Unknown() {
	w.store.drop()
	_ = w.store.settle() // lists say so if it fails
}
