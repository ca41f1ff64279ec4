package health

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/atlassian"
)

// Credential is a secret that the server uses and that ends some day.
type Credential struct {
	Name    string
	Expires time.Time // zero: not known
	Told    bool      // by Atlassian, and not by the settings
	Fix     string    // how to replace it
}

// warnings are how many days before its end a credential is warned of, the last first.
var warnings = []int{1, 7, 30, 60}

// Left returns the time to the end of a credential, negative after it.
func (c Credential) Left(now time.Time) time.Duration { return c.Expires.Sub(now) }

// Stage returns within how many days the credential ends, as one of the days on which it is warned of, 0 if it has
// ended, and -1 if there is nothing to warn of.
func (c Credential) Stage(now time.Time) int {
	left := c.Left(now)
	switch {
	case c.Expires.IsZero():
		return -1
	case left <= 0:
		return 0
	}
	for _, days := range warnings {
		if left <= time.Duration(days)*24*time.Hour {
			return days
		}
	}
	return -1
}

// String says when the credential ends.
func (c Credential) String(now time.Time) string {
	day := c.Expires.UTC().Format(time.DateOnly)
	switch left := c.Left(now); {
	case c.Expires.IsZero():
		return "nobody has said when it ends"
	case left <= 0:
		return "it has ended on " + day
	case left < 48*time.Hour:
		return fmt.Sprintf("it ends on %s, in %d hours", day, int(left.Hours()))
	default:
		return fmt.Sprintf("it ends on %s, in %d days", day, int(left.Hours()/24))
	}
}

// Credential sets what is known of a credential.
func (m *Monitor) Credential(c Credential) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.credentials, func(known Credential) bool { return known.Name == c.Name })
	if i < 0 {
		m.credentials = append(m.credentials, c)
		return
	}
	m.credentials[i] = c
}

// Credentials returns what is known of all credentials.
func (m *Monitor) Credentials() []Credential {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.credentials)
}

const (
	lookEvery  = time.Hour
	learnEvery = 24 * time.Hour
)

// WatchCredentials logs 60, 30, 7 and 1 days before a credential ends, and when it has ended, until ctx does; each once,
// and what holds already at once. learn is called first, and once a day, to ask upstream for what it tells; nil: it
// tells nothing.
func (m *Monitor) WatchCredentials(ctx context.Context, learn func(ctx context.Context)) {
	told := map[string]int{}
	var learned time.Time
	for ctx.Err() == nil {
		if learn != nil && m.now().Sub(learned) >= learnEvery {
			learn(ctx)
			learned = m.now()
		}
		for _, c := range m.Credentials() {
			stage := c.Stage(m.now())
			if before, ok := told[c.Name]; stage >= 0 && (!ok || before != stage) {
				m.warn(c, stage)
			}
			told[c.Name] = stage
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

func (m *Monitor) warn(c Credential, stage int) {
	fields := []zap.Field{zap.String("credential", c.Name), zap.String("detail", c.String(m.now())), zap.Time("expires", c.Expires.UTC()), zap.String("fix", c.Fix)}
	if stage <= 1 {
		m.log.Error("credential expires", fields...)
		return
	}
	m.log.Warn("credential expires", fields...)
}

// TokenEnd asks when the API token that Jira is called with ends. Atlassian lists the tokens of an account that the
// organization manages, and not which of them a request carries: of several that are good it is the one that ends
// first. Zero: it does not tell.
func TokenEnd(ctx context.Context, j *atlassian.Jira, o *atlassian.Organization) (end time.Time, err error) {
	me, err := j.Myself(ctx)
	if err != nil {
		return time.Time{}, err
	}
	tokens, err := o.APITokens(ctx, me.AccountID)
	if err != nil {
		return time.Time{}, err
	}
	for _, t := range tokens {
		if t.Expiry.After(time.Now()) && (end.IsZero() || t.Expiry.Before(end)) {
			end = t.Expiry
		}
	}
	return end, nil
}
