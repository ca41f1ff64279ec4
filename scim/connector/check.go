package connector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/health"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

const (
	testTimeout = 15 * time.Second // the longest that a whole test may take
	testShared  = 5 * time.Second  // how long its result also answers later requests
)

// Outcome is the result of a test in one word.
type Outcome string

// The outcomes for one capability. Those of a whole test are ok, limited and
// failed.
const (
	OutcomeOK      Outcome = "ok"
	OutcomeLimited Outcome = "limited" // works in part; the detail says where it does not
	OutcomeDenied  Outcome = "denied"  // Atlassian refuses the credentials, or they lack the permission
	OutcomeFailed  Outcome = "failed"  // another failure: no answer, a garbled one, a rate limit
	OutcomeOff     Outcome = "off"     // not configured
)

// Finding is the result of testing one capability. Nothing in it is secret, apart
// from Err.
type Finding struct {
	Capability string // such as "directory" or "permission CREATE_ISSUES"
	Outcome    Outcome
	Detail     string // the result in words, or the fault and where to mend it
	Fix        string // what mends the fault, if Detail does not say it
	Duration   time.Duration
	Essential  bool  // the server is of no use without the capability
	Err        error // the cause, for the log alone; nil if there is none
}

// Probe tests a capability that only the program around the server knows.
type Probe struct {
	Capability string
	// Run returns the detail of its finding, or an error. It ends with its context
	// and tells nothing secret. A nil Run stands for a capability that is not
	// configured.
	Run func(ctx context.Context) (detail string, err error)
}

// issuePermissions lists the permissions that operations on issues and project
// roles need of the Jira account, each with its purpose.
var issuePermissions = []struct{ key, purpose string }{
	{"BROWSE_PROJECTS", "reads issues"},
	{"CREATE_ISSUES", "creates issues"},
	{"EDIT_ISSUES", "updates issues"},
	{"TRANSITION_ISSUES", "changes the status of issues"},
	{"DELETE_ISSUES", "deletes issues"},
	{"ADMINISTER_PROJECTS", "reads and grants project roles"},
}

// Test checks that the server can do its work: it asks Atlassian with every
// credential, side by side, and changes nothing. It takes 15 seconds at most.
// Failures are among its findings. A result of the last seconds is returned again.
func (n *Connector) Test(ctx context.Context) []Finding {
	return n.tester.run(ctx).findings
}

// tester runs tests, one at a time. It is safe for concurrent use.
type tester struct {
	cfg    Config
	flight singleflight.Group
	last   atomic.Pointer[testResult] // nil before the first test ended
}

type testResult struct {
	findings []Finding
	at       time.Time // when the test began
	duration time.Duration
}

// run returns the result of a test that is under way or a few seconds old, else of
// a new one: a client that asks often costs no upstream calls.
func (t *tester) run(ctx context.Context) *testResult {
	result, _, _ := t.flight.Do("", func() (any, error) {
		if last := t.last.Load(); last != nil && t.cfg.Now().Sub(last.at.Add(last.duration)) < testShared {
			return last, nil
		}
		// Other clients may wait for this test, so it does not end with the first one.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(testTimeout, t.cfg.TestTimeout))
		defer cancel()
		result := &testResult{at: t.cfg.Now().Truncate(time.Millisecond)}
		result.findings = t.findings(ctx)
		result.duration = t.cfg.Now().Sub(result.at)
		t.last.Store(result)
		return result, nil
	})
	return result.(*testResult)
}

// findings runs all tests side by side and returns their findings in a fixed
// order.
func (t *tester) findings(ctx context.Context) []Finding {
	tests := []func(context.Context) []Finding{t.testDirectory, t.testJira, t.testProjects, t.testOrganization, t.testEvents}
	if t.cfg.Issuer != nil {
		tests = append(tests, t.testIssuer)
	}
	for _, p := range t.cfg.Probes {
		tests = append(tests, func(ctx context.Context) []Finding { return p.test(ctx, t.cfg.Now) })
	}
	for i, test := range tests {
		tests[i] = func(ctx context.Context) []Finding { return t.explained(test(ctx)) }
	}
	found := make([][]Finding, len(tests))
	var group sync.WaitGroup
	for i, test := range tests {
		group.Go(func() { found[i] = test(ctx) })
	}
	group.Wait()
	return slices.Concat(found...)
}

// explained adds what mends the failures of upstreams, and the cause to those that have no answer.
func (t *tester) explained(findings []Finding) []Finding {
	for i := range findings {
		f := &findings[i]
		var ue *atlassian.Error
		if t.cfg.Diagnose == nil || !errors.As(f.Err, &ue) {
			continue
		}
		cause := t.cfg.Diagnose(f.Capability, f.Err)
		f.Fix = cause.Fix
		if ue.Status == 0 && cause.Reason != "" {
			f.Detail = ue.Op + ": " + cause.Reason
		}
		if cause.State == health.Refused {
			f.Outcome = OutcomeDenied
		}
	}
	return findings
}

