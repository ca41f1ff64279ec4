// Package connector answers the endpoints that IDHub calls besides SCIM: health,
// test and metadata. IDHub documents their paths only; docs/idhub.md documents
// their answers.
//
// New takes what the endpoints tell and test, Routes returns the endpoints for a
// server to mount. A test asks Atlassian with every credential, side by side, and
// changes nothing; it is also what the command check prints.
package connector

import (
	"context"
	"net/http"
	"slices"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/health"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Path is the path of the endpoints at the server's root. They answer below the
// base path of SCIM too.
const Path = "/connector"

// The paths of the endpoints, below the server's root and below the base path.
const (
	healthPath   = "connector/health"
	testPath     = "connector/test"
	metadataPath = "connector/metadata"
	eventsPath   = "connector/events"
)

// compatibleWith is the version of IDHub's JIRA connector that this server stands
// in for: it offers the same operations, schemas and settings.
const compatibleWith = "1.0"

// Connector answers the endpoints. It is safe for concurrent use.
type Connector struct {
	cfg    Config
	tester *tester
}

// Config says what the endpoints test and what they tell about the server.
// Directory, Jira, Types, TestTimeout, Upstreams and Now are required.
type Config struct {
	Directory    *atlassian.Directory
	Jira         *atlassian.Jira
	Organization *atlassian.Organization // nil: none is configured
	Events       *atlassian.Organization // the organization, with a key for its audit log; nil: none is configured
	Issuer       *auth.Issuer            // nil: none is configured
	Projects     []string                // keys of the Jira projects that are served; empty: all visible ones
	Probes       []Probe                 // further tests
	TestTimeout  time.Duration           // for a whole test; more than 15 s counts as 15 s

	Types                []*resource.Type // the resource types that are served
	Account, Entitlement schemas.Mapping
	TrustedSource        bool   // accounts flow from Jira to IDHub
	Version              string // of the program
	Owners               Owners
	Upstreams            func(ctx context.Context) []health.Upstream     // how they are; required
	Credentials          func() []health.Credential                      // that the server uses; nil: nothing is known of them
	Diagnose             func(upstream string, err error) health.Finding // what mends a failure; nil: nobody knows
	Mirror               func() query.Object                             // what is kept of the upstreams, and how old it is; nil: nothing is told
	Wake                 func()                                          // asks Atlassian soon for what others have changed; nil: nobody does
	Answers              Answers
	Now                  func() time.Time // the server's clock
}

// New returns a Connector, which has tested nothing yet.
func New(cfg Config) *Connector {
	return &Connector{cfg: cfg, tester: &tester{cfg: cfg}}
}

// Route is an endpoint of the connector, for the server to mount.
type Route struct {
	Path    string   // below the server's root, "connector/health"
	Methods []string // GET, HEAD, …
	Open    bool     // callers without credentials get an answer too
	// Answer returns the status and the JSON body, or a *resource.Error. It is
	// safe for concurrent use.
	Answer func(ctx context.Context, q Request) (status int, body query.Object, err error)
}

// Request holds the facts of a request that an endpoint needs.
type Request struct {
	Caller   *auth.Caller // nil: the request carries no credentials
	Base     string       // URL of the SCIM endpoints as the client sees it
	Draining bool         // the server is about to stop
}

// Routes returns the endpoints, in a fixed order.
func (n *Connector) Routes() []Route {
	read := []string{http.MethodGet, http.MethodHead}
	routes := []Route{
		{Path: healthPath, Methods: read, Open: true, Answer: n.health},
		{Path: testPath, Methods: append(slices.Clone(read), http.MethodPost), Answer: n.answerTest},
		{Path: metadataPath, Methods: read, Answer: n.answerMetadata},
	}
	if n.cfg.Wake != nil {
		routes = append(routes, Route{Path: eventsPath, Methods: []string{http.MethodPost}, Answer: n.wake})
	}
	return routes
}

// wake takes a call of the webhook of the organization's audit log, or of anybody who
// may use the server, for a hint that something has changed. Its body is not looked at.
func (n *Connector) wake(context.Context, Request) (int, query.Object, error) {
	n.cfg.Wake()
	return http.StatusAccepted, query.Object{{Name: "status", Value: "accepted"}}, nil
}

func (n *Connector) answerTest(ctx context.Context, q Request) (int, query.Object, error) {
	if err := mayRead(q.Caller); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, n.cfg.Answers.Test.apply(n.tester.run(ctx).document()), nil
}

func (n *Connector) answerMetadata(_ context.Context, q Request) (int, query.Object, error) {
	if err := mayRead(q.Caller); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, n.cfg.Answers.Metadata.apply(n.metadata(q.Base)), nil
}

// health says whether the connector takes requests, and how its upstreams are: what
// the traffic shows and, where that is old, a question to upstream that serves all
// who ask. The member target reports the last test. A caller without credentials gets
// the status alone.
func (n *Connector) health(ctx context.Context, q Request) (int, query.Object, error) {
	if q.Caller != nil {
		if err := mayRead(q.Caller); err != nil {
			return 0, nil, err
		}
	}
	upstreams := n.cfg.Upstreams(ctx)
	status, body := http.StatusOK, query.Object{{Name: "status", Value: "UP"}}
	switch {
	case q.Draining:
		status = http.StatusServiceUnavailable
		body.Set("status", "OUT_OF_SERVICE")
	case !health.IsReady(upstreams):
		status = http.StatusServiceUnavailable
		body.Set("status", "DOWN")
	}
	if q.Caller == nil {
		return status, body, nil
	}
	body.Set("version", n.cfg.Version)
	body.Set("compatibility", compatibility())
	var served []any
	for _, t := range n.cfg.Types {
		served = append(served, query.Object{{Name: "resource", Value: t.Name}, {Name: "schema", Value: t.Core.ID}})
	}
	body.Set("schemas", served)
	target := query.Object{{Name: "status", Value: "untested"}}
	if last := n.tester.last.Load(); last != nil {
		target = query.Object{{Name: "status", Value: string(last.outcome())}, {Name: "testedAt", Value: last.at}}
	}
	body.Set("target", target)
	var known []any
	for _, u := range upstreams {
		known = append(known, describe(u))
	}
	body.Set("upstreams", known)
	if n.cfg.Mirror != nil {
		body.Set("mirror", n.cfg.Mirror())
	}
	if ends := n.credentials(); ends != nil {
		body.Set("credentials", ends)
	}
	return status, n.cfg.Answers.Health.apply(body), nil
}

// credentials are those of which it is known when they end.
func (n *Connector) credentials() []any {
	if n.cfg.Credentials == nil {
		return nil
	}
	var all []any
	for _, c := range n.cfg.Credentials() {
		if c.Expires.IsZero() {
			continue
		}
		o := query.Object{{Name: "name", Value: c.Name}, {Name: "expires", Value: c.Expires.UTC().Truncate(time.Second)}}
		if c.Stage(n.cfg.Now()) >= 0 {
			o.Set("warning", c.String(n.cfg.Now()))
			o.Set("fix", c.Fix)
		}
		all = append(all, o)
	}
	return all
}

// describe is an upstream as health tells it.
func describe(u health.Upstream) query.Object {
	o := query.Object{{Name: "name", Value: u.Name}, {Name: "state", Value: string(u.State)}}
	if !u.Since.IsZero() {
		o.Set("since", u.Since.UTC().Truncate(time.Millisecond))
	}
	for _, text := range []struct{ name, value string }{{"reason", u.Reason}, {"fix", u.Fix}} {
		if text.value != "" {
			o.Set(text.name, text.value)
		}
	}
	return o
}

// mayRead refuses a caller without any right.
func mayRead(c *auth.Caller) error {
	for _, right := range c.Rights {
		if right == auth.Read || right == auth.Write {
			return nil
		}
	}
	return resource.Refuse(http.StatusForbidden, "", "The caller %s lacks the right read, for any resource type; whoever runs this server grants it.", c.Name)
}
