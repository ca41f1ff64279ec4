package emulator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// Fault is a rule that spoils answers: the first fields say which requests it
// strikes, the others what happens to them. A rule counts the requests that
// its Method and Path match.
type Fault struct {
	Method      string  // empty: any
	Path        string  // prefix of the path
	After       int     // requests to let pass first
	Every       int     // then strike every Nth request; 0: every one
	Probability float64 // of a strike; 0: always strike
	Times       int     // strikes at most; 0: no bound

	Status     int           // answer with this status; the request has no effect
	RetryAfter int           // seconds, header Retry-After; 0: no header
	Delay      time.Duration // wait before anything else
	Reset      string        // cut the connection: "before" or "after" the request took effect
	Body       string        // spoil the body of the answer: "truncated", "html" or "empty"
	Commit     bool          // the request takes effect before the delay and the status

	// Rate is how many of the requests in each second or minute pass; those beyond
	// it are answered 429. All answers say what is left of it. A rule with a rate
	// does nothing else, and requests that pass go on to the next rule.
	Rate Rate
}

// Rate is a number of requests in each period; the zero value is no limit.
type Rate struct {
	Requests int
	Per      time.Duration // a second or a minute
}

// String returns the rate as a rule has it, such as 50/s.
func (r Rate) String() string {
	unit := "/s"
	if r.Per == time.Minute {
		unit = "/m"
	}
	return strconv.Itoa(r.Requests) + unit
}

func parseRate(text string) (Rate, error) {
	number, unit, _ := strings.Cut(text, "/")
	periods := map[string]time.Duration{"s": time.Second, "m": time.Minute}
	n, err := parseWithin(number, 1, 1<<30)
	if err != nil || periods[unit] == 0 {
		return Rate{}, fmt.Errorf("want requests a second or a minute, such as 50/s")
	}
	return Rate{n, periods[unit]}, nil
}

// ParseFaults reads rules, one a line, each of words key=value:
//
//	method=POST path=/rest/api/3/issue every=10 reset=after
//
// Empty lines and lines that begin with # are skipped. The error names the line
// and the word.
func ParseFaults(text string) ([]Fault, error) {
	var faults []Fault
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		fault, err := parseFault(words)
		if err != nil {
			return nil, fmt.Errorf("fault rule, line %d: %w", number, err)
		}
		faults = append(faults, fault)
	}
	return faults, nil
}

func parseFault(words []string) (Fault, error) {
	var f Fault
	for _, word := range words {
		key, value, found := strings.Cut(word, "=")
		if !found || value == "" {
			return Fault{}, fmt.Errorf("%q is not key=value", word)
		}
		if err := f.set(key, value); err != nil {
			return Fault{}, fmt.Errorf("%q: %w", word, err)
		}
	}
	spoils := f.Status != 0 || f.Delay != 0 || f.Reset != "" || f.Body != ""
	switch {
	case f.Rate != Rate{} && (spoils || f.Commit || f.After+f.Every+f.Times > 0 || f.Probability > 0):
		return Fault{}, fmt.Errorf("rate goes with method and path only")
	case f.Commit && (f.Reset != "" || f.Status == 0 && f.Delay == 0):
		return Fault{}, fmt.Errorf("commit=true goes with delay or status, and not with reset")
	case f.Rate == Rate{} && !spoils:
		return Fault{}, fmt.Errorf("nothing happens: give status, delay, reset, body or rate")
	}
	return f, nil
}

func (f *Fault) set(key, value string) (err error) {
	switch key {
	case "method":
		f.Method = strings.ToUpper(value)
	case "path":
		f.Path = value
	case "after":
		f.After, err = parseWithin(value, 0, 1<<30)
	case "every":
		f.Every, err = parseWithin(value, 1, 1<<30)
	case "times":
		f.Times, err = parseWithin(value, 1, 1<<30)
	case "probability":
		f.Probability, err = strconv.ParseFloat(value, 64)
		if err != nil || !(f.Probability > 0 && f.Probability <= 1) {
			err = fmt.Errorf("want a number above 0, at most 1")
		}
	case "status":
		f.Status, err = parseWithin(value, 400, 599)
	case "retry-after":
		f.RetryAfter, err = parseWithin(value, 1, 1<<30)
	case "delay":
		f.Delay, err = time.ParseDuration(value)
		if err != nil || f.Delay <= 0 {
			err = fmt.Errorf("want a positive duration such as 500ms")
		}
	case "reset":
		f.Reset, err = oneOf(value, "before", "after")
	case "rate":
		f.Rate, err = parseRate(value)
	case "commit":
		if f.Commit = value == "true"; !f.Commit {
			err = fmt.Errorf("want true")
		}
	case "body":
		f.Body, err = oneOf(value, "truncated", "html", "empty")
	default:
		err = fmt.Errorf("unknown key %q", key)
	}
	return err
}

