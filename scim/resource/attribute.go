package resource

// AttributePath is where a document has an attribute with simple values.
type AttributePath struct {
	Name      string // in the spelling of the schema
	Extension string // URN of the member that it is in; empty: the document itself
	Attribute string
	Sub       string // empty: the attribute is simple
	CaseExact bool   // values that differ in case differ
}

// Attribute finds the attribute that name means for the resource type, as in a
// filter: in any case, with a URN or without. A multi-valued attribute stands for
// its "value". Errors are *Error.
func (rt *Type) Attribute(name string) (AttributePath, error) {
	p, err := rt.Schema.Resolve(name)
	if err == nil {
		p, err = p.Comparable()
	}
	if err != nil {
		return AttributePath{}, InvalidPath("%s.", err.Error())
	}
	found := AttributePath{Name: p.String(), Extension: p.Extension, Attribute: p.Attr.Name, CaseExact: p.Attr.CaseExact}
	if p.Sub != nil {
		found.Sub, found.CaseExact = p.Sub.Name, p.Sub.CaseExact
	}
	return found, nil
}
