package table

import (
	"net/url"
	"slices"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Append implements resource.Source: a row is written as it is read, where the view shows
// all that is in it, and only schemas, location and version besides.
func (s *source) Append(b []byte, i int, v resource.View) ([]byte, bool) {
	w := s.Writer(s.row(s.slots[i]))
	if s.complete != nil || !isPlain(v, w.Names) {
		return b, false
	}
	from := len(b)
	b = query.AppendText(append(b, `{"schemas":[`...), v.Type.Core.ID)
	for _, e := range v.Type.Extensions {
		if slices.Contains(w.Names, e.ID) {
			b = query.AppendText(append(b, ','), e.ID)
		}
	}
	b = append(b, ']')
	var sum, part query.Hash
	for _, name := range w.Names[:len(w.Names)-1] {
		b = append(query.AppendText(append(b, ','), name), ':')
		b, part = w.Append(b)
		sum.Inner(query.NameOf(name), part)
	}
	meta, isObject := w.Value().(query.Object)
	for _, m := range meta {
		sum.Join(query.HashOfMember(m))
	}
	if !isObject || len(meta.Without("location", "version")) < len(meta) {
		return b[:from], false
	}
	meta = append(meta, query.Member{Name: "location", Value: v.Collection + "/" + url.PathEscape(s.ID(i))})
	if bare := v.Type.Links.Optional && !slices.Contains(w.Names, v.Type.Links.Name); v.Versioned && !bare {
		meta = append(meta, query.Member{Name: "version", Value: string(sum.AppendTag(nil))})
	}
	return append(meta.AppendJSON(append(b, `,"meta":`...)), '}'), true
}

// isPlain reports whether a view shows resources with these members as they are. The last
// must be meta, which has the version of all others.
func isPlain(v resource.View, names []string) bool {
	if v.References || v.EmailType != "" || v.Type.Lasts != nil || len(names) == 0 || names[len(names)-1] != "meta" || slices.Contains(names, "schemas") {
		return false
	}
	for _, name := range names {
		if !v.Want.Whole(name) {
			return false
		}
	}
	onRequest := func(a *query.Attribute) bool { return a.Returned == query.Request && slices.Contains(names, a.Name) }
	return v.Want.Whole("schemas") && !slices.ContainsFunc(v.Type.Schema.Attributes, onRequest) // see Type.Lasting
}
