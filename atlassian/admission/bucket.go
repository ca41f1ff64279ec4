package admission

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// bucket is one limit of upstream: a number of requests in a period. What is documented is where it begins; what upstream
// says of it in its answers wins. Its tokens pace the requests, and left keeps them within the present period, which
// may have other users.
type bucket struct {
	rate   float64   // tokens a second; 0: no limit is known
	burst  float64   // tokens at most
	tokens float64   // at the time since
	since  time.Time // when tokens were counted

	quiet  time.Time     // no request begins before
	limit  int           // requests in a period, as upstream says; 0: it does not
	left   int           // of them, as far as can be told
	reset  time.Time     // end of the period
	period time.Duration // its length, as far as that can be seen

	guessed bool // limit is that of another route, until upstream has answered on this one

	inFlight int
	taken    int       // requests that began, in all
	begun    [2]int    // requests that began in the second before second, and in it
	second   time.Time // to learn the rate at which upstream refuses without a word
	refused  time.Time // when it last did
	cut      time.Time // when that last lowered the rate
}

// told reports whether upstream itself has made the limit known, by a word or by refusing.
func (b *bucket) told() bool { return b.limit > 0 || !b.cut.IsZero() }

func newBucket(perSecond, burst float64, now time.Time) *bucket {
	return &bucket{rate: perSecond, burst: burst, tokens: burst, since: now}
}

// refill counts the tokens up to now, and begins a new period if the present one is over.
func (b *bucket) refill(now time.Time) {
	if b.rate > 0 {
		b.tokens = min(b.burst, b.tokens+now.Sub(b.since).Seconds()*b.rate)
	}
	b.since = now
	if b.limit > 0 && b.left < 1 {
		b.tokens = min(b.tokens, 1) // what a period lacks at its end must not be spent at once at the next one's beginning
	}
	if b.limit > 0 && !now.Before(b.reset) {
		b.left = b.limit
		b.reset = now.Add(b.period)
	}
}

// readyAt returns when a request may begin that leaves a share of the tokens to others, as far as is known now.
func (b *bucket) readyAt(now time.Time, share float64) time.Time {
	b.refill(now)
	at := now
	if b.quiet.After(at) {
		at = b.quiet
	}
	if need := min(1+share*b.burst, b.burst); b.rate > 0 && b.tokens < need {
		if t := now.Add(time.Duration((need-b.tokens)/b.rate*float64(time.Second)) + time.Nanosecond); t.After(at) {
			at = t
		}
	}
	if kept := int(math.Ceil(share * float64(b.limit))); b.limit > 0 && b.left < min(1+kept, b.limit) {
		// Nobody misses what is left of a period when there is no time to use it up.
		if t := b.reset.Add(-time.Duration(float64(max(b.left, 0)) / b.rate * float64(time.Second))); t.After(at) {
			at = t
		}
	}
	return at
}

// take begins a request.
func (b *bucket) take(now time.Time) {
	b.tokens--
	b.left--
	b.inFlight++
	b.taken++
	if second := now.Truncate(time.Second); !second.Equal(b.second) {
		if b.begun[0] = 0; second.Sub(b.second) == time.Second {
			b.begun[0] = b.begun[1]
		}
		b.begun[1], b.second = 0, second
	}
	b.begun[1]++
}

// guess begins with the limit of another bucket, nil for none: routes of one API mostly share theirs, and those who ask on
// a new route at the same time would all be refused.
func (b *bucket) guess(other *bucket, now time.Time) {
	if other == nil {
		return
	}
	b.know(other.limit, now)
	b.period, b.left, b.reset, b.guessed = other.period, other.left, other.reset, true
	b.pace()
}

// learn takes from an answer what it says of the limit, after its request is over. place is that of the request among all.
func (b *bucket) learn(r Result, place int, now time.Time) {
	limit, reset, left := limitOf(r.Header)
	if b.guessed && limit == 0 && r.Status/100 == 2 { // there is no limit here
		b.limit, b.rate = 0, 0
	}
	b.guessed = b.guessed && limit == 0 && r.Status/100 != 2
	if limit > 0 {
		b.know(limit, now)
	}
	if left >= 0 && b.limit > 0 {
		b.see(left-(b.taken-place), reset, now)
	}
	switch {
	case r.Status != http.StatusTooManyRequests:
		b.recover()
	case limit == 0 && r.Scope == Route:
		b.slow(now)
	}
}

