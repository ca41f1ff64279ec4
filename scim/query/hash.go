package query

import (
	"math"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Version returns the weak entity tag of a resource, RFC 7644 section 3.14: a hash
// of all its attributes. The tag is the same in every process and for every
// client, since schemas and meta.location, which the server adds to an answer, do
// not count. Neither does the order of members or of list elements: SCIM gives
// them no order (RFC 7643 section 2.4), and upstream keeps none. o must be the
// whole resource.
func Version(o Object) string {
	var sum uint64
	for _, m := range o {
		switch m.Name {
		case "schemas":
		case "meta":
			meta, _ := m.Value.(Object)
			for _, part := range meta {
				if part.Name != "location" && part.Name != "version" {
					sum += HashMember(part)
				}
			}
		default:
			sum += HashMember(m)
		}
	}
	return `W/"` + strconv.FormatUint(sum, 36) + `"`
}

func hashObject(o Object) uint64 {
	var sum uint64
	for _, m := range o {
		sum += HashMember(m)
	}
	return sum
}

// HashMember returns the hash of one attribute, name included. Version adds up
// these hashes.
func HashMember(m Member) uint64 {
	return mix(hashValue(m.Value) ^ mix(xxhash.Sum64String(m.Name)))
}

func hashValue(v any) uint64 {
	switch v := v.(type) {
	case string:
		return xxhash.Sum64String(v)
	case bool:
		if v {
			return 1
		}
		return 2
	case int64:
		return mix(uint64(v))
	case float64:
		return mix(math.Float64bits(v))
	case time.Time:
		return mix(uint64(v.UnixNano()))
	case Object:
		return hashObject(v)
	case []any:
		var sum uint64
		for _, e := range v {
			sum += mix(hashValue(e))
		}
		return sum
	}
	return 0
}

// mix spreads every bit over the whole word, so that sums of hashes do not cancel
// out: the finalizer of SplitMix64.
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Hash adds up to the Version of a resource whose values are at hand without an Object.
// Members may come in any order. The zero Hash is of a resource without members.
type Hash struct{ sum uint64 }

// Name is the name of a member, hashed.
type Name struct{ hash uint64 }

// NameOf hashes the name of a member.
func NameOf(name string) Name { return Name{mix(xxhash.Sum64String(name))} }

// HashOf is the hash of a value, for Inner and Element.
func HashOf(v any) Hash { return Hash{hashValue(v)} }

// HashOfText is HashOf of a text.
func HashOfText(s string) Hash { return Hash{xxhash.Sum64String(s)} }

// HashOfMember is the hash of a resource with one member.
func HashOfMember(m Member) Hash { return Hash{HashMember(m)} }

// Join adds all members that have been added to another hash.
func (h *Hash) Join(other Hash) { h.sum += other.sum }

// Text adds a member whose value is a text.
func (h *Hash) Text(n Name, v []byte) { h.add(n, xxhash.Sum64(v)) }

// String is Text of a string.
func (h *Hash) String(n Name, v string) { h.add(n, xxhash.Sum64String(v)) }

// Bool adds a member whose value is a boolean.
func (h *Hash) Bool(n Name, v bool) { h.add(n, hashValue(v)) }

// Instant adds a member whose value is a time.
func (h *Hash) Instant(n Name, v time.Time) { h.add(n, mix(uint64(v.UnixNano()))) }

// Inner adds a member whose value has the hash v: that of HashOf, or of the object that it
// adds up to, or of the list of its elements, see Element.
func (h *Hash) Inner(n Name, v Hash) { h.add(n, v.sum) }

// Element adds a value as an element of a list.
func (h *Hash) Element(v Hash) { h.sum += mix(v.sum) }

func (h *Hash) add(n Name, value uint64) { h.sum += mix(value ^ n.hash) }

// AppendTag appends the entity tag, as Version has it.
func (h Hash) AppendTag(b []byte) []byte {
	return append(strconv.AppendUint(append(b, `W/"`...), h.sum, 36), '"')
}
