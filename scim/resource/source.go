package resource

import (
	"context"

	"scim-atlassian/scim/query"
)

// Source holds resources undecoded: in upstream's own bytes, so that an answer can be
// written from those in one pass instead of from objects, or packed. Nobody writes to what it refers
// to. It is safe for concurrent use.
type Source interface {
	// Len is the number of resources.
	Len() int
	// ID is the id of the resource with the index.
	ID(i int) string
	// Object decodes a resource. It is the object that a backend without bytes would
	// have returned.
	Object(i int) query.Object
	// Version is the entity tag of a resource: query.Version of its object.
	Version(i int) string
	// Append appends a resource to b in JSON, as the view shows it. It reports false,
	// and returns b as it was, where it cannot; the object is rendered then.
	Append(b []byte, i int, v View) (_ []byte, ok bool)
}

// Lent is a Source in memory that is used again. Whoever got it from a backend calls
// Release once, when nobody needs it any more; if that is left out, the memory is merely
// not used again. Ids and objects are good beyond it.
type Lent interface {
	Source
	Release()
}

// Objects is a Source of objects.
type Objects []query.Object

// Len implements Source.
func (o Objects) Len() int { return len(o) }

// ID implements Source.
func (o Objects) ID(i int) string { return o[i].Text("id") }

// Object implements Source.
func (o Objects) Object(i int) query.Object { return o[i] }

// Version implements Source.
func (o Objects) Version(i int) string { return query.Version(o[i]) }

// Append implements Source: there are no bytes.
func (o Objects) Append(b []byte, _ int, _ View) ([]byte, bool) { return b, false }

// Decoded returns the objects of all resources of a source.
func Decoded(s Source) []query.Object {
	all := make([]query.Object, s.Len())
	for i := range all {
		all[i] = s.Object(i)
	}
	return all
}

// GetSource returns a resource in upstream's own bytes where the backend has them, else
// as an object.
func GetSource(ctx context.Context, b Backend, id string, want query.Projection) (Source, error) {
	if s, ok := b.(SourceGetter); ok {
		return s.GetSource(ctx, id, want)
	}
	o, err := b.Get(ctx, id, want)
	if err != nil {
		return nil, err
	}
	return Objects{o}, nil
}

// Release releases a source that is Lent. Any other stays as it is, and so does nil.
func Release(s Source) {
	if lent, ok := s.(Lent); ok {
		lent.Release()
	}
}

// View says how an answer shows the resources of a type.
type View struct {
	Type       *Type
	Collection string           // URL that meta.location begins with, before the slash and the id
	Want       query.Projection // the attributes that the answer shows
	Versioned  bool             // meta has the version
	References bool             // members and groups have $ref
	EmailType  string           // type of e-mail addresses that have none; empty: they stay without
}

// SourceGetter is a backend that can answer a GET in upstream's own bytes.
type SourceGetter interface {
	// GetSource is Get with the resource as the only one of a Source. Its errors and
	// its cost are those of Get.
	GetSource(ctx context.Context, id string, want query.Projection) (Source, error)
}

// Len is the number of resources on the page.
func (r *ListResult) Len() int {
	if r.Source != nil {
		return r.Source.Len()
	}
	return len(r.Resources)
}

// Object is a resource of the page.
func (r *ListResult) Object(i int) query.Object {
	if r.Source != nil {
		return r.Source.Object(i)
	}
	return r.Resources[i]
}
