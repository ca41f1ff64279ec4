package packed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"scim-atlassian/scim/query"
)

// The tags of values in the form in which objects are stored. The form is part of
// the state's schema: a program that changes it must go on to read this one.
const (
	storedText    = 's' // length, bytes
	storedFalse   = 'f'
	storedTrue    = 't'
	storedInteger = 'i' // varint
	storedDecimal = 'd' // 8 bytes
	storedInstant = 'n' // varint of seconds, uvarint of nanoseconds, varint of the offset in seconds
	storedObject  = 'o' // number of members; each its name as length and bytes, and its value
	storedList    = 'l' // length, values
)

// Encode appends an object to b in the form in which it is stored, which is good
// without any dictionary.
func Encode(b []byte, o query.Object) []byte {
	b = binary.AppendUvarint(b, uint64(len(o)))
	for _, m := range o {
		b = appendText(b, m.Name)
		b = encodeValue(b, m.Value)
	}
	return b
}

func encodeValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendText(append(b, storedText), v)
	case bool:
		if v {
			return append(b, storedTrue)
		}
		return append(b, storedFalse)
	case int64:
		return binary.AppendVarint(append(b, storedInteger), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, storedDecimal), math.Float64bits(v))
	case time.Time:
		_, offset := v.Zone()
		b = binary.AppendVarint(append(b, storedInstant), v.Unix())
		b = binary.AppendUvarint(b, uint64(v.Nanosecond()))
		return binary.AppendVarint(b, int64(offset))
	case query.Object:
		return Encode(append(b, storedObject), v)
	case []any:
		b = binary.AppendUvarint(append(b, storedList), uint64(len(v)))
		for _, e := range v {
			b = encodeValue(b, e)
		}
		return b
	}
	panic(fmt.Sprintf("scim: a %T is no value of an object", v))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// errStored says that bytes are not what Encode made.
var errStored = errors.New("scim: the state has a resource in an unknown form")

// decoder reads objects that Encode wrote. After the first malformed one failed is
// true.
type decoder struct {
	b      []byte
	names  map[string]string // those seen before, to share them
	failed bool
}

// Decode reads one object that Encode wrote.
func Decode(b []byte) (query.Object, error) {
	d := decoder{b: b, names: map[string]string{}}
	o := d.object()
	if d.failed || len(d.b) > 0 {
		return nil, errStored
	}
	return o, nil
}

// decodeAll reads objects, one behind the other.
func decodeAll(b []byte) ([]query.Object, error) {
	d := decoder{b: b, names: map[string]string{}}
	var all []query.Object
	for len(d.b) > 0 && !d.failed {
		all = append(all, d.object())
	}
	if d.failed {
		return nil, errStored
	}
	return all, nil
}

func (d *decoder) object() query.Object {
	n := d.count()
	o := make(query.Object, 0, n)
	for range n {
		name := d.name()
		o = append(o, query.Member{Name: name, Value: d.value()})
	}
	return o
}

func (d *decoder) value() any {
	if len(d.b) == 0 {
		d.failed = true
		return nil
	}
	tag := d.b[0]
	d.b = d.b[1:]
	switch tag {
	case storedText:
		return string(d.bytes())
	case storedFalse, storedTrue:
		return tag == storedTrue
	case storedInteger:
		return d.varint()
	case storedDecimal:
		if len(d.b) >= 8 {
			v := math.Float64frombits(binary.BigEndian.Uint64(d.b))
			d.b = d.b[8:]
			return v
		}
	case storedInstant:
		seconds, nanoseconds, offset := d.varint(), d.uvarint(), d.varint()
		t := time.Unix(seconds, int64(nanoseconds))
		if offset == 0 {
			return t.UTC()
		}
		return t.In(time.FixedZone("", int(offset)))
	case storedObject:
		return d.object()
	case storedList:
		n := d.count()
		list := make([]any, 0, n)
		for range n {
			list = append(list, d.value())
		}
		return list
	}
	d.failed = true
	return nil
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

// count reads how many things follow, each of at least a byte.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.count()
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) name() string {
	b := d.bytes()
	if name, ok := d.names[string(b)]; ok {
		return name
	}
	name := string(b)
	d.names[name] = name
	return name
}

func (d *decoder) fail() { d.b, d.failed = nil, true }

// Pages are stored compressed. Both are safe for concurrent use.
var (
	compressor = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	})
	decompressor = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	})
)

// EncodePage returns objects as a page is stored.
func EncodePage(objects []query.Object) []byte {
	var b []byte
	for _, o := range objects {
		b = Encode(b, o)
	}
	return compressor().EncodeAll(b, nil)
}

// DecodePage reads what EncodePage wrote.
func DecodePage(b []byte) ([]query.Object, error) {
	plain, err := decompressor().DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStored, err)
	}
	return decodeAll(plain)
}