// know sets a limit that upstream has told. Its period is a second until the ends of periods say otherwise.
func (b *bucket) know(limit int, now time.Time) {
	if b.limit == limit {
		return
	}
	b.limit, b.period = limit, time.Second
	b.left, b.reset = limit, now.Add(b.period)
	b.pace()
}

func (b *bucket) pace() {
	b.rate = float64(b.limit) / b.period.Seconds()
	b.burst = max(1, float64(b.limit)/4)
	b.tokens = min(max(b.tokens, 0), b.burst) // below 0 if no limit was known
}

// see sets how much is left until the end of the period, without the requests that began after the one that was answered.
// Answers overtake each other, so that of one period the least counts.
func (b *bucket) see(left int, reset, now time.Time) {
	if reset.IsZero() {
		reset = b.reset
	}
	if length := reset.Sub(now); length > b.period {
		b.period = length.Round(time.Minute)
		if length < 5*time.Second {
			b.period = max(time.Second, length.Round(time.Second))
		}
		b.period = max(b.period, time.Second)
		b.pace()
	}
	switch {
	case reset.Before(now):
	case reset.Equal(b.reset):
		b.left = min(b.left, left)
	default:
		b.left, b.reset = left, reset
	}
}

// slow lowers the rate after a refusal that says nothing of the limit, unless it is the only one for a while: to a little
// less than began in a second.
func (b *bucket) slow(now time.Time) {
	alone := now.Sub(b.refused) > 10*time.Second
	b.refused = now
	if alone || now.Sub(b.cut) < time.Second {
		return
	}
	b.cut = now
	seen := float64(max(b.begun[0], b.begun[1]))
	if b.rate > 0 {
		seen = min(seen, b.rate)
	}
	b.rate = max(slowest, 0.8*seen)
	b.burst = max(slowestBurst, b.rate/4)
	b.tokens = b.burst // for after the wait that a refusal asks for
}

// slowest is the rate that nothing but upstream's own word goes below, in requests a second.
const slowest, slowestBurst = 2, 4

// recover raises a rate that slow has lowered, by some ten per cent a second.
func (b *bucket) recover() {
	if !b.cut.IsZero() && b.limit == 0 {
		b.rate += 0.1
		b.burst = max(slowestBurst, b.rate/4)
	}
}

// limitOf reads the limit, the end of the period and what is left of it: X-RateLimit-Limit, -Reset and -Remaining, or
// Jira's Beta-RateLimit-Policy ("name";q=100;w=1) and Beta-RateLimit ("name";r=90;t=1). left is -1 if upstream does not
// say.
func limitOf(h http.Header) (limit int, reset time.Time, left int) {
	// The names are in the form that net/http keeps: of others, Get makes one for each answer.
	limit, left = max(number(h, "X-Ratelimit-Limit"), 0), number(h, "X-Ratelimit-Remaining")
	if text := h.Get("X-Ratelimit-Reset"); text != "" {
		if at, err := ParseReset(text); err == nil {
			reset = at
		}
	}
	if policy := h.Get("Beta-Ratelimit-Policy"); limit == 0 && policy != "" {
		if q, w := parameter(policy, "q"), parameter(policy, "w"); q > 0 && w == 1 {
			limit = q
		}
	}
	return limit, reset, left
}

// number is the value of a header as a whole number, -1 if it is none or not there.
func number(h http.Header, name string) int {
	if text := h.Get(name); text != "" {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}

// parameter returns a whole number among the parameters of a structured field (RFC 9651), 0 if it is not there.
func parameter(field, name string) int {
	for part := range strings.SplitSeq(field, ";") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), name+"="); ok {
			n, err := strconv.Atoi(text)
			if err == nil {
				return n
			}
		}
	}
	return 0
}

// ParseReset reads the time in X-RateLimit-Reset: RFC 3339, or the form without seconds that Atlassian's documentation
// shows.
func ParseReset(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return time.Parse("2006-01-02T15:04Z07:00", text)
}
