package atlassian_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/wire"
)

// TestUsersAsSent holds that users in bytes are those that the decoder understands, of
// every answer, and that an answer which it refuses is refused.
func TestUsersAsSent(t *testing.T) {
	user := func(title, rest string) string {
		return `{"id":"u1","userName":"ann","title":"` + title + `"` + rest + `,"meta":{"resourceType":"User","lastModified":"2026-01-02T03:04:05.678Z"}}`
	}
	page := func(total int, users ...string) string {
		return fmt.Sprintf(`{"schemas":["x"],"totalResults":%d,"startIndex":1,"itemsPerPage":100,"Resources":[%s]}`, total, strings.Join(users, ","))
	}
	usual := user("Boss", `,"emails":[{"value":"a@x.example","primary":true}]`)
	for name, body := range map[string]string{
		"usual":                 page(7, usual, strings.ReplaceAll(usual, "u1", "u2")),
		"escapes":               page(2, user(`B\u006fss \"\\\n\ud83d\ude00`, ""), usual),
		"white space":           "\n " + strings.ReplaceAll(page(1, usual), ",", ",\n\t") + "\n",
		"an unknown member":     page(1, user("Boss", `,"x":[{"y":null}]`)),
		"null for nothing":      page(1, user("Boss", `,"nickName":null,"groups":null`)),
		"another zone":          page(1, strings.ReplaceAll(usual, "678Z", "678+02:00")),
		"an old type":           page(1, strings.ReplaceAll(usual, `"User"`, `"USER"`)),
		"nobody":                page(0),
		"total alone":           `{"totalResults":0}`,
		"a negative start":      strings.Replace(page(1, usual), `"startIndex":1`, `"startIndex":-1`, 1),
		"a member twice":        page(1, user("Boss", `,"title":"Boss"`)),
		"a null user":           page(2, usual, "null"),
		"no id":                 page(1, strings.ReplaceAll(usual, `"id":"u1",`, "")),
		"a group":               page(1, strings.ReplaceAll(usual, `"User"`, `"Group"`)),
		"a number":              page(1, strings.ReplaceAll(usual, `"Boss"`, "1")),
		"invalid UTF-8":         page(1, user("B\xff", "")),
		"no total":              strings.Replace(page(1, usual), `"totalResults":1,`, "", 1),
		"cut":                   page(1, usual)[:100],
		"a time that is none":   page(1, strings.ReplaceAll(usual, "2026-01-02", "2026-02-30")),
		"deep":                  page(1, user("Boss", `,"x":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000))),
		"another document":      `{}`,
		"an unpaired surrogate": page(1, user(`\ud83d`, "")),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/scim+json")
				io.WriteString(w, body)
			}), atlassian.Config{RetryBase: time.Millisecond})
			want, wantErr := d.Users(t.Context(), atlassian.ListOptions{StartIndex: 1, Count: 100})
			got, err := d.UsersAsSent(t.Context(), atlassian.ListOptions{StartIndex: 1, Count: 100})
			if atlassian.KindOf(err) != atlassian.KindOf(wantErr) || (err == nil) != (wantErr == nil) {
				t.Fatalf("%v, but the decoder says %v", err, wantErr)
			}
			if err != nil {
				return
			}
			defer got.Free()
			if got.Total != want.Total || len(got.All) != len(want.Resources) {
				t.Fatalf("%d of %d, want %d of %d", len(got.All), got.Total, len(want.Resources), want.Total)
			}
			for i, w := range want.Resources {
				g := got.All[i]
				if text(g.ID) != w.ID || text(g.Title) != w.Title || text(g.NickName) != w.NickName || len(g.Emails) != len(w.Emails) || !g.LastModified.Equal(w.Meta.LastModified) {
					t.Errorf("%s %q %q %d %v, want %+v", text(g.ID), text(g.Title), text(g.NickName), len(g.Emails), g.LastModified, w)
				}
			}
		})
	}
}

func text(b []byte) string { return string(wire.Text(b)) }

// TestUserAsSent holds that one user in bytes is the one that was asked for.
func TestUserAsSent(t *testing.T) {
	for _, test := range []struct {
		body string
		want atlassian.Kind
	}{
		{`{"id":"u1","title":"Boss"}`, atlassian.Other},
		{`{"id":"u1","title":"B\u006fss","x":1}`, atlassian.Other},
		{`{"id":"u2","title":"Boss"}`, atlassian.Garbled},
		{`{"id":"u1","title":"Boss","title":"Boss"}`, atlassian.Garbled},
		{`{}`, atlassian.Garbled},
	} {
		d := newDirectory(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/scim+json")
			io.WriteString(w, test.body)
		}), atlassian.Config{RetryBase: time.Millisecond})
		got, err := d.UserAsSent(t.Context(), "u1")
		if atlassian.KindOf(err) != test.want || (err == nil) != (test.want == atlassian.Other) {
			t.Errorf("%s: %v, want %v", test.body, err, test.want)
		}
		if err != nil {
			continue
		}
		if text(got.All[0].ID) != "u1" || text(got.All[0].Title) != "Boss" {
			t.Errorf("%s: %s, %s", test.body, got.All[0].ID, got.All[0].Title)
		}
		got.Free()
	}
}

// TestGroupAsSent is TestUserAsSent for a group, read and patched. An answer is longer than the one before it, so that
// memory which was used again shows.
func TestGroupAsSent(t *testing.T) {
	for i, test := range []struct {
		body string
		want atlassian.Kind
	}{
		{`{"id":"g1","displayName":"Boss","members":[{"value":"u1"}]}`, atlassian.Other},
		{`{"id":"g1","displayName":"B\u006fss","x":1,"members":[{"value":"u1"}]}`, atlassian.Other},
		{`{"id":"g1", "displayName":"Boss", "members":[{"value":"u1"}], "meta":{"resourceType":"GROUP"}}`, atlassian.Other},
		{`{"id":"g1","displayName":"Boss","members":[{"value":"u1"}],"meta":{"resourceType":"User"}}`, atlassian.Garbled},
		{`{"id":"g2","displayName":"Boss","members":[{"value":"u1"}]}`, atlassian.Garbled},
		{`{"id":"g1","displayName":"Boss","members":[{"value":"u1","value":"u1"}]}`, atlassian.Garbled},
		{`{"id":"g1","displayName":"Boss","members":[{"value":1}]}`, atlassian.Garbled},
		{`{}`, atlassian.Garbled},
	} {
		d := newDirectory(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/scim+json")
			io.WriteString(w, test.body)
		}), atlassian.Config{RetryBase: time.Millisecond})
		got, err := d.GroupAsSent(t.Context(), "g1")
		if i%2 > 0 {
			got, err = d.PatchGroupAsSent(t.Context(), "g1", []atlassian.PatchOperation{{Op: "replace", Path: "externalId", Value: "e1"}})
		}
		if atlassian.KindOf(err) != test.want || (err == nil) != (test.want == atlassian.Other) {
			t.Errorf("%s: %v, want %v", test.body, err, test.want)
		}
		if err != nil {
			continue
		}
		if text(got.ID) != "g1" || text(got.DisplayName) != "Boss" || !got.Listed || len(got.Members) != 1 || text(got.Members[0].Value) != "u1" {
			t.Errorf("%s: %+v", test.body, got)
		}
		got.Free()
	}
}
