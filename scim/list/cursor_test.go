package list

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"scim-atlassian/scim/resource"
)

// FuzzCursor checks that any text is a cursor of the query or refused, and that open returns the cursor that was
// sealed.
func FuzzCursor(f *testing.F) {
	sealer := newCursorSealer(Config{CursorKey: "a key", CursorTimeout: 10 * time.Minute, Now: time.Now})
	whole := cursor{began: time.UnixMilli(1), count: 100, walk: "a walk", start: 1 << 40, after: place{rank: 2, id: "31acb67e"}, digest: "0123456789abcdef"}
	f.Add(sealer.seal(whole, "query"), whole.count, whole.start, whole.after.id)
	f.Add("====", 1, 1, "\xff")
	f.Fuzz(func(t *testing.T, text string, count, start int, id string) {
		_, err := sealer.open(text, "query")
		if e := resource.AsError(err); err != nil && (e.Status != http.StatusBadRequest || e.Detail == "") {
			t.Errorf("not a refusal: %v", err)
		}
		want := cursor{began: time.UnixMilli(1 << 40), count: max(0, count) % (1 << 50), start: max(0, start) % (1 << 50), after: place{rank: 1, id: id}}
		sealed := sealer.seal(want, "query")
		if strings.Trim(sealed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != "" {
			t.Errorf("%q has reserved characters", sealed)
		}
		if len(sealed) > maxCursor {
			return
		}
		got, err := sealer.open(sealed, "query")
		got.issued = want.issued
		if err != nil || got != want {
			t.Errorf("%+v became %+v, %v", want, got, err)
		}
		if _, err := sealer.open(sealed, "another query"); err == nil {
			t.Error("another query's cursor was opened")
		}
	})
}

// TestCursorKeyIsRenewed has cursors of the key before be good still, and those of the one before that no more.
func TestCursorKeyIsRenewed(t *testing.T) {
	sealer := newCursorSealer(Config{CursorKey: "first", CursorTimeout: time.Minute, Now: time.Now})
	sealed := sealer.seal(cursor{began: time.Now(), count: 1}, "query")
	for _, test := range []struct {
		key  string
		good bool
	}{{"first", true}, {"second", true}, {"second", true}, {"third", false}} {
		sealer.renew(test.key)
		if _, err := sealer.open(sealed, "query"); (err == nil) != test.good {
			t.Errorf("with the %s key: %v", test.key, err)
		}
	}
	other := newCursorSealer(Config{CursorKey: "third", CursorTimeout: time.Minute, Now: time.Now})
	if _, err := other.open(sealer.seal(cursor{began: time.Now(), count: 1}, "query"), "query"); err != nil {
		t.Errorf("signed with the third key: %v", err)
	}
}
