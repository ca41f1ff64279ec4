package packed

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scim-atlassian/scim/query"
)

// drawStored draws a value that an object may have.
func drawStored(t *rapid.T, depth int) any {
	kinds := 6
	if depth > 0 {
		kinds = 8
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.String().Draw(t, "text")
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Int64().Draw(t, "integer")
	case 3:
		return rapid.Float64().Draw(t, "decimal")
	case 4:
		return time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
	case 5:
		return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), 5).In(time.FixedZone("", 60*rapid.IntRange(-720, 840).Draw(t, "minutes")))
	case 6:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, drawStored(t, depth-1))
		}
		return list
	}
	return drawStoredObject(t, depth-1)
}

func drawStoredObject(t *rapid.T, depth int) query.Object {
	o := query.Object{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		o.Set(rapid.StringMatching(`[a-z:.]{0,6}`).Draw(t, "name"), drawStored(t, depth))
	}
	return o
}

// TestStoredObjects has objects that come back from a page as they went in.
func TestStoredObjects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		page := make([]query.Object, rapid.IntRange(0, 4).Draw(t, "objects"))
		for i := range page {
			page[i] = drawStoredObject(t, 2)
		}
		back, err := DecodePage(EncodePage(page))
		if err != nil || len(back) != len(page) {
			t.Fatalf("%d objects, %v", len(back), err)
		}
		for i, o := range page {
			if got, want := string(back[i].AppendJSON(nil)), string(o.AppendJSON(nil)); got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			if query.Version(back[i]) != query.Version(o) {
				t.Fatalf("another version: %s", o.AppendJSON(nil))
			}
		}
	})
}

// TestStoredDamage has bytes that are cut or changed: an error or another object, and
// never a crash.
func TestStoredDamage(t *testing.T) {
	o := query.Object{{Name: "id", Value: "a"}, {Name: "list", Value: []any{true, int64(5), 1.5, time.Unix(5, 6), query.Object{{Name: "x", Value: "y"}}}}}
	whole := Encode(nil, o)
	for cut := range len(whole) {
		if _, err := Decode(whole[:cut]); !errors.Is(err, errStored) {
			t.Errorf("cut at %d: %v", cut, err)
		}
		for flip := range 256 {
			damaged := append([]byte{}, whole...)
			damaged[cut] = byte(flip)
			_, _ = Decode(damaged)
		}
	}
	if _, err := DecodePage(whole); !errors.Is(err, errStored) {
		t.Errorf("a page that is not compressed: %v", err)
	}
}
