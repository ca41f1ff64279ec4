// Package health knows how the upstreams of the server are: the directory, Jira, the organization, the issuer of
// tokens.
//
// A [Monitor] learns from the traffic that there is anyway, see [Monitor.Traffic], and asks by itself what it has not
// seen for ten seconds, one cheap request at a time, when somebody wants to know. It tells what it knows in three
// forms: [Monitor.Upstreams] for people and metrics, [Monitor.Ready] for whoever decides what to do with the server,
// and [Answer] for the probes of load balancers and containers.
//
// What it says of an upstream holds no id, host or text of Atlassian: the reasons are sentences of [Diagnose], one for
// each kind of failure, with what mends it.
package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/atlassian"
)

// State is how an upstream is, in one word.
type State string

// The states. A refusal is no outage: somebody has to mend it, while the end of an outage can be waited for.
const (
	Up      State = "up"
	Down    State = "down"    // no answer, or none that the API gives
	Refused State = "refused" // it answers, and does not accept the credential or knows no such directory
	Unknown State = "unknown" // nobody has asked yet
)

const (
	shelfLife = 10 * time.Second       // of what is known: after it, a question asks anew
	doubtGap  = 2 * time.Second        // between a question to upstream and the next that a failure of the traffic brings about
	patience  = 800 * time.Millisecond // that an answer waits for upstream; probes of containers wait for a second
	longest   = 5 * time.Second        // for a question to upstream
)

// Upstream is what is known of one upstream.
type Upstream struct {
	Name      string
	Essential bool // without it the server is not ready
	State     State
	Since     time.Time // when it came into this state; zero: Unknown
	Reason    string    // in words; empty: it is up
	Fix       string    // what mends it; empty: nothing but time does
}

// Watched is an upstream to watch.
type Watched struct {
	Name      string
	Essential bool
	// Probe asks upstream for something cheap that it answers whenever it works. Its error is told by Diagnose.
	Probe func(ctx context.Context) error
	// Outage is that of the client, which tells more than the last request; nil: there is no client.
	Outage func() *atlassian.Outage
	// Advice names the settings that Diagnose speaks of.
	Advice Advice
}

// Monitor watches upstreams. It is safe for concurrent use.
type Monitor struct {
	log    *zap.Logger
	now    func() time.Time
	ctx    context.Context // of the questions
	cancel context.CancelFunc
	asked  sync.WaitGroup

	mu          sync.Mutex
	watched     []*watched
	credentials []Credential
}

// New returns a monitor that watches nothing yet. It logs when an upstream comes into another state. Close it if it is
// not to live as long as the process.
func New(log *zap.Logger, now func() time.Time) *Monitor {
	m := &Monitor{log: log, now: now}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Close gives up the questions to upstream that are under way, and asks no more.
func (m *Monitor) Close() {
	m.mu.Lock()
	m.cancel()
	m.mu.Unlock()
	m.asked.Wait()
}

// watched is an upstream with what is known of it. The monitor's lock guards all but the first.
type watched struct {
	Watched
	state   State
	since   time.Time
	finding Finding
	seen    time.Time     // when upstream last showed how it is
	asked   time.Time     // when it was last asked by the monitor
	asking  chan struct{} // closed when the question that is under way is answered; nil: there is none
}

// Watch adds an upstream. The order is that in which they are told.
func (m *Monitor) Watch(w Watched) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, known := range m.watched {
		if known.Name == w.Name {
			known.Watched = w
			return
		}
	}
	m.watched = append(m.watched, &watched{Watched: w, state: Unknown})
}

// Traffic takes the outcome of a request to an upstream, as atlassian.Config.OnCall has it. A success shows that the
// upstream is up, and so does an error about a resource. A failure may be about this request alone: it only has
// upstream asked soon, if it was up.
func (m *Monitor) Traffic(name string, c atlassian.Call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.find(name)
	if w == nil || c.Replayed {
		return
	}
	switch worksIn(c) {
	case yes:
		m.note(w, Finding{State: Up}, m.now())
	case perhaps:
		m.doubt(w, shelfLife)
	case no:
		m.doubt(w, doubtGap)
	}
}

// doubt has upstream asked if it was up, unless it was asked within gap. The caller has the lock.
func (m *Monitor) doubt(w *watched, gap time.Duration) {
	if w.state == Up && m.now().Sub(w.asked) >= gap {
		m.ask(w)
	}
}

// Diagnose tells what an error of an upstream is about, with what mends it. The zero Finding is for one that is not
// watched.
func (m *Monitor) Diagnose(name string, err error) Finding {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.find(name)
	if w == nil {
		return Finding{}
	}
	return Diagnose(err, w.Advice)
}

func (m *Monitor) find(name string) *watched {
	for _, w := range m.watched {
		if w.Name == name {
			return w
		}
	}
	return nil
}

// answer is what a request tells of the API as a whole.
type answer int

const (
	nothing answer = iota
	yes
	perhaps
	no
)

func worksIn(c atlassian.Call) answer {
	switch {
	case errors.Is(c.Err, context.Canceled): // the client gave up
		return nothing
	case c.Err != nil:
		return no
	case c.Verdict == nil:
		return yes
	}
	switch c.Verdict.Kind {
	case atlassian.Invalid, atlassian.NotFound, atlassian.Conflict, atlassian.TooLarge, atlassian.RateLimited:
		return yes
	case atlassian.Forbidden: // of one resource, or of all
		return perhaps
	}
	return no
}

// note sets what is known of an upstream. The caller has the lock.
func (m *Monitor) note(w *watched, f Finding, now time.Time) {
	w.seen = now
	if w.state == f.State && w.finding == f {
		return
	}
	if w.state != f.State {
		w.since = now
		m.tell(w.Name, f)
	}
	w.state, w.finding = f.State, f
}

