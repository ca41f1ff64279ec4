package organization

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// retention is how long the audit log remembers.
const retention = 180 * 24 * time.Hour

// eventLog is the audit log: what the event stream lists. It has a lock of its
// own, because reading raises events too.
type eventLog struct {
	options EventOptions

	mu      sync.Mutex
	rng     *rand.Rand
	events  []*event // by processing time, then by sequence
	lastSeq int
	latest  tenant.Change // the one before, for EventOptions.Sync
}

// event is an entry of the audit log.
type event struct {
	seq       int
	id        string
	time      time.Time
	processed time.Time // to the millisecond; later than now: not listed yet
	action    string
	actor     tenant.Actor
	subjects  []subject
}

// subject is what an event acted on.
type subject struct{ kind, id, name, email string }

func newEventLog(options EventOptions, rng *rand.Rand) *eventLog {
	return &eventLog{options: options, rng: rng}
}

// note adds the event of a change. It is a watcher of the tenant. Roles of
// projects raise none.
func (l *eventLog) note(c tenant.Change) {
	var subjects []subject
	if c.Account != nil {
		subjects = append(subjects, subject{"users", c.Account.ID, c.Account.Name, c.Account.Email})
	}
	if c.Group != nil {
		subjects = append(subjects, subject{kind: "groups", id: c.Group.ID, name: c.Group.Name})
	}
	if len(subjects) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.latest
	l.latest = c
	if c.Action == tenant.MemberAdded || c.Action == tenant.MemberRemoved {
		switch {
		case c.By != tenant.Provisioner:
		case l.options.Sync == "none":
			return
		case l.options.Sync == "group":
			if before.Group != nil && before.Group.ID == c.Group.ID && before.Action == c.Action && before.At.Equal(c.At) {
				return
			}
			subjects = subjects[1:]
		}
		if l.options.Unknown {
			c.Action = strings.Replace(c.Action, "group_member", "directory_edge", 1)
		}
	}
	l.add(c.At, c.Action, c.By, subjects)
}

// noteRead adds the event of somebody who looked at the people.
func (l *eventLog) noteRead(now time.Time, by tenant.Actor) {
	if l.options.NoReads {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(now, "organization_users_viewed", by, nil)
}

// add stores an event, spoilt as the faults say. What is dropped, late or doubled
// depends on the seed and on the events before alone.
func (l *eventLog) add(at time.Time, action string, by tenant.Actor, subjects []subject) {
	if slices.Contains(l.options.Silent, action) || l.options.NoFeed {
		return
	}
	faults := l.options.Faults
	drop, late, double := l.rng.Float64() < faults.Drop, l.rng.Float64() < faults.Late, l.rng.Float64() < faults.Double
	if drop {
		return
	}
	processed := at.Add(max(l.options.Delay, 0))
	if late {
		processed = processed.Add(faults.LateBy)
	}
	e := event{
		id: tenant.NewUUID(tenant.Random{}), time: at, processed: processed.Truncate(time.Millisecond),
		action: action, actor: by, subjects: subjects,
	}
	l.insert(e)
	if double {
		if l.rng.IntN(2) == 0 {
			e.id = tenant.NewUUID(tenant.Random{})
		}
		l.insert(e)
	}
	if gone := l.firstAt(at.Add(-retention)); gone > len(l.events)/2 {
		l.events = slices.Clone(l.events[gone:])
	}
}

// insert puts an event behind those that are processed no later.
func (l *eventLog) insert(e event) {
	l.lastSeq++
	e.seq = l.lastSeq
	at := l.firstAt(e.processed.Add(1))
	l.events = slices.Insert(l.events, at, &e)
}

// firstAt returns the index of the first event that is processed at a time or later.
func (l *eventLog) firstAt(at time.Time) int {
	i, _ := slices.BinarySearchFunc(l.events, at, func(e *event, at time.Time) int {
		if e.processed.Before(at) {
			return -1
		}
		return 1
	})
	return i
}

// position is a place in the log: behind the event with this processing time and
// sequence.
type position struct {
	processed time.Time
	seq       int
}

// listed returns the events that are processed by now and not forgotten. The
// caller holds the lock for as long as it uses them.
func (l *eventLog) listed(now time.Time) []*event {
	return l.events[l.firstAt(now.Add(-retention)):l.firstAt(now.Add(1))]
}

// behind returns the part of a list that lies behind a position.
func behind(list []*event, p position) []*event {
	i, _ := slices.BinarySearchFunc(list, p, func(e *event, p position) int {
		if c := e.processed.Compare(p.processed); c != 0 {
			return c
		}
		if e.seq <= p.seq {
			return -1
		}
		return 1
	})
	return list[i:]
}
