package witness

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// read reads a trail in pages of a size, and returns the ids of the lines.
func read(t *testing.T, trail Trail, page int) (ids []string) {
	t.Helper()
	for before := int64(0); ; {
		n := 0
		err := trail.Latest(t.Context(), before, func(at int64, r Record) bool {
			if n++; n > page {
				return false
			}
			ids, before = append(ids, r.Text("id")), at
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if n <= page {
			return ids
		}
	}
}

func TestFile(t *testing.T) {
	line := func(id int) string {
		return fmt.Sprintf(`{"time":"2026-12-01T00:00:00Z","msg":"audit","id":"%d"}`, id) + "\n"
	}
	many, wanted := "", []string{}
	for i := range 9000 { // more than two blocks
		many += line(i)
		wanted = append(wanted, fmt.Sprint(i))
	}
	slices.Reverse(wanted)
	giant := `{"msg":"audit","id":"giant","x":"` + strings.Repeat("x", 3*fileLine) + `"}` + "\n"
	for name, test := range map[string]struct {
		content string
		want    []string
	}{
		"nothing":           {"", nil},
		"without line end":  {line(1) + strings.TrimSuffix(line(2), "\n"), []string{"2", "1"}},
		"others between":    {line(1) + "not JSON\n\n[1]\n{\"msg\":\"request\"}\n" + line(2) + `{"msg":"intent","id":"3"}` + "\n", []string{"3", "2", "1"}},
		"many":              {many, wanted},
		"a giant line":      {line(1) + giant + line(2), []string{"2", "1"}},
		"a giant first":     {giant + line(2), []string{"2"}},
		"the end is cut":    {line(1) + `{"msg":"audit","id":`, []string{"1"}},
		"binary":            {line(1) + "\x00\xff\xfe\n" + line(2), []string{"2", "1"}},
		"more than is read": {line(7) + strings.Repeat(giant, 1+fileRead/len(giant)) + line(8), []string{"8"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, page := range []int{7, 1 << 20} {
				if diff := cmp.Diff(test.want, read(t, File{path}, page)); diff != "" {
					t.Errorf("in pages of %d (-want +got):\n%.2000s", page, diff)
				}
			}
		})
	}
	if got := read(t, File{filepath.Join(t.TempDir(), "none")}, 5); got != nil {
		t.Errorf("a file that is not there: %v", got)
	}
}

// TestRecorderBounds has more of everything than is kept.
func TestRecorderBounds(t *testing.T) {
	r := NewRecorder()
	log := zap.New(r.Core())
	const n = mostLines + 10
	var want []string
	for i := range n {
		log.Info("audit", zap.String("id", fmt.Sprint(i)), zap.String("long", strings.Repeat("ü", mostText)))
		log.Named("other").With(zap.Int("x", 1)).Warn("something else")
		log.Info("request", zap.String("principal", fmt.Sprintf("caller %d", i)), zap.Int("status", 500), zap.String("method", "GET"), zap.String("resourceType", fmt.Sprintf("Type%d", i)),
			zap.String("error", fmt.Sprintf("500: it broke at %d of \"x\" in 3f2504e0-4f89-11d3-9a0c-0305e82c3301", i)), zap.Duration("duration", time.Second))
	}
	for i := n - 1; i >= n-mostLines; i-- {
		want = append(want, fmt.Sprint(i))
	}
	for _, page := range []int{7, n} {
		if diff := cmp.Diff(want, read(t, r, page)); diff != "" {
			t.Errorf("in pages of %d (-want +got):\n%.1000s", page, diff)
		}
	}
	if got := len(r.lines[0].Text("long")); got > mostText+len("…") {
		t.Errorf("a value of %d bytes is kept", got)
	}
	if got := len(r.Spenders(time.Now())); got > mostCallers+1 {
		t.Errorf("%d callers are kept", got)
	}
	if got := len(r.Failures(time.Now())); got > mostCauses {
		t.Errorf("%d causes are kept", got)
	}
	if got := r.Failures(time.Now().Add(causeLife + time.Minute)); got != nil {
		t.Errorf("after a day: %v", got)
	}
}

// TestCauses holds that errors which differ in names and numbers alone are one.
func TestCauses(t *testing.T) {
	r := NewRecorder()
	log := zap.New(r.Core())
	for i, e := range []string{`400 invalidValue: "a\"b" is no date`, `400 invalidValue: "c" is no date`, `400 invalidValue: "c" is no time`} {
		log.Info("request", zap.String("principal", fmt.Sprint("p", i)), zap.Int("status", 400), zap.String("method", "POST"), zap.String("error", e))
	}
	log.Info("request", zap.Int("status", 404), zap.String("method", "GET"), zap.String("error", "404: not there"))
	got := map[string]int{}
	for _, c := range r.Failures(time.Now()) {
		got[c.Text] = c.Count
	}
	if diff := cmp.Diff(map[string]int{`"c" is no date`: 2, `"c" is no time`: 1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPulse(t *testing.T) {
	var p Pulse
	now := time.Unix(1_800_000_000, 0)
	if p.Seen() || Sum(p.Last(now)).N != 0 {
		t.Error("a new pulse has counted something")
	}
	for i := range 100 {
		p.Note(now.Add(-time.Duration(i)*time.Second), time.Duration(i)*10*time.Millisecond, i%10 == 0)
	}
	p.Note(now.Add(-time.Hour), time.Minute, true)
	whole := Sum(p.Last(now))
	if whole.N != 100 || whole.Failed != 10 || whole.Within(0.5) != 500*time.Millisecond || whole.Within(0.95) != time.Second || whole.Within(1) != time.Second {
		t.Errorf("%d, %d failed, half within %v, 95 %% within %v", whole.N, whole.Failed, whole.Within(0.5), whole.Within(0.95))
	}
	if got := Sum(p.Last(now.Add(time.Hour))); got.N != 0 {
		t.Errorf("an hour later: %+v", got)
	}
}
