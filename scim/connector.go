package scim

import (
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
)

// ConnectorPath is where the endpoints are that IDHub calls besides SCIM, at
// the server's root; they answer below BasePath too. What they answer is
// documented in docs/idhub.md: IDHub documents their paths only.
const ConnectorPath = "/connector"

// The endpoints below ConnectorPath.
const (
	connectorHealth   = "connector/health"
	connectorTest     = "connector/test"
	connectorMetadata = "connector/metadata"
)

// compatibleWith is the version of IDHub's JIRA connector whose operations,
// schemas and settings this server offers.
const compatibleWith = "1.0"

// plainAnswer is an answer outside SCIM: plain JSON with a status of its own.
type plainAnswer struct {
	status int
	body   query.Object
}

// connector answers the endpoints that IDHub calls besides SCIM.
type connector struct {
	cfg    Config
	types  []*resourceType
	tester *tester
}

func newConnector(cfg Config, types []*resourceType) *connector {
	return &connector{cfg: cfg, types: types, tester: newTester(cfg)}
}

// answer serves one of the endpoints to an authenticated caller.
func (n *connector) answer(c *call, r *http.Request, endpoint string, draining bool) error {
	if !c.caller.mayReadSomething() {
		return refuse(http.StatusForbidden, "", "The caller %s lacks the right read, for any resource type; whoever runs this server grants it.", c.caller.Name)
	}
	switch endpoint {
	case connectorHealth:
		c.plain = n.health(draining, true)
	case connectorTest:
		c.plain = &plainAnswer{http.StatusOK, n.cfg.Connector.Test.apply(n.tester.run(r.Context()).document())}
	case connectorMetadata:
		c.plain = &plainAnswer{http.StatusOK, n.cfg.Connector.Metadata.apply(n.metadata(c.base))}
	}
	return nil
}

// health says whether the connector takes requests. It asks nothing of
// upstream: target is what the last test found. Everything but the status is
// for callers that have signed in.
func (n *connector) health(draining, details bool) *plainAnswer {
	d := &plainAnswer{http.StatusOK, query.Object{{Name: "status", Value: "UP"}}}
	if draining {
		d.status = http.StatusServiceUnavailable
		d.body.Set("status", "OUT_OF_SERVICE")
	}
	if !details {
		return d
	}
	d.body.Set("version", n.cfg.Version)
	d.body.Set("compatibility", compatibility())
	var schemas []any
	for _, t := range n.types {
		schemas = append(schemas, query.Object{{Name: "resource", Value: t.Name}, {Name: "schema", Value: t.Core.ID}})
	}
	d.body.Set("schemas", schemas)
	target := query.Object{{Name: "status", Value: "untested"}}
	if last := n.tester.last.Load(); last != nil {
		target = query.Object{{Name: "status", Value: string(last.outcome())}, {Name: "testedAt", Value: last.at}}
	}
	d.body.Set("target", target)
	d.body = n.cfg.Connector.Health.apply(d.body)
	return d
}

// mayReadSomething reports whether the caller has a right at all.
func (c *Caller) mayReadSomething() bool {
	for _, right := range c.Rights {
		if right == Read || right == Write {
			return true
		}
	}
	return false
}

// isConnector reports whether the segments are those of a path at or below
// ConnectorPath.
func isConnector(segments []string) bool {
	return segments[0] == strings.TrimPrefix(ConnectorPath, "/")
}

// connectorRoute resolves a path below ConnectorPath.
func connectorRoute(segments []string) (endpoint string, allowed []string, err error) {
	endpoint = strings.Join(segments, "/")
	switch {
	case endpoint == connectorTest:
		return endpoint, append(slices.Clone(methods.read), http.MethodPost), nil
	case endpoint == connectorHealth, endpoint == connectorMetadata:
		return endpoint, methods.read, nil
	}
	return "", nil, noEndpoint()
}
