package query

// Sharer saves memory for resources that are kept together: equal short texts, and
// equal elements of a list that refers to other resources, become one value.
// Nobody may write to the resources afterwards. Drop the Sharer once all resources
// have gone through it. It is not safe for concurrent use.
type Sharer struct {
	Links string // the list whose elements are shared whole

	texts    map[string]any
	elements map[string]any
}

// sharedText is the length in bytes up to which texts are shared. Longer texts are
// ids and addresses, which hardly ever occur twice.
const sharedText = 24

// Share replaces each resource by an equal one that shares values and has no spare
// capacity.
func (s *Sharer) Share(all []Object) {
	if s.texts == nil {
		s.texts, s.elements = map[string]any{}, map[string]any{}
	}
	for i, o := range all {
		all[i] = s.object(o)
	}
}

func (s *Sharer) object(o Object) Object {
	lean := make(Object, len(o))
	for i, m := range o {
		lean[i] = Member{m.Name, s.value(m.Value, m.Name == s.Links)}
	}
	return lean
}

func (s *Sharer) value(v any, whole bool) any {
	switch v := v.(type) {
	case string:
		if len(v) <= sharedText {
			return s.text(v)
		}
	case Object:
		return s.object(v)
	case []any:
		lean := make([]any, len(v))
		for i, e := range v {
			if whole {
				lean[i] = s.element(e)
			} else {
				lean[i] = s.value(e, false)
			}
		}
		return lean
	}
	return v
}

func (s *Sharer) text(v string) any {
	shared, ok := s.texts[v]
	if !ok {
		shared = v
		s.texts[v] = shared
	}
	return shared
}

func (s *Sharer) element(e any) any {
	o, ok := e.(Object)
	if !ok {
		return s.value(e, false)
	}
	key := o.appendTo(nil, nanoseconds)
	if shared, ok := s.elements[string(key)]; ok {
		return shared
	}
	lean := any(s.object(o))
	s.elements[string(key)] = lean
	return lean
}
