package packed

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"scim-atlassian/scim/query"
)

var (
	someNames = rapid.SampledFrom([]string{"id", "a", "groups", "displayName", "urn:example:Extension"})
	someTexts = rapid.SampledFrom([]string{"", "a", "Engineer", "engineer", "Senior Engineer", "Senior", " Engineer", "Engineer ", "ann@corp.example", "bob@corp.example",
		"a b@corp.example", "0f8fad5b-d9cb-469f-a165-70867728950e", "0F8FAD5B-d9cb-469f-a165-70867728950e", "\xff\x00", strings.Repeat("x", 127), strings.Repeat("y", 128), strings.Repeat("z", 70000)})
	someNumbers  = rapid.SampledFrom([]any{int64(0), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), 0.5, math.MaxFloat64, math.Inf(-1)})
	someInstants = rapid.SampledFrom([]time.Time{{}, time.Unix(0, 1).UTC(), time.Date(2026, 7, 1, 12, 0, 0, 5e6, time.FixedZone("", -5400)), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)})
)

func drawObject(t *rapid.T, depth int) query.Object {
	names := rapid.SliceOfNDistinct(someNames, 0, 4, func(name string) string { return name }).Draw(t, "names")
	o := make(query.Object, len(names))
	for i, name := range names {
		o[i] = query.Member{Name: name, Value: drawValue(t, depth)}
		if name == "id" {
			o[i].Value = someTexts.Draw(t, "id")
		}
	}
	return o
}

func drawValue(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	switch {
	case kind == 0:
		return rapid.Bool().Draw(t, "bool")
	case kind == 1:
		return someNumbers.Draw(t, "number")
	case kind == 2:
		return someInstants.Draw(t, "instant")
	case kind == 3 && depth > 0:
		return drawObject(t, depth-1)
	case kind <= 5 && depth > 0:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "elements"))
		for i := range list {
			list[i] = drawValue(t, depth-1)
		}
		return list
	}
	return someTexts.Draw(t, "text")
}

// TestRoundTrip has rows that become the objects again that they were made of, and
// tell their ids and members.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := NewPacker("groups")
		objects := make([]query.Object, rapid.IntRange(1, 8).Draw(t, "objects"))
		for i := range objects {
			objects[i] = drawObject(t, 3)
		}
		var rows []string
		var dictionaries []Dictionary
		for _, o := range objects {
			b, ends := p.Append([]byte("before"), []query.Object{o, o})
			rows = append(rows, string(b[len("before"):ends[0]]), string(b[ends[0]:ends[1]]))
			dictionaries = append(dictionaries, p.Dictionary, p.Dictionary)
		}
		for i, row := range rows {
			d, want := dictionaries[i], objects[i/2]
			got := d.Object(row)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("object (-want +got):\n%s", diff)
			}
			if string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) || query.Version(got) != query.Version(want) {
				t.Fatalf("shown and hashed as %s, want %s", got.AppendJSON(nil), want.AppendJSON(nil))
			}
			if d.ID(row) != want.Text("id") || d.Key(row) != KeyOf(want.Text("id")) || row[0] == 0 {
				t.Fatalf("id %q, want %q", d.ID(row), want.Text("id"))
			}
			name := someNames.Draw(t, "name")
			picked, v := d.Picker(name, "other").Pick(row), query.Object{}
			if value, ok := want.Get(name); ok {
				v = query.Object{{Name: name, Value: value}}
			}
			if diff := cmp.Diff(v, picked); diff != "" {
				t.Fatalf("picked (-want +got):\n%s", diff)
			}
			if again := p.AppendKnown(nil, want); !query.Equal(d.Object(row), p.Object(string(again))) {
				t.Fatal("packed again it is another object")
			}
		}
	})
}

// TestDictionaryIsFull packs more than a dictionary takes.
func TestDictionaryIsFull(t *testing.T) {
	p := NewPacker("groups")
	object := func(i int) query.Object {
		text := fmt.Sprintf("text %d of many", i)
		return query.Object{{Name: "id", Value: text}, {Name: fmt.Sprint("name", i), Value: fmt.Sprintf("word%d", i)}, {Name: "groups", Value: []any{query.Object{{Name: "value", Value: text}}}}}
	}
	for i := range 2 * maxShapes {
		p.Append(nil, []query.Object{object(i), object(i)})
	}
	if len(p.shapes) != maxShapes {
		t.Errorf("%d shapes", len(p.shapes))
	}
	for i := range maxTexts + maxTexts/2 {
		o := query.Object{{Name: "a", Value: fmt.Sprintf("w%c%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, 'a'+i/17576%26)}}
		p.Append(nil, []query.Object{o, o})
	}
	if len(p.texts) != maxTexts {
		t.Errorf("%d texts", len(p.texts))
	}
	for _, i := range []int{0, maxShapes / 2, 2*maxShapes - 1, 9 * maxShapes} {
		b, _ := p.Append(nil, []query.Object{object(i)})
		if diff := cmp.Diff(object(i), p.Object(string(b))); diff != "" {
			t.Errorf("object %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestUUID(t *testing.T) {
	const usual = "0f8fad5b-d9cb-469f-a165-70867728950e"
	if id, ok := parseUUID(usual); !ok || id.String() != usual {
		t.Errorf("%s, %t", id, ok)
	}
	for _, other := range []string{"", strings.ToUpper(usual), usual[1:], usual + "0", strings.ReplaceAll(usual, "-", "0"), strings.Replace(usual, "f", "g", 1), "0f8fad5bd-9cb-469f-a165-70867728950e"} {
		if _, ok := parseUUID(other); ok {
			t.Errorf("%s is taken for a UUID in its usual form", other)
		}
	}
}
