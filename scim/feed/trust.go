package feed

import (
	"maps"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
)

// Kind is a kind of change that a log may carry.
type Kind string

// The kinds of change.
const (
	Users       Kind = "User"
	Groups      Kind = "Group"
	Memberships Kind = "Membership"
	Roles       Kind = "Role"
)

// Kinds are all of them.
var Kinds = []Kind{Users, Groups, Memberships, Roles}

// Carried says whether a log was seen to tell of own writes of a kind.
type Carried string

// The findings.
const (
	Unknown Carried = "unknown" // nothing was written yet, or the log was not read since
	Yes     Carried = "true"
	No      Carried = "false" // an own write of the last hour was not in the log ten minutes later
)

const (
	trialTime = 10 * time.Minute // until an own write must be in the log
	badMemory = time.Hour        // for which a miss counts
	maxTrials = 100              // of each kind at a time; more writes are no trial
	clockSkew = 5 * time.Second  // between Atlassian's clock and this machine's
	lifeSign  = 24 * time.Hour   // a log that tells nothing for longer is not relied on
)

// verdict is when trials of a kind last came to their ends.
type verdict struct {
	Seen   time.Time `json:"seen,omitzero"`
	Missed time.Time `json:"missed,omitzero"`
}

func (v verdict) carried(now time.Time) Carried {
	switch {
	case !v.Missed.IsZero() && (now.Sub(v.Missed) < badMemory || !v.Seen.After(v.Missed)):
		return No
	case v.Seen.IsZero():
		return Unknown
	}
	return Yes
}

// Write is an own write that succeeded.
type Write struct {
	Kind    Kind
	Account string    // of Users and Memberships: the account id
	Email   string    // likewise: an address of the account; empty: it is not known
	Group   string    // of Groups and Memberships: the name
	Project string    // of Roles: the id
	At      time.Time // when it was sent; zero: now
}

// names are what an entry about the write names: of each thing one of its names. Nil:
// they are not known.
func (w *Write) names() [][]string {
	account, group, project := []string{w.Account, strings.ToLower(w.Email)}, []string{strings.ToLower(w.Group)}, []string{w.Project}
	switch {
	case w.Kind == Users && w.Account != "":
		return [][]string{account}
	case w.Kind == Groups && w.Group != "":
		return [][]string{group}
	case w.Kind == Memberships && w.Account != "" && w.Group != "":
		return [][]string{account, group}
	case w.Kind == Roles && w.Project != "":
		return [][]string{project}
	}
	return nil
}

// trial is an own write that a log should tell of.
type trial struct {
	kind  Kind
	names [][]string
	at    time.Time
}

// Wrote tells of an own write, so that the feed can look whether a log tells of it
// too. A write whose names are not all known is passed over.
func (f *Feed) Wrote(w Write) {
	if w.At.IsZero() {
		w.At = f.cfg.Now()
	}
	names := w.names()
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting := 0
	for _, t := range f.trials {
		if t.kind == w.Kind {
			waiting++
		}
	}
	if waiting < maxTrials && names != nil {
		f.trials = append(f.trials, trial{w.Kind, names, w.At})
	}
}

// mention is what an entry of a log names.
type mention struct {
	names  []string // ids as they are, names and addresses in lower case
	member bool     // it is about an account in a group
	both   bool     // it names the account and the group
	at     time.Time
}

// proves reports whether the entry may be about the write. Of a membership, some name
// the group alone.
func (m *mention) proves(t *trial) bool {
	if m.at.Before(t.at.Add(-clockSkew)) || m.member != (t.kind == Memberships) {
		return false
	}
	has := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return name != "" && slices.Contains(m.names, name) })
	}
	if m.both {
		return !slices.ContainsFunc(t.names, func(names []string) bool { return !has(names) })
	}
	return slices.ContainsFunc(t.names, has)
}

func (r *round) mention(e *atlassian.Event) {
	m := mention{at: e.Time, member: strings.Contains(e.Action, "member")}
	users, groups := false, false
	for _, o := range e.Context {
		m.names = append(m.names, o.ID, strings.ToLower(o.Name), strings.ToLower(o.Email))
		users, groups = users || strings.Contains(strings.ToLower(o.Type), "user"), groups || strings.Contains(strings.ToLower(o.Type), "group")
	}
	m.both = users && groups
	m.member = m.member || m.both
	r.mentions = append(r.mentions, m)
}

func (r *round) mentionRecord(a *atlassian.AuditRecord) {
	m := mention{at: a.Created.Time}
	users, groups, projects := false, false, false
	for _, item := range append([]atlassian.AuditItem{a.Object}, a.Associated...) {
		m.names = append(m.names, item.ID, strings.ToLower(item.Name))
		users, groups, projects = users || item.TypeName == "USER", groups || item.TypeName == "GROUP", projects || item.TypeName == "PROJECT"
	}
	m.both = users && groups && !projects
	m.member = m.both
	r.mentions = append(r.mentions, m)
}

// verdicts returns what is known of a source after a complete round, and ends the
// trials that are over.
func (f *Feed) verdicts(s *source, r *round) map[Kind]verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.at.Living = r.next.Living // who carries what may depend on it
	verdicts := maps.Clone(s.at.Verdicts)
	if verdicts == nil {
		verdicts = map[Kind]verdict{}
	}
	f.trials = slices.DeleteFunc(f.trials, func(t trial) bool {
		if f.carrier(t.kind) != s {
			return f.carrier(t.kind) == nil
		}
		v := verdicts[t.kind]
		seen := slices.ContainsFunc(r.mentions, func(m mention) bool { return m.proves(&t) })
		switch {
		case seen:
			v.Seen = r.began
		case r.began.Sub(t.at) > trialTime:
			v.Missed = r.began
		default:
			return false
		}
		verdicts[t.kind] = v
		return true
	})
	return verdicts
}

// silent reports whether the event stream has told nothing yet. The lock is held.
func (f *Feed) silent() bool { return f.stream == nil || f.stream.at.Living.IsZero() }

// carrier is the log that should tell of a kind, or nil. The lock is held.
func (f *Feed) carrier(kind Kind) *source {
	if kind == Roles || f.silent() && f.records != nil {
		return f.records
	}
	return f.stream
}

// vague returns what is known of vague entries after a round.
func vague(r *round) map[Kind]time.Time {
	all := maps.Clone(r.before.Vague)
	if all == nil {
		all = map[Kind]time.Time{}
	}
	some := r.hints.some
	for kind, is := range map[Kind]bool{Users: some.SomeAccount, Groups: some.SomeGroup, Memberships: some.SomeAccount || some.SomeGroup, Roles: some.SomeProject} {
		if is {
			all[kind] = r.began
		}
	}
	return all
}

// Trusted returns the time up to which all changes of a kind have been hinted at, if
// the log keeps telling what it was seen to tell: the last complete poll. It is
// zero if the log was not seen to tell of own writes, or has told nothing at all
// for a day. Since is when the log last told of a change
// without telling what has changed; zero: never.
func (f *Feed) Trusted(kind Kind) (upTo, since time.Time) {
	now := f.cfg.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.carrier(kind)
	if s == nil || s.at.Verdicts[kind].carried(now) != Yes || now.Sub(s.at.Living) > lifeSign {
		return time.Time{}, time.Time{}
	}
	return s.at.Polled, s.at.Vague[kind]
}
