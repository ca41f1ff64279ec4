package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/state"
)

// Budget is how much one caller may take away within a time: the greater of a part of
// what there is and a floor. The zero Budget bounds nothing.
type Budget struct {
	Percent int           // 1 to 100
	Window  time.Duration // at least a minute; 0: no bound
	Floor   int           // what may go however little there is
}

// ParseBudget reads a budget as it is set, "20%/1h" or "off". The floor is not in it.
func ParseBudget(text string) (Budget, error) {
	if text == "off" {
		return Budget{}, nil
	}
	percent, window, ok := strings.Cut(text, "%/")
	p, err := strconv.Atoi(percent)
	d, windowErr := time.ParseDuration(window)
	if !ok || err != nil || windowErr != nil || p < 1 || p > 100 || d < time.Minute || d > 31*24*time.Hour {
		return Budget{}, errors.New("must be a percentage and a time of a minute to 31 days such as 20%/1h, or off")
	}
	return Budget{Percent: p, Window: d}, nil
}

// String is the budget as it is set.
func (b Budget) String() string {
	if b.Window == 0 {
		return "off"
	}
	d := b.Window.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(d, zero) {
			d = strings.TrimSuffix(d, zero[1:])
		}
	}
	return fmt.Sprintf("%d%%/%s", b.Percent, d)
}

// limit is how much may go of a number of things, -1 if nobody knows the number.
func (b Budget) limit(of int) int { return max(b.Floor, of*b.Percent/100) }

// loss is what a write takes away of one kind of thing.
type loss struct {
	bucket string   // what is counted together: "users", "groups", or "members/" and an id
	ids    []string // what goes
	of     int      // how much there is at present, -1: nobody knows
}

// The buckets.
const (
	bucketPeople  = "users"
	bucketGroups  = "groups"
	bucketMembers = "members/" // the id of a group or role follows
)

// what describes a bucket for people.
func what(bucket string) string {
	if id, ok := strings.CutPrefix(bucket, bucketMembers); ok {
		return fmt.Sprintf("members of %q", id)
	}
	return bucket
}

// tally is the count of a caller and a bucket, as it is kept.
type tally struct {
	Caller string  `json:"caller"`
	Bucket string  `json:"bucket"`
	Of     int     `json:"of"` // how much there was before the first that went; -1: nobody knew
	Slices []slice `json:"slices"`
}

// slice is a part of the window.
type slice struct {
	Begin int64 `json:"begin"` // Unix seconds
	N     int   `json:"n"`
}

// The window slides in this many steps, so that the count is one small value: what
// went counts for the window and up to one step more.
const steps = 12

func (t *tally) sum() int {
	n := 0
	for _, s := range t.Slices {
		n += s.N
	}
	return n
}

// forget drops what is out of the window.
func (t *tally) forget(now time.Time, b Budget) {
	kept := t.Slices[:0]
	for _, s := range t.Slices {
		if time.Unix(s.Begin, 0).Add(b.Window + b.Window/steps).After(now) {
			kept = append(kept, s)
		}
	}
	if t.Slices = kept; len(kept) == 0 {
		t.Of = -1
	}
}

// add counts n more in the step that begins at a time.
func (t *tally) add(begin int64, n int) {
	for i := range t.Slices {
		if t.Slices[i].Begin == begin {
			t.Slices[i].N = max(0, t.Slices[i].N+n)
			return
		}
	}
	if n > 0 {
		t.Slices = append(t.Slices, slice{begin, n})
	}
}

// taken is what was counted for a write, to give it back if the write fails.
type taken struct {
	caller, bucket string
	begin          int64
	n              int
	seen           []uint64
}

// exceeded says that a count is full.
type exceeded struct {
	loss
	counted, limit int
	frees          time.Time // when the oldest that was counted is forgotten
}

func (e *exceeded) Error() string { return "the change budget is used up" }

const kindTally = "change-tally"

// tallyKey is the key of a tally, and of the hold that belongs to it.
func tallyKey(caller, bucket string) string {
	sum := sha256.Sum256([]byte(caller + "\x00" + bucket))
	return hex.EncodeToString(sum[:8])
}

