// Package packed keeps objects as bytes, each of them a row, in which what many objects
// have in common stands as a number: the names of members, texts that are there twice,
// and elements of the links between resources. Encode is for bytes that outlive the
// process, and need no dictionary.
package packed

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
	"strings"
	"time"

	"scim-atlassian/scim/query"
)

// A row is an object in bytes: the number of its shape, which is the list of the
// names of its members, and then the value of each member. A value begins with a tag:
// up to maxShort it is a text of so many bytes, which follow; from tagWord on it is
// a text of the dictionary, whose number is in the tag or in it and the next byte.
const (
	maxShort   = 0x7f
	tagLong    = 0x80 + iota - 1 // a text: its length, its bytes
	tagUUID                      // a text that is a UUID in its usual form: 16 bytes
	tagFalse                     // nothing follows
	tagTrue                      // nothing follows
	tagInteger                   // int64: varint
	tagDecimal                   // float64: 8 bytes
	tagInstant                   // time.Time in UTC: seconds, nanoseconds, see instant
	tagZoned                     // time.Time elsewhere: the same, and the offset in seconds
	tagObject                    // query.Object: as a row
	tagList                      // []any: its length, its values
	tagElement                   // query.Object of the dictionary: its number
	tagRare                      // a text of the dictionary: its number
	tagAgain                     // a text that the row has before: where in the row
	tagName                      // two texts with a space between them
	tagAddress                   // two texts with an @ between them
	tagWord    = 0x90
	tagWords   = 0xc0 // the high part of a number less nearWords, the low part follows
)

// The texts of the dictionary that take one byte, and those that take one or two.
const (
	nearWords = tagWords - tagWord
	farWords  = nearWords + (0x100-tagWords)<<8
)

// Shapes with a number of their own begin with firstShape. Below it are none, so that no
// row begins with a zero, and that of objects with their names in them.
const (
	shapeNone = iota
	shapeNamed
	firstShape
)

// Packer turns objects into rows. A copy of its Dictionary turns the rows that were
// made before into objects again. It is not safe for concurrent use, but for methods
// that say so.
type Packer struct {
	Dictionary
	links string // the attribute whose elements have numbers

	shapeOf   map[string]uint64 // by the names
	textOf    words
	elementOf map[string]uint64
	seed      maphash.Seed
	texted    sightings
	listed    sightings
}

// NewPacker returns a packer whose dictionary is empty. links is the attribute whose
// elements are worth a number, empty for none.
func NewPacker(links string) *Packer {
	return &Packer{
		links: links, shapeOf: map[string]uint64{}, elementOf: map[string]uint64{}, seed: maphash.MakeSeed(),
	}
}

// Append appends objects to b as rows, and returns where each ends. It panics on a value
// that is none of the types of query.Member.
func (p *Packer) Append(b []byte, objects []query.Object) (rows []byte, ends []int) {
	all, ends := packing{Packer: p, learns: true}, make([]int, len(objects))
	for i, o := range objects {
		b = all.row(b, o)
		ends[i] = len(b)
	}
	return b, ends
}

// AppendKnown appends an object as Append does, but takes nothing into the dictionary.
// Many may call it at the same time, and nobody Append meanwhile.
func (p *Packer) AppendKnown(b []byte, o query.Object) []byte {
	one := packing{Packer: p}
	return one.row(b, o)
}

// packing is one use of a packer. One that does not learn leaves the packer as it is,
// so that there may be several of them at a time.
type packing struct {
	*Packer
	learns bool

	from  int       // where the row begins
	known []spelled // texts that the row has already
	apart bool      // within an element of the links, whose bytes depend on nothing else
	names []byte    // for shape
}

// spelled is a text that a row spells out, and where in the row.
type spelled struct {
	text string
	at   int
}

// row appends an object to b as a row. Its id is spelled out.
func (p *packing) row(b []byte, o query.Object) []byte {
	p.from, p.known = len(b), p.known[:0]
	b = p.shape(b, o)
	for i := range o {
		switch v := o[i].Value.(type) {
		case string:
			if o[i].Name == "id" {
				b = AppendKey(b, v)
				continue
			}
		case []any:
			if p.links != "" && o[i].Name == p.links {
				b = p.elementsOf(b, v)
				continue
			}
		}
		b = p.value(b, o[i].Value)
	}
	return b
}

// elementsOf appends the list of the links.
func (p *packing) elementsOf(b []byte, list []any) []byte {
	b = binary.AppendUvarint(append(b, tagList), uint64(len(list)))
	p.apart = true
	for _, e := range list {
		b = p.element(b, e)
	}
	p.apart = false
	return b
}

// AppendKey appends the key of an id: the id as it stands in a row.
func AppendKey(b []byte, id string) []byte {
	if number, ok := parseUUID(id); ok {
		return append(append(b, tagUUID), number[:]...)
	}
	return literal(b, id)
}

// KeyOf returns the key of an id.
func KeyOf(id string) string {
	var stack [40]byte
	return string(AppendKey(stack[:0], id))
}

func (p *packing) object(b []byte, o query.Object) []byte {
	b = p.shape(b, o)
	for i := range o {
		b = p.value(b, o[i].Value)
	}
	return b
}

func (p *packing) shape(b []byte, o query.Object) []byte {
	p.names = p.names[:0]
	for i := range o {
		p.names = append(append(p.names, o[i].Name...), 0)
	}
	number, known := p.shapeOf[string(p.names)]
	if !known && p.learns && len(p.shapes) < maxShapes {
		number, known = firstShape+uint64(len(p.shapes)), true
		p.shapeOf[string(p.names)] = number
		p.shapes = append(p.shapes, namesOf(o))
	}
	if known {
		return binary.AppendUvarint(b, number)
	}
	b = binary.AppendUvarint(append(b, shapeNamed), uint64(len(o)))
	for i := range o {
		b = appendBytes(b, o[i].Name)
	}
	return b
}

