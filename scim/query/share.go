package query

// Sharer makes what many resources have in common one value in memory: short
// texts, and the elements of a list that refers to other resources. It is for
// resources that are kept together; nobody may write to them afterwards. It may
// be dropped when all are in. It is not safe for concurrent use.
type Sharer struct {
	Links string // the list whose elements are shared whole

	texts    map[string]any
	elements map[string]any
}

// sharedText is how many bytes a text may have to be looked for among others.
// Longer ones are ids and addresses, which hardly occur twice.
const sharedText = 24

// Share replaces resources by equal ones that take no more room than they need.
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
