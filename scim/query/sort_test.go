package query

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// users makes users with ids 1, 2, 3, … of the JSON of their other attributes.
func users(docs ...string) []Object {
	all := make([]Object, len(docs))
	for i, d := range docs {
		all[i] = ObjectOf(decode(d), userSchema)
		all[i].Set("id", string(rune('1'+i)))
	}
	return all
}

func TestSort(t *testing.T) {
	tests := []struct {
		by              string
		docs            []string
		ascending, down string
	}{
		{"userName", []string{`{"userName":"b"}`, `{}`, `{"userName":"A"}`, `{"userName":"a"}`, `{"userName":"_"}`}, "53412", "21345"},
		{"externalId", []string{`{"externalId":"a"}`, `{"externalId":"B"}`}, "21", "12"},
		{"logins", []string{`{"logins":10}`, `{"logins":9}`, `{"logins":9}`, `{}`}, "2314", "4123"},
		{"score", []string{`{"score":1.5}`, `{"score":1}`}, "21", "12"},
		{"active", []string{`{"active":true}`, `{"active":false}`}, "21", "12"},
		{"meta.created", []string{`{"meta":{"created":"2026-01-01T01:00:00+02:00"}}`, `{"meta":{"created":"2025-12-31T23:30:00Z"}}`}, "12", "21"},
		{"emails", []string{
			`{"emails":[{"value":"c"},{"value":"x","primary":true}]}`,
			`{"emails":[{"value":"d"},{"value":"a"}]}`,
			`{"emails":[]}`,
			`{"emails":[{"type":"work"}]}`}, "2134", "3412"},
		{"labels", []string{`{"labels":["b","a"]}`, `{"labels":["a","z"]}`}, "21", "12"},
		{"department", []string{
			`{"` + enterpriseURN + `":{"department":"b"}}`,
			`{"` + enterpriseURN + `":{"department":"a"}}`, `{}`}, "213", "312"},
		{"name", []string{`{"name":{"givenName":"b"}}`, `{"name":{"givenName":"a"}}`}, "12", "12"},
	}
	for _, tt := range tests {
		for _, descending := range []bool{false, true} {
			objs := users(tt.docs...)
			Sort(objs, resolve(t, userSchema, tt.by), descending)
			var got strings.Builder
			for _, o := range objs {
				id, _ := o.Get("id")
				got.WriteString(id.(string))
			}
			want := tt.ascending
			if descending {
				want = tt.down
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("Sort by %s, descending %t: got %s, want %s", tt.by, descending, got.String(), want)
			}
		}
	}
}

func TestComparable(t *testing.T) {
	tests := []struct{ name, want string }{
		{"userName", "userName"},
		{"emails", "emails.value"},
		{"manager", enterpriseURN + ":manager.value"},
		{"labels", "labels"},
		{"name", "! attribute name is complex, name a sub-attribute (one of formatted, familyName, givenName)"},
		{"password", "! attribute password is never returned and cannot be compared"},
	}
	for _, tt := range tests {
		got := ""
		if p, err := resolve(t, userSchema, tt.name).Comparable(); err != nil {
			got = "! " + err.Error()
		} else {
			got = p.String()
		}
		if got != tt.want {
			t.Errorf("Comparable of %s = %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestAppendSortKey has keys that order any two resources as Sort does.
func TestAppendSortKey(t *testing.T) {
	var paths []Path
	for _, a := range userSchema.Attributes {
		for _, sub := range append([]*Attribute{nil}, a.Sub...) {
			if p, err := (Path{Attr: a, Sub: sub}).Comparable(); err == nil {
				paths = append(paths, p)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		by := rapid.SampledFrom(paths).Draw(t, "by")
		a, b := drawResource(t, userSchema), drawResource(t, userSchema)
		got := bytes.Compare(AppendSortKey(nil, by, a), AppendSortKey(nil, by, b))
		want := compareKeys(sortKey(by, a, by.Exact()), sortKey(by, b, by.Exact()))
		if got != min(max(want, -1), 1) {
			t.Fatalf("by %s: %d, want %d, for\n%s\n%s", by, got, want, a.AppendJSON(nil), b.AppendJSON(nil))
		}
	})
}

func TestAppendSortKeyOfNumbers(t *testing.T) {
	score := resolve(t, userSchema, "score")
	numbers := []any{math.Inf(-1), -1e300, -0x1p64, int64(math.MinInt64), -1.5, int64(-1), -0.5, int64(0), 0.25, 0.5, int64(1), int64(1<<53 + 1),
		int64(math.MaxInt64), 0x1p63, 1e300, math.Inf(1)}
	for i, a := range numbers {
		for j, b := range numbers {
			got := bytes.Compare(AppendSortKey(nil, score, Object{{"score", a}}), AppendSortKey(nil, score, Object{{"score", b}}))
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%v and %v: %d", a, b, got)
			}
		}
	}
}