func parseWithin(value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("want a whole number from %d to %d", low, high)
	}
	return n, nil
}

func oneOf(value string, allowed ...string) (string, error) {
	if !slices.Contains(allowed, value) {
		return "", fmt.Errorf("want one of %s", strings.Join(allowed, ", "))
	}
	return value, nil
}

// String returns the rule as ParseFaults reads it.
func (f Fault) String() string {
	var words []string
	text := func(key, value string) {
		if value != "" {
			words = append(words, key+"="+value)
		}
	}
	number := func(key string, value int) {
		if value != 0 {
			words = append(words, key+"="+strconv.Itoa(value))
		}
	}
	text("method", f.Method)
	text("path", f.Path)
	number("after", f.After)
	number("every", f.Every)
	if f.Probability != 0 {
		text("probability", strconv.FormatFloat(f.Probability, 'g', -1, 64))
	}
	number("times", f.Times)
	number("status", f.Status)
	number("retry-after", f.RetryAfter)
	if f.Delay != 0 {
		text("delay", f.Delay.String())
	}
	text("reset", f.Reset)
	text("body", f.Body)
	if f.Commit {
		text("commit", "true")
	}
	if f.Rate != (Rate{}) {
		text("rate", f.Rate.String())
	}
	return strings.Join(words, " ")
}

// SetFaults replaces all fault rules; their counts begin anew.
func (e *Emulator) SetFaults(faults []Fault) {
	e.faults.set(faults, e.options.Seed)
}

// Faults returns the rules in force, in the order in which they are tried.
func (e *Emulator) Faults() []Fault { return e.faults.all() }

// faultSet holds the rules in force and their counts.
type faultSet struct {
	mu    sync.Mutex
	rng   *rand.Rand
	rules []faultRule
}

type faultRule struct {
	Fault
	seen, struck int
	period       time.Time // that used counts, for a rule with a rate
	used         int
}

func (s *faultSet) set(faults []Fault, seed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rng = rand.New(rand.NewPCG(seed, 0xfa17))
	s.rules = nil
	for _, fault := range faults {
		s.rules = append(s.rules, faultRule{Fault: fault})
	}
}

func (s *faultSet) all() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var faults []Fault
	for _, rule := range s.rules {
		faults = append(faults, rule.Fault)
	}
	return faults
}

// struck is what becomes of a request.
type struck struct {
	fault Fault
	text  string     // the rule that strikes; empty: none
	rate  *rateState // of the last rule with a rate that counted the request; nil: none did
}

// strike returns the first rule that strikes r. Later rules do not count the
// request.
func (s *faultSet) strike(r *http.Request, now time.Time) (result struck) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rules {
		rule := &s.rules[i]
		if !rule.concerns(r) {
			continue
		}
		if rule.Rate != (Rate{}) {
			result.rate = rule.take(now)
			if result.rate.left < 0 {
				result.fault, result.text = Fault{Status: http.StatusTooManyRequests, RetryAfter: result.rate.wait(now)}, rule.String()
				return result
			}
			continue
		}
		if rule.strikes(s.rng) {
			result.fault, result.text = rule.Fault, rule.String()
			return result
		}
	}
	return result
}

// rateState is how a rate stands after a request.
type rateState struct {
	limit, left int // left is negative beyond the limit
	reset       time.Time
}

// take counts a request against the rate of a rule.
func (f *faultRule) take(now time.Time) *rateState {
	if period := now.Truncate(f.Rate.Per); !period.Equal(f.period) {
		f.period, f.used = period, 0
	}
	f.used++
	return &rateState{f.Rate.Requests, f.Rate.Requests - f.used, f.period.Add(f.Rate.Per)}
}

// wait is how many seconds it takes until the next period, rounded up.
func (s *rateState) wait(now time.Time) int {
	return max(1, int((s.reset.Sub(now)+time.Second-1)/time.Second))
}

func (s *rateState) setHeaders(header http.Header) {
	tenant.SetRateLimitHeaders(header, s.limit, s.reset)
	header.Set("X-RateLimit-Remaining", strconv.Itoa(max(s.left, 0)))
}

func (f *faultRule) concerns(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) && strings.HasPrefix(r.URL.Path, f.Path)
}

// strikes counts a request that the rule concerns.
func (f *faultRule) strikes(rng *rand.Rand) bool {
	f.seen++
	switch late := f.seen - f.After; {
	case late <= 0,
		f.Every > 1 && late%f.Every != 0,
		f.Times > 0 && f.struck >= f.Times,
		f.Probability > 0 && rng.Float64() >= f.Probability:
		return false
	}
	f.struck++
	return true
}