func (t *tester) testDirectory(ctx context.Context) []Finding {
	f := Finding{Capability: "directory", Essential: true}
	f.measure(t.cfg.Now, func() (string, error) {
		page, err := t.cfg.Directory.Users(ctx, atlassian.ListOptions{StartIndex: 1, Count: 1})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d users", page.Total), nil
	})
	return []Finding{f}
}

func (t *tester) testJira(ctx context.Context) []Finding {
	f := Finding{Capability: "jira", Essential: true}
	f.measure(t.cfg.Now, func() (string, error) {
		account, err := t.cfg.Jira.Myself(ctx)
		if err != nil {
			return "", err
		}
		return "signed in as " + account.DisplayName, nil
	})
	return []Finding{f}
}

// testProjects checks that the account sees the projects to be served, and that it
// has the permissions in them.
func (t *tester) testProjects(ctx context.Context) []Finding {
	f := Finding{Capability: "projects"}
	var projects []atlassian.Project
	f.measure(t.cfg.Now, func() (detail string, err error) {
		if projects, err = t.cfg.Jira.Projects(ctx, t.cfg.Projects); err != nil {
			return "", err
		}
		return clipList(keysOf(projects)), t.unseen(projects)
	})
	if len(projects) == 0 {
		return []Finding{f}
	}
	return append([]Finding{f}, t.testPermissions(ctx, projects)...)
}

// testOrganization checks that the key can list accounts, the least that the server
// needs of it.
func (t *tester) testOrganization(ctx context.Context) []Finding {
	f := Finding{Capability: "organization", Outcome: OutcomeOff, Detail: "not configured"}
	if t.cfg.Organization != nil {
		f.measure(t.cfg.Now, func() (string, error) {
			name, err := t.cfg.Organization.Name(ctx)
			if err == nil {
				_, err = t.cfg.Organization.UserPage(ctx, "", 1)
			}
			return name, explainOrganization(err)
		})
	}
	return []Finding{f}
}

// testEvents checks that the key of the audit log can read it. Whether anything is
// ever in it depends on the organization's plan, and cannot be told from an empty
// one.
func (t *tester) testEvents(ctx context.Context) []Finding {
	if t.cfg.Events == nil {
		return nil
	}
	f := Finding{Capability: "organization events"}
	f.measure(t.cfg.Now, func() (string, error) {
		actions, err := t.cfg.Events.EventActions(ctx)
		if err == nil {
			_, err = t.cfg.Events.Events(ctx, atlassian.EventQuery{Limit: 1})
		}
		if atlassian.KindOf(err) == atlassian.Forbidden {
			err = denied("the API key may not read the audit log: it must be one with the scope read:events:admin, and the plan must have an audit log, as Guard Standard has")
		}
		return fmt.Sprintf("%d kinds of event", len(actions)), explainOrganization(err)
	})
	return []Finding{f}
}

// explainOrganization turns the usual refusals of a key, which expires within a
// year, into advice. Other errors are returned as they are.
func explainOrganization(err error) error {
	switch atlassian.KindOf(err) {
	case atlassian.Unauthenticated:
		return denied("the API key is wrong or has expired: make another in Atlassian Administration under Settings, API keys")
	case atlassian.Forbidden:
		return denied("the API key may not list accounts: it must be one without scopes, made by an organization admin")
	case atlassian.NotFound:
		return denied("there is no such organization: its id stands after /o/ in the addresses of Atlassian Administration")
	}
	return err
}

// testIssuer checks that the server can get the keys that verify the tokens of
// callers.
func (t *tester) testIssuer(ctx context.Context) []Finding {
	f := Finding{Capability: "access tokens"}
	f.measure(t.cfg.Now, func() (string, error) {
		keys, err := t.cfg.Issuer.SigningKeys(ctx)
		if err != nil {
			return "", &resource.Error{Status: http.StatusServiceUnavailable, Detail: fmt.Sprintf("the keys of %s cannot be had: %v", t.cfg.Issuer.URL, err), Err: err}
		}
		return fmt.Sprintf("%d keys of %s, for %s", keys, t.cfg.Issuer.URL, clipList(t.cfg.Issuer.Audience)), nil
	})
	return []Finding{f}
}

// denied is the error of a finding when Atlassian answered, and the answer was no.
type denied string

func (d denied) Error() string { return string(d) }

// limited is the error of a finding when a capability works in part.
type limited string

func (l limited) Error() string { return string(l) }

