package query

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var ann = ObjectOf(decode(`{
	"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "A1", "externalId": "X-1",
	"userName": "Ann@Example.com", "name": {"givenName": "Ann", "familyName": "Straße"},
	"title": "", "active": true, "logins": 3, "score": 2.5, "key": "aGk=",
	"labels": ["red", "Blue"],
	"emails": [
		{"value": "ann@home.example", "type": "home"},
		{"value": "ANN@work.example", "type": "work", "primary": true}],
	"groups": [{"value": "G1", "display": "admins"}],
	"meta": {"resourceType": "User", "created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-02T03:04:05.600+01:00"},
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "B2"}}
}`), userSchema)

func decode(s string) map[string]any {
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		panic(err)
	}
	return m
}

func TestObjectOf(t *testing.T) {
	got := ObjectOf(map[string]any{
		"USERNAME": "ann", "title": nil, "unknown": 1, "active": "yes",
		"logins": json.Number("7"), "score": int64(2),
		"emails": map[string]any{"value": "a@b", "x": 1},
		"groups": []map[string]any{{"value": "g1"}},
		"labels": []any{},
		"name":   map[string]any{},
		"meta":   map[string]any{"created": "2026-01-02T03:04:05+0100"},
		enterpriseURN: map[string]any{
			"department": "R&D",
		},
	}, userSchema)
	want := Object{
		{"meta", Object{{"created", time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)}}},
		{"userName", "ann"},
		{"logins", int64(7)},
		{"score", int64(2)},
		{"labels", []any{}},
		{"emails", []any{Object{{"value", "a@b"}}}},
		{"groups", []any{Object{{"value", "g1"}}}},
		{enterpriseURN, Object{{"department", "R&D"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ObjectOf (-want +got):\n%s", diff)
	}
}

func TestAppendJSON(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{"a\"b\\\u2028<é\x01", `"a\"b\\` + "\u2028" + `<é\u0001"`},
		{"bad\xff", `"bad` + "\ufffd" + `"`},
		{true, `true`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{2.5, `2.5`},
		{1e21, `1e+21`},
		{1e-7, `1e-07`},
		{math.NaN(), `null`},
		{time.Date(2026, 1, 2, 3, 4, 5, 120_000_000, time.FixedZone("", 3600)), `"2026-01-02T02:04:05.120Z"`},
		{[]any{"a", int64(1), Object{}}, `["a",1,{}]`},
		{Object{{"b", false}, {"a", "x"}}, `{"b":false,"a":"x"}`},
	}
	for _, tt := range tests {
		got := string(Object{{"v", tt.value}}.AppendJSON(nil))
		if want := `{"v":` + tt.want + `}`; got != want {
			t.Errorf("AppendJSON(%v) = %s, want %s", tt.value, got, want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("AppendJSON(%v) = %s, not JSON", tt.value, got)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	again := ObjectOf(decode(string(ann.AppendJSON(nil))), userSchema)
	if !Equal(ann, again) {
		t.Errorf("through JSON:\n%s", cmp.Diff(ann, again))
	}
}

func TestObjectMembers(t *testing.T) {
	c := ann.Clone()
	name, _ := c.Get("name")
	name.(Object)[0].Value = "changed"
	c.Set("title", "Dr")
	c.Set("nickName", "A")
	c.Delete("logins")
	if Equal(c, ann) {
		t.Error("the changed copy equals the original")
	}
	if v, _ := c.Get("title"); v != "Dr" {
		t.Errorf("title = %v after Set", v)
	}
	if c[len(c)-1].Name != "nickName" {
		t.Errorf("last member is %s, want the one set last", c[len(c)-1].Name)
	}
	if _, ok := c.Get("logins"); ok {
		t.Error("logins is there after Delete")
	}
	if v, _ := ann.Get("title"); v != "" {
		t.Errorf("original's title = %v, the clone is not independent", v)
	}
}

func TestEqual(t *testing.T) {
	now := time.Now()
	tests := []struct {
		a, b any
		want bool
	}{
		{int64(3), 3.0, true},
		{int64(math.MaxInt64), float64(math.MaxInt64), false},
		{now, now.UTC(), true},
		{"a", "A", false},
		{[]any{"a", "b"}, []any{"b", "a"}, false},
		{Object{{"a", true}, {"b", "x"}}, Object{{"b", "x"}, {"a", true}}, true},
		{Object{{"a", true}}, Object{}, false},
	}
	for _, tt := range tests {
		if got := Equal(Object{{"v", tt.a}}, Object{{"v", tt.b}}); got != tt.want {
			t.Errorf("Equal(%v, %v) = %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
}
