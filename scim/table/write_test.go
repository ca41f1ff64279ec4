package table

import (
	"net/url"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// written is the JSON of a resource from its object, as the server makes it.
func written(v resource.View, o query.Object) string {
	doc := query.Object{{Name: "schemas", Value: v.Type.SchemasOf(o)}}
	for _, m := range o {
		if meta, ok := m.Value.(query.Object); ok && m.Name == "meta" {
			meta = append(meta[:len(meta):len(meta)], query.Member{Name: "location", Value: v.Collection + "/" + url.PathEscape(o.Text("id"))})
			if v.Versioned && !v.Type.Links.Missing(o) {
				meta = append(meta, query.Member{Name: "version", Value: query.Version(v.Type.Lasting(o))})
			}
			m.Value = meta
		}
		doc = append(doc, m)
	}
	return string(v.Want.Apply(doc).AppendJSON(nil))
}

// TestAppend holds that what is written from rows is, to the byte, what their objects show,
// and that the usual answer is written from rows.
func TestAppend(t *testing.T) {
	rt := &resource.Type{Schema: testSchema, Links: testLinks}
	rt.Core, rt.Extensions = &schemas.Schema{ID: testSchema.Core}, []*schemas.Schema{{ID: extensionURN}}
	rt.Shown, _ = testSchema.Project(nil, nil)
	rapid.Check(t, func(t *rapid.T) {
		v := resource.View{Type: rt, Collection: "https://scim.example/Users", Want: rt.Shown, Versioned: rapid.Bool().Draw(t, "versioned")}
		var err error
		names := func(label string) []string {
			return rapid.SliceOfN(rapid.SampledFrom([]string{"id", "emails", "emails.value", "meta", "meta.created", "name", "groups", extensionURN}), 0, 3).Draw(t, label)
		}
		usual := rapid.Bool().Draw(t, "usual")
		if attributes := names("attributes"); !usual && len(attributes) > 0 {
			v.Want, err = testSchema.Project(attributes, nil)
		} else if !usual {
			v.Want, err = testSchema.Project(nil, names("excluded"))
		}
		if err != nil {
			t.Fatal(err)
		}
		table := New(testLinks)
		ids := rapid.SampledFrom([]string{"a", "0f8fad5b-d9cb-469f-a165-70867728950e", "a/b c", "é"})
		for range rapid.IntRange(1, 6).Draw(t, "resources") {
			o := drawResource(t, ids)
			if usual || rapid.Bool().Draw(t, "meta last") {
				o = append(o.Without("meta"), query.Member{Name: "meta", Value: query.Object{{Name: "resourceType", Value: "User"}, {Name: "created", Value: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "created"), 5e6).UTC()}}})
			}
			table.Put(o)
		}
		rows := table.Rows()
		for i := range rows.Len() {
			want := written(v, rows.Object(i))
			got, ok := rows.Append([]byte("x"), i, v)
			switch {
			case ok && string(got) != "x"+want:
				t.Fatalf("\n got %s\nwant x%s", got, want)
			case !ok && string(got) != "x":
				t.Fatalf("left %s", got)
			case !ok && usual:
				t.Fatalf("not written from the row: %s", want)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	rt := &resource.Type{Schema: testSchema, Links: testLinks}
	rt.Core = &schemas.Schema{ID: testSchema.Core}
	rt.Shown, _ = testSchema.Project(nil, nil)
	table, p := New(testLinks), newPeople()
	for i := range 1000 {
		o := p.user(i)
		table.Put(append(o.Without("meta"), query.Member{Name: "meta", Value: query.Object{{Name: "resourceType", Value: "User"}}}))
	}
	rows, v := table.Rows(), resource.View{Type: rt, Versioned: true}
	var buffer []byte
	b.Run("row", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			var ok bool
			if buffer, ok = rows.Append(buffer[:0], i%rows.Len(), v); !ok {
				b.Fatal("not written")
			}
		}
	})
	b.Run("object", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			buffer = append(buffer[:0], written(v, rows.Object(i%rows.Len()))...)
		}
	})
}
