package packed

import "scim-atlassian/scim/query"

// Writer writes the members of a row in JSON, one after the other, without unpacking it.
type Writer struct {
	Names []string // of the members
	reader
}

// Writer returns a writer of a row.
func (d *Dictionary) Writer(row string) Writer {
	w := Writer{reader: d.reader(row)}
	w.Names, _ = w.names()
	return w
}

// Append appends the value of the next member as query.AppendValue does, and returns its
// hash.
func (w *Writer) Append(b []byte) ([]byte, query.Hash) { return w.write(b) }

// Value returns the value of the next member. Its texts are parts of the row.
func (w *Writer) Value() any { return w.value() }

// write writes the next value.
func (r *reader) write(b []byte) ([]byte, query.Hash) {
	var sum, part query.Hash
	switch tag := r.s[0]; {
	case tag == tagObject:
		r.take(1)
		names, _ := r.names()
		b = append(b, '{')
		for i, name := range names {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(query.AppendText(b, name), ':')
			b, part = r.write(b)
			sum.Inner(query.NameOf(name), part)
		}
		return append(b, '}'), sum
	case tag == tagList:
		r.take(1)
		b = append(b, '[')
		for i := range r.uvarint() {
			if i > 0 {
				b = append(b, ',')
			}
			b, part = r.write(b)
			sum.Element(part)
		}
		return append(b, ']'), sum
	case tag == tagElement:
		r.take(1)
		element := r.reader(r.elements[r.uvarint()])
		return element.write(b)
	case tag == tagAgain:
		r.take(1)
		before := reader{r.Dictionary, r.whole[r.uvarint():], r.whole}
		return before.write(b)
	case tag <= maxShort:
		r.take(1)
		return written(b, r.take(int(tag)))
	case tag == tagLong:
		r.take(1)
		return written(b, r.take(int(r.uvarint())))
	}
	v := r.value()
	if s, ok := v.(string); ok {
		return written(b, s)
	}
	return query.AppendValue(b, v), query.HashOf(v)
}

func written(b []byte, s string) ([]byte, query.Hash) {
	return query.AppendText(b, s), query.HashOfText(s)
}