// unseen names the configured projects that the account does not see. To an
// account without rights Atlassian answers as if the site were empty, hence an
// account that sees no project at all is denied.
func (t *tester) unseen(projects []atlassian.Project) error {
	visible := keysOf(projects)
	others := slices.DeleteFunc(slices.Clone(t.cfg.Projects), func(key string) bool { return slices.Contains(visible, key) })
	switch {
	case len(others) > 0 && len(visible) > 0:
		return limited(fmt.Sprintf("not there, or the account may not browse them: %s", clipList(others)))
	case len(visible) == 0:
		return denied("the Jira account sees no project: give it the permission Browse projects")
	}
	return nil
}

// testPermissions returns a finding for each permission; one request asks for all.
func (t *tester) testPermissions(ctx context.Context, projects []atlassian.Project) []Finding {
	var names []string
	for _, p := range issuePermissions {
		names = append(names, p.key)
	}
	began := t.cfg.Now()
	granted, err := t.cfg.Jira.Granted(ctx, names, projects)
	took := t.cfg.Now().Sub(began)
	var findings []Finding
	for _, p := range issuePermissions {
		f := Finding{Capability: "permission " + p.key, Duration: took}
		f.conclude(p.purpose, cmp.Or(err, withheld(p.key, projects, granted[p.key])))
		findings = append(findings, f)
	}
	return findings
}

// withheld names the projects in which a permission is missing; nil: in none.
func withheld(permission string, projects []atlassian.Project, granted []string) error {
	lacking := keysOf(slices.DeleteFunc(slices.Clone(projects), func(p atlassian.Project) bool { return slices.Contains(granted, p.ID) }))
	switch len(lacking) {
	case 0:
		return nil
	case len(projects):
		return denied(fmt.Sprintf("the Jira account has %s in no project", permission))
	}
	return limited("not in " + clipList(lacking))
}

func keysOf(projects []atlassian.Project) []string {
	keys := make([]string, len(projects))
	for i, p := range projects {
		keys[i] = p.Key
	}
	return keys
}

// clipList lists the first ten names and counts the rest.
func clipList(all []string) string {
	const most = 10
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}

func (p Probe) test(ctx context.Context, now func() time.Time) []Finding {
	f := Finding{Capability: p.Capability, Outcome: OutcomeOff, Detail: "not configured"}
	if p.Run != nil {
		f.measure(now, func() (string, error) { return p.Run(ctx) })
	}
	return []Finding{f}
}

// measure runs a test and completes the finding with its result and its duration.
func (f *Finding) measure(now func() time.Time, test func() (string, error)) {
	began := now()
	detail, err := test()
	f.Duration = now().Sub(began)
	f.conclude(detail, err)
}

// conclude sets outcome, detail and cause from the result of a test.
func (f *Finding) conclude(detail string, err error) {
	f.Detail, f.Err = detail, err
	var no denied
	var part limited
	var ue *atlassian.Error
	switch {
	case err == nil:
		f.Outcome = OutcomeOK
	case errors.As(err, &part):
		f.Outcome, f.Detail = OutcomeLimited, part.Error()
	case errors.As(err, &no):
		f.Outcome, f.Detail = OutcomeDenied, no.Error()
	case errors.As(err, &ue):
		f.Outcome, f.Detail = OutcomeFailed, upstreamDetail(ue)
		if ue.Kind == atlassian.Unauthenticated || ue.Kind == atlassian.Forbidden {
			f.Outcome = OutcomeDenied
		}
	default:
		f.Outcome, f.Detail = OutcomeFailed, upstream.AsError(err).Detail
	}
}

// upstreamDetail describes a failure at Atlassian for the people who mend it.
func upstreamDetail(ue *atlassian.Error) string {
	detail := fmt.Sprintf("%s: %s", ue.Op, ue.Kind)
	if ue.Status != 0 {
		detail += fmt.Sprintf(" (%d)", ue.Status)
	}
	if ue.Detail != "" {
		detail += ": " + ue.Detail
	}
	return detail
}

// outcome sums up a test: failed if something essential does not work, limited if
// anything else that is configured does not.
func (r *testResult) outcome() Outcome {
	sum := OutcomeOK
	for _, f := range r.findings {
		switch {
		case f.Outcome == OutcomeOK, f.Outcome == OutcomeOff:
		case f.Essential:
			return OutcomeFailed
		default:
			sum = OutcomeLimited
		}
	}
	return sum
}

// document returns the result as /connector/test answers it.
func (r *testResult) document() query.Object {
	var all []any
	for _, f := range r.findings {
		o := query.Object{{Name: "name", Value: f.Capability}, {Name: "status", Value: string(f.Outcome)}, {Name: "detail", Value: f.Detail}}
		if f.Fix != "" {
			o.Set("fix", f.Fix)
		}
		if f.Outcome != OutcomeOff {
			o.Set("durationMs", f.Duration.Milliseconds())
		}
		all = append(all, o)
	}
	return query.Object{
		{Name: "status", Value: string(r.outcome())}, {Name: "testedAt", Value: r.at},
		{Name: "durationMs", Value: r.duration.Milliseconds()}, {Name: "capabilities", Value: all},
	}
}
