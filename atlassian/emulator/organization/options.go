package organization

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Options are the switches of the organization APIs. The zero value of each is
// the behaviour that is documented, or the likelier one where nothing is.
type Options struct {
	RateLimit int  // requests per second, beyond that 429; 0: no limit
	NoCount   bool // 403 where accounts and groups are counted, as for keys without that right

	// DocumentedLimits enforces what is published: 50 requests a minute for the
	// event stream, 60 for one key there. Everything else gets OtherLimit, which
	// is 600 a minute if not set. LimitFullPaths counts each address by itself,
	// instead of all that an endpoint serves.
	DocumentedLimits bool
	OtherLimit       int
	LimitFullPaths   bool

	// Scopes are the scopes of the scoped key; nil: all that read.
	Scopes []string

	IndexLag       time.Duration // until a write shows in searches and counts
	MaxLimit       int           // the largest page of a search; default 100
	MaxAccountIDs  int           // accounts that one search may name; default 100
	ExpandedGroups int           // groups shown with a person at most; 0: all
	Shuffled       bool          // searches without sortBy have no order that means anything: a new row comes anywhere
	TwoDirectories bool          // every third person is in a second directory too
	Odd            bool          // answers with members and values that no document knows, and without optional ones
	SyncedStatus   int           // of the refusal to change a group that a directory provisions; default 400
	RoleLag        time.Duration // until an assigned or revoked role shows; default 2 s, negative: none
	NoSeats        bool          // nobody gets access to a product any more: 409
	Rename         bool          // PATCH of a group changes its name and description; what Atlassian's call looks like is not known

	Events EventOptions
}

// EventOptions are the switches of the event stream.
type EventOptions struct {
	NoFeed        bool          // the plan has no audit log: the stream is empty
	NoFeedStatus  int           // with NoFeed: refuse with this status instead
	NullEnd       bool          // the last page has no cursor; otherwise one to poll with
	Delay         time.Duration // from an event to its processing, after which it is listed; default 1 s, negative: none
	Faults        EventFaults
	WithoutIDs    bool          // what was acted on is named by its attributes only
	Unknown       bool          // memberships have actions that event-actions does not list
	Silent        []string      // actions that raise no event
	Sync          string        // memberships from the directory: "" an event each, "group" one a group and write, "none"
	NoReads       bool          // reading people raises no event
	FromExclusive bool          // from leaves out its own millisecond
	CursorTTL     time.Duration // how long a cursor is good; 0: for ever
}

// EventFaults say how often an event is spoilt.
type EventFaults struct {
	Drop   float64       // probability that an event never comes
	Late   float64       // that it is processed LateBy later
	LateBy time.Duration // default 5 min
	Double float64       // that it comes twice: half of those with the same id, half with another
}

// ParseEventFaults reads words such as drop=0.1 late=0.1:1h double=0.05. The
// error names the word.
func ParseEventFaults(text string) (EventFaults, error) {
	f := EventFaults{}
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch key {
		case "drop":
			f.Drop, err = parseProbability(value)
		case "double":
			f.Double, err = parseProbability(value)
		case "late":
			share, by, isLong := strings.Cut(value, ":")
			if f.Late, err = parseProbability(share); err == nil && isLong {
				f.LateBy, err = time.ParseDuration(by)
			}
			if err == nil && f.LateBy < 0 {
				err = fmt.Errorf("want a positive duration such as 1h")
			}
		default:
			err = fmt.Errorf("want drop=, late= or double=")
		}
		if err != nil {
			return EventFaults{}, fmt.Errorf("event faults: %q: %w", word, err)
		}
	}
	return f, nil
}

func parseProbability(text string) (float64, error) {
	p, err := strconv.ParseFloat(text, 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return 0, fmt.Errorf("want a probability from 0 to 1")
	}
	return p, nil
}

// String returns the faults as ParseEventFaults reads them.
func (f EventFaults) String() string {
	var words []string
	say := func(key string, p float64, tail string) {
		if p > 0 {
			words = append(words, key+"="+strconv.FormatFloat(p, 'g', -1, 64)+tail)
		}
	}
	say("drop", f.Drop, "")
	tail := ""
	if f.LateBy > 0 {
		tail = ":" + f.LateBy.String()
	}
	say("late", f.Late, tail)
	say("double", f.Double, "")
	return strings.Join(words, " ")
}

// readScopes are the scopes with which a key reads everything.
var readScopes = []string{
	"read:accounts:admin", "read:directories:admin", "read:groups:admin", "read:workspaces:admin", scopeEvents,
	"read:domains:admin", "read:policies:admin",
}

const scopeEvents = "read:events:admin"

func (o *Options) setDefaults() {
	if o.OtherLimit == 0 {
		o.OtherLimit = 600
	}
	if o.Scopes == nil {
		o.Scopes = readScopes
	}
	if o.MaxLimit == 0 {
		o.MaxLimit = 100
	}
	if o.MaxAccountIDs == 0 {
		o.MaxAccountIDs = 100
	}
	if o.SyncedStatus == 0 {
		o.SyncedStatus = 400
	}
	if o.RoleLag == 0 {
		o.RoleLag = 2 * time.Second
	}
	if o.Events.Delay == 0 {
		o.Events.Delay = time.Second
	}
	if o.Events.Faults.LateBy == 0 {
		o.Events.Faults.LateBy = 5 * time.Minute
	}
}