var seed = maphash.MakeSeed()

func seenKey(caller, bucket, id string) uint64 {
	return maphash.String(seed, caller+"\x00"+bucket+"\x00"+id)
}

// take counts what a write takes away, or refuses with *exceeded and counts nothing.
func (g *Guard) take(ctx context.Context, caller string, l loss) (taken, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.cfg.Now()
	got := taken{caller: caller, bucket: l.bucket, begin: now.Truncate(g.cfg.Budget.Window / steps).Unix()}
	for _, id := range l.ids {
		if key := seenKey(caller, l.bucket, id); !g.seen[key].After(now) {
			got.seen = append(got.seen, key)
		}
	}
	if got.n = len(got.seen); got.n == 0 {
		return got, nil
	}
	err := g.count(ctx, caller, l.bucket, func(t *tally) error {
		if t.Of < 0 {
			t.Of = l.of
		}
		limit := g.cfg.Budget.limit(t.Of)
		if t.sum()+got.n > limit {
			return &exceeded{loss: loss{l.bucket, l.ids, t.Of}, counted: t.sum(), limit: limit, frees: t.frees(now, g.cfg.Budget)}
		}
		t.add(got.begin, got.n)
		return nil
	})
	if err != nil {
		return taken{}, err
	}
	g.remember(got.seen, now)
	return got, nil
}

// frees is when the oldest step is forgotten.
func (t *tally) frees(now time.Time, b Budget) time.Time {
	if len(t.Slices) == 0 {
		return now
	}
	oldest := t.Slices[0].Begin
	for _, s := range t.Slices {
		oldest = min(oldest, s.Begin)
	}
	return time.Unix(oldest, 0).Add(b.Window + b.Window/steps)
}

// mostSeen bounds the memory for what was counted lately.
const mostSeen = 200_000

func (g *Guard) remember(keys []uint64, now time.Time) {
	if len(g.seen)+len(keys) > mostSeen {
		maps.DeleteFunc(g.seen, func(_ uint64, until time.Time) bool { return !until.After(now) })
	}
	for _, key := range keys {
		if len(g.seen) < mostSeen {
			g.seen[key] = now.Add(g.cfg.Budget.Window)
		}
	}
}

// giveBack takes back what was counted for a write that changed nothing. A state that
// cannot be reached leaves it counted.
func (g *Guard) giveBack(ctx context.Context, got taken) {
	if got.n == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range got.seen {
		delete(g.seen, key)
	}
	_ = g.count(context.WithoutCancel(ctx), got.caller, got.bucket, func(t *tally) error { // counted too much at worst
		t.add(got.begin, -got.n)
		return nil
	})
}

// count changes a tally, unless change fails.
func (g *Guard) count(ctx context.Context, caller, bucket string, change func(*tally) error) error {
	return update(ctx, g.store, kindTally, tallyKey(caller, bucket), tally{Of: -1}, func(t *tally) (time.Time, error) {
		now := g.cfg.Now()
		t.forget(now, g.cfg.Budget)
		t.Caller, t.Bucket = caller, bucket
		return now.Add(g.cfg.Budget.Window + g.cfg.Budget.Window/steps), change(t)
	})
}

// update changes a value of the state, in turns with other replicas. change is given
// what is there, or the zero value given, and says when it ends. Its error ends the
// update, and nothing is changed.
func update[T any](ctx context.Context, store keeper, kind, key string, zero T, change func(*T) (time.Time, error)) error {
	for {
		v, there, err := store.Value(ctx, kind, key)
		if err != nil {
			return err
		}
		now := zero
		if there {
			if err := json.Unmarshal(v.Data, &now); err != nil {
				return fmt.Errorf("%s %s: %w", kind, key, err)
			}
		}
		expires, err := change(&now)
		if err != nil {
			return err
		}
		data, err := json.Marshal(now)
		if err != nil {
			return err
		}
		var done bool
		if there {
			done, err = store.Swap(ctx, state.Value{Kind: kind, Key: key, Version: v.Version, Data: data, Expires: expires})
		} else {
			done, err = store.Add(ctx, kind, key, data, expires)
		}
		if done || err != nil {
			return err
		}
	}
}
