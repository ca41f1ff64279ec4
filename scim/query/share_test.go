package query

import (
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// TestShareChangesNothing has resources that are the same as before to everybody
// who reads them.
func TestShareChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shared := Sharer{Links: "groups"}
		for range rapid.IntRange(1, 4).Draw(t, "pages") {
			page := make([]Object, rapid.IntRange(0, 4).Draw(t, "resources"))
			before := make([]string, len(page))
			for i := range page {
				page[i] = drawResource(t, userSchema)
				before[i] = string(page[i].AppendJSON(nil))
			}
			shared.Share(page)
			for i, o := range page {
				if after := string(o.AppendJSON(nil)); after != before[i] {
					t.Fatalf("got  %s\nwant %s", after, before[i])
				}
			}
		}
	})
}

func TestShareShares(t *testing.T) {
	resource := func() Object {
		title := string([]byte("Engineer")) // memory of its own
		group := Object{{"value", "0f8fad5b-d9cb-469f-a165-70867728950e"}, {"display", "Everybody"}}
		return Object{{"title", title}, {"groups", []any{group}}}
	}
	page := []Object{resource(), resource()}
	shared := Sharer{Links: "groups"}
	shared.Share(page)
	var texts [2]string
	var groups [2]Object
	for i, o := range page {
		v, _ := o.Get("title")
		texts[i] = v.(string)
		list, _ := o.Get("groups")
		groups[i] = list.([]any)[0].(Object)
	}
	if unsafe.StringData(texts[0]) != unsafe.StringData(texts[1]) {
		t.Error("equal titles are two texts")
	}
	if &groups[0][0] != &groups[1][0] {
		t.Error("equal groups are two objects")
	}
}