// tell logs a new state.
func (m *Monitor) tell(name string, f Finding) {
	fields := []zap.Field{zap.String("upstream", name), zap.String("state", string(f.State))}
	if f.State == Up {
		m.log.Info("upstream", fields...)
		return
	}
	if f.Fix != "" {
		fields = append(fields, zap.String("fix", f.Fix))
	}
	m.log.Warn("upstream", append(fields, zap.String("reason", f.Reason))...)
}

// ask puts a question to an upstream, unless one is under way, and returns what is closed when it is answered. The
// caller has the lock. The answer is everybody's, so it does not depend on who asks.
func (m *Monitor) ask(w *watched) <-chan struct{} {
	if w.asking != nil {
		return w.asking
	}
	done := make(chan struct{})
	if m.ctx.Err() != nil {
		close(done)
		return done
	}
	w.asking, w.asked = done, m.now()
	question := w.Watched
	m.asked.Go(func() {
		ctx, cancel := context.WithTimeout(m.ctx, longest)
		defer cancel()
		f := Diagnose(question.Probe(ctx), question.Advice)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.ctx.Err() == nil {
			m.note(w, f, m.now())
		}
		w.asking = nil
		close(done)
	})
	return done
}

// Upstreams returns what is known of all upstreams. What is older than ten seconds is asked anew; an answer that does
// not come within a second, or until ctx ends, is told the next time.
func (m *Monitor) Upstreams(ctx context.Context) []Upstream {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, answered := range m.refresh() {
		select {
		case <-answered:
		case <-ctx.Done():
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Upstream, len(m.watched))
	for i, w := range m.watched {
		all[i] = w.tell()
	}
	return all
}

// refresh asks every upstream of which nothing new is known, and returns what is under way.
func (m *Monitor) refresh() []<-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	var under []<-chan struct{}
	for _, w := range m.watched {
		if w.asking != nil || m.now().Sub(w.seen) >= shelfLife {
			under = append(under, m.ask(w))
		}
	}
	return under
}

// tell returns what is known. While nothing is sent to upstream, what was seen of it before counts no more.
func (w *watched) tell() Upstream {
	u := Upstream{Name: w.Name, Essential: w.Essential, State: w.state, Since: w.since, Reason: w.finding.Reason, Fix: w.finding.Fix}
	if w.state == Unknown {
		u.Reason = "it has not answered yet"
	}
	if w.Outage == nil {
		return u
	}
	if o := w.Outage(); o != nil {
		f := Diagnose(o.Cause, w.Advice)
		u.State, u.Since, u.Reason, u.Fix = Down, o.Since, f.Reason, f.Fix
	}
	return u
}

// Ready reports whether all that the server cannot do without is up, with a sentence for each that is not. They hold
// no id and no host.
func (m *Monitor) Ready(ctx context.Context) (reasons []string, ready bool) {
	return notReady(m.Upstreams(ctx))
}

func notReady(all []Upstream) (reasons []string, ready bool) {
	for _, u := range all {
		if u.Essential && u.State != Up {
			reasons = append(reasons, fmt.Sprintf("%s is %s: %s", u.Name, u.State, u.Reason))
		}
	}
	return reasons, len(reasons) == 0
}

// IsReady reports whether all that the server cannot do without was up when all was told.
func IsReady(all []Upstream) bool {
	_, ready := notReady(all)
	return ready
}

const (
	firstWait = time.Second      // between two looks of Await
	mostWait  = 10 * time.Second // likewise, later
	remind    = time.Minute      // how often the log says again what is waited for
)

// Await waits until the server is ready. It keeps asking, and logs what it waits for: at once, when that changes, and
// every minute. It returns early, with what was refused, once the server cannot become ready for a refusal; nil without
// one, also if ctx ends.
func (m *Monitor) Await(ctx context.Context) (refused *Upstream) {
	var told string
	var at time.Time
	for wait := firstWait; ctx.Err() == nil; wait = min(2*wait, mostWait) {
		all := m.Upstreams(ctx)
		reasons, ready := notReady(all)
		if ready {
			m.log.Info("ready")
			return nil
		}
		for _, u := range all {
			if u.Essential && u.State == Refused {
				return &u
			}
		}
		if text := fmt.Sprint(reasons); ctx.Err() == nil && (text != told || m.now().Sub(at) >= remind) {
			m.log.Warn("not ready, waiting", zap.Strings("for", reasons))
			told, at = text, m.now()
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		m.expire()
	}
	return nil
}

// expire has the upstreams that are not up asked anew, however lately they were.
func (m *Monitor) expire() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.watched {
		if w.Essential && w.state != Up {
			w.seen = time.Time{}
		}
	}
}

// DirectoryOf watches the user-provisioning API.
func DirectoryOf(d *atlassian.Directory, a Advice) Watched {
	return Watched{Name: "directory", Essential: true, Outage: d.Outage, Advice: a, Probe: func(ctx context.Context) error {
		_, err := d.Users(ctx, atlassian.ListOptions{StartIndex: 1, Count: 1})
		return err
	}}
}

// JiraOf watches the REST API of a site.
func JiraOf(j *atlassian.Jira, a Advice) Watched {
	return Watched{Name: "jira", Essential: true, Outage: j.Outage, Advice: a, Probe: func(ctx context.Context) error {
		_, err := j.Myself(ctx)
		return err
	}}
}

// OrganizationOf watches the administration APIs of an organization, with one of its keys. Name tells the keys apart;
// empty: organization.
func OrganizationOf(o *atlassian.Organization, name string, a Advice) Watched {
	return Watched{Name: cmp.Or(name, "organization"), Outage: o.Outage, Advice: a, Probe: func(ctx context.Context) error {
		_, err := o.Name(ctx)
		return err
	}}
}
