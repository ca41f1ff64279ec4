// Package sent has resources in the bytes in which upstream sent them, between the answer
// of upstream and whoever shows or keeps them.
package sent

import (
	"context"
	"sync"
	"time"

	"scim-atlassian/scim/paging"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Page is the resources of one answer. A request that shows them as they are, and a
// reading that finds them as they were, make no objects of them.
type Page interface {
	resource.Lent
	// Bytes is what upstream sent of a resource.
	Bytes(i int) []byte
	// Date has a resource shown with this meta.lastModified, if it is later than upstream's.
	Date(i int, modified time.Time)
}

// Listing is resources of upstream's list, as objects or as a Page whose objects are
// made when they are needed, once. It is not safe for concurrent use.
type Listing struct {
	objects []query.Object // nil elements are yet to be made of page, and nil has no element yet
	page    Page           // nil: objects has all
}

// Objects returns a listing of objects.
func Objects(objects []query.Object) *Listing { return &Listing{objects: objects} }

// Of returns a listing of a page, an empty one of nil.
func Of(p Page) *Listing { return &Listing{page: p} }

// Len is the number of resources.
func (l *Listing) Len() int {
	if l.page != nil {
		return l.page.Len()
	}
	return len(l.objects)
}

// ID is the id of a resource.
func (l *Listing) ID(i int) string {
	if l.page != nil {
		return l.page.ID(i)
	}
	return l.objects[i].Text("id")
}

// Object is the object of a resource.
func (l *Listing) Object(i int) query.Object {
	if l.objects == nil {
		l.objects = make([]query.Object, l.Len())
	}
	if l.objects[i] == nil {
		l.objects[i] = l.page.Object(i)
	}
	return l.objects[i]
}

// Bytes is what upstream sent of a resource, nil if the listing is of objects.
func (l *Listing) Bytes(i int) []byte {
	if l.page == nil {
		return nil
	}
	return l.page.Bytes(i)
}

// All returns all objects.
func (l *Listing) All() []query.Object {
	for i := range l.Len() {
		l.Object(i)
	}
	return l.objects
}

// IDs lists the ids in order.
func (l *Listing) IDs() []string {
	ids := make([]string, l.Len())
	for i := range ids {
		ids[i] = l.ID(i)
	}
	return ids
}

// Release gives the bytes back; the objects that were made of them stay.
func (l *Listing) Release() {
	if l.page != nil {
		l.page.Release()
	}
}

// Read reads a window of upstream's list by its pages. The reader lacks ID and Page. It
// calls saw with every page that the window rests on.
func Read(ctx context.Context, reader paging.Reader[Item], start, count int, read func(ctx context.Context, start, count int) (Page, int, error), saw func(Page)) (resource.Source, int, error) {
	var mu sync.Mutex
	var w window
	reader.ID = Item.id
	reader.Page = func(ctx context.Context, start, count int) ([]Item, int, error) {
		p, total, err := read(ctx, start, count)
		if err != nil {
			return nil, 0, err
		}
		mu.Lock()
		w.pages = append(w.pages, p)
		mu.Unlock()
		all := make([]Item, p.Len())
		for i := range all {
			all[i] = Item{p, i}
		}
		return all, total, nil
	}
	all, total, err := reader.Read(ctx, start, count)
	if err != nil {
		w.Release()
		return nil, 0, err
	}
	for _, p := range w.pages {
		saw(p)
	}
	if len(w.pages) == 1 && len(all) == w.pages[0].Len() {
		return w.pages[0], total, nil
	}
	w.all = all
	return w, total, nil
}

// Item is a resource of a page.
type Item struct {
	page  Page
	index int
}

func (i Item) id() string { return i.page.ID(i.index) }

// window is resources of several pages. It implements resource.Lent.
type window struct {
	all   []Item
	pages []Page
}

func (w window) Len() int { return len(w.all) }

func (w window) ID(i int) string { return w.all[i].id() }

func (w window) Object(i int) query.Object { return w.all[i].page.Object(w.all[i].index) }

func (w window) Version(i int) string { return w.all[i].page.Version(w.all[i].index) }

func (w window) Append(b []byte, i int, v resource.View) ([]byte, bool) {
	return w.all[i].page.Append(b, w.all[i].index, v)
}

func (w window) Release() {
	for _, p := range w.pages {
		p.Release()
	}
}