func namesOf(o query.Object) []string {
	names := make([]string, len(o))
	for i := range o {
		names[i] = o[i].Name
	}
	return names
}

func appendBytes(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// value appends a value. It panics on one that is none of query.Member's types.
func (p *packing) value(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return p.text(b, v)
	case bool:
		if v {
			return append(b, tagTrue)
		}
		return append(b, tagFalse)
	case int64:
		return binary.AppendVarint(append(b, tagInteger), v)
	case float64:
		return binary.LittleEndian.AppendUint64(append(b, tagDecimal), math.Float64bits(v))
	case time.Time:
		return instant(b, v)
	case query.Object:
		return p.object(append(b, tagObject), v)
	case []any:
		b = binary.AppendUvarint(append(b, tagList), uint64(len(v)))
		for _, e := range v {
			b = p.value(b, e)
		}
		return b
	}
	panic(fmt.Sprintf("packed: a member cannot hold a %T", v))
}

// text appends a text, by its number if it has one.
func (p *packing) text(b []byte, s string) []byte {
	if len(s) < minText {
		return literal(b, s)
	}
	if id, ok := parseUUID(s); ok {
		return append(append(b, tagUUID), id[:]...)
	}
	if p.apart {
		return literal(b, s)
	}
	for _, k := range p.known {
		if k.text == s {
			return binary.AppendUvarint(append(b, tagAgain), uint64(k.at))
		}
	}
	if likely(s) {
		if number, ok := p.word(s, true); ok {
			return appendWord(b, number)
		}
	}
	if len(s) > minAgain && len(p.known) < maxKnown {
		p.known = append(p.known, spelled{s, len(b) - p.from})
	}
	if left, right, tag := parts(s); tag != 0 {
		if number, ok := p.word(right, true); ok {
			b = append(b, tag)
			if begins, ok := p.word(left, false); ok {
				b = appendWord(b, begins)
			} else {
				b = literal(b, left)
			}
			return appendWord(b, number)
		}
	}
	return literal(b, s)
}

// Texts of more than minAgain bytes that a row has twice are spelled out once, if they
// are among the first maxKnown of it.
const (
	minAgain = 3
	maxKnown = 16
)

// likely reports whether a text may well be there again in another row: it is no
// address, and no number.
func likely(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '@':
			return false
		case '0' <= c && c <= '9':
			digits++
		}
	}
	return digits <= 4
}

// word returns the number of a text of the dictionary, which takes it in if it is
// there for the second time and may be added.
func (p *packing) word(s string, add bool) (number uint64, known bool) {
	if len(s) < minText || len(s) > maxText {
		return 0, false
	}
	hash := maphash.String(p.seed, s)
	number, known = p.textOf.find(hash, s, p.texts)
	if known || !add || !p.learns || len(p.texts) >= maxTexts || !p.texted.again(hash) {
		return number, known
	}
	p.texts = append(p.texts, strings.Clone(s))
	p.textOf.add(hash, uint64(len(p.texts)-1))
	return uint64(len(p.texts) - 1), true
}

// parts divides a name or an address in two, if it has the form of one, and returns
// the tag for that.
func parts(s string) (left, right string, tag byte) {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		return s[:at], s[at+1:], tagAddress
	}
	if at := strings.LastIndexByte(s, ' '); at >= 0 {
		return s[:at], s[at+1:], tagName
	}
	return s, "", 0
}

func appendWord(b []byte, number uint64) []byte {
	switch {
	case number < nearWords:
		return append(b, tagWord+byte(number))
	case number < farWords:
		return append(b, tagWords+byte((number-nearWords)>>8), byte(number-nearWords))
	}
	return binary.AppendUvarint(append(b, tagRare), number)
}

func literal(b []byte, s string) []byte {
	if len(s) <= maxShort {
		return append(append(b, byte(len(s))), s...)
	}
	return appendBytes(append(b, tagLong), s)
}

// element appends an element of the links, by its number if it has one.
func (p *packing) element(b []byte, e any) []byte {
	from := len(b)
	b = p.value(b, e)
	if _, complex := e.(query.Object); !complex {
		return b
	}
	packed := b[from:]
	number, known := p.elementOf[string(packed)]
	if !known && p.learns && len(p.elements) < maxElements && p.listed.again(maphash.Bytes(p.seed, packed)) {
		number, known = uint64(len(p.elements)), true
		s := string(packed)
		p.elementOf[s] = number
		p.elements = append(p.elements, s)
	}
	if !known {
		return b
	}
	return binary.AppendUvarint(append(b[:from], tagElement), number)
}

// instant appends a point in time: its seconds, and its nanoseconds, where milliseconds
// are whole by their number doubled.
func instant(b []byte, v time.Time) []byte {
	_, offset := v.Zone()
	if offset == 0 {
		b = append(b, tagInstant)
	} else {
		b = append(b, tagZoned)
	}
	b = binary.AppendVarint(b, v.Unix()-epoch)
	rest := uint64(v.Nanosecond())
	if rest%1e6 == 0 {
		b = binary.AppendUvarint(b, rest/1e6<<1)
	} else {
		b = binary.AppendUvarint(b, rest<<1|1)
	}
	if offset != 0 {
		b = binary.AppendVarint(b, int64(offset))
	}
	return b
}

// epoch makes the seconds of our time short: 2025-01-01.
const epoch = 1735689600
