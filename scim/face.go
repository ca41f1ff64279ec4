package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/issuelog"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/server"
)

// face is what clients see of a Server: the resource types, and what was made of them.
// It is replaced when Jira has told which custom fields there are.
type face struct {
	*server.Server
	connector *connector.Connector
	types     []*resource.Type
}

// show has requests from now on answered with these types.
func (s *Server) show(types []*resource.Type) error {
	var wake func()
	if s.feed != nil {
		wake = s.feed.Wake
	}
	c := s.cfg
	f := &face{types: types, connector: connector.New(connector.Config{
		Directory: c.Directory, Jira: c.Jira, Organization: c.Organization, Events: c.Events, Issuer: c.Issuer, Projects: c.Projects, Probes: c.Probes,
		TestTimeout: c.RequestTimeout, Types: types, Account: c.Account, Entitlement: c.Entitlement, TrustedSource: c.TrustedSource,
		Version: c.Version, Owners: c.Owners, Answers: c.Connector, Wake: wake, Upstreams: c.Health.Upstreams, Credentials: c.Health.Credentials, Diagnose: c.Health.Diagnose, Now: c.Now,
		Mirror: func() query.Object { return s.backed.copyFacts(c.Now()) },
	})}
	cfg := s.shared
	cfg.Types, cfg.Root, cfg.Endpoints = types, list.NewRoot(types), append(endpointsOf(f.connector), holdsOf(s.backed.guard)...)
	var err error
	if f.Server, err = server.New(cfg); err != nil {
		return fmt.Errorf("scim: %w", err)
	}
	if before := s.face.Swap(f); before != nil && before.Draining() {
		f.Drain()
	}
	return nil
}

// pendingFor is when to ask again for issues whose custom fields are not known.
const pendingFor = 30 * time.Second

// pending answers for issues while their custom fields are not known.
func pending() *resource.Error {
	return &resource.Error{
		Status: http.StatusServiceUnavailable, RetryAfter: pendingFor,
		Detail: "The attributes of issues are not known yet: Jira has not answered since the server started. Repeat the request later.",
	}
}

// unknownIssues is the backend of issues whose custom fields are not known. The server
// asks it for its part of a list of all types only.
type unknownIssues struct{ *jira.Issues }

// List implements resource.Backend.
func (unknownIssues) List(context.Context, resource.ListQuery) (*resource.ListResult, error) {
	return nil, pending()
}

// unknownLogged are unknownIssues whose changes are remembered. Deltas on the server root wait for
// them, since the next token would pass over what the log has of them.
type unknownLogged struct{ unknownIssues }

// Mark implements resource.Rememberer.
func (unknownLogged) Mark(context.Context, bool) (resource.Mark, error) {
	return resource.Mark{}, pending()
}

// Logged implements resource.Rememberer.
func (unknownLogged) Logged() []string { return []string{issuelog.Type} }

// Changed implements resource.Rememberer.
func (unknownLogged) Changed(context.Context, []resource.LogEntry) ([]resource.Change, error) {
	return nil, pending()
}

// SetIssueFields says which custom fields are attributes of issues, where
// Config.FieldsPending left that open. Requests that are answered at the moment end as
// they began.
func (s *Server) SetIssueFields(fields field.Set) error {
	types := slices.Clone(s.face.Load().types)
	at := slices.IndexFunc(types, func(rt *resource.Type) bool { return rt.Name == "Issue" })
	if types[at].Pending == nil {
		return errors.New("scim: the custom fields of issues are known")
	}
	cfg := s.cfg
	cfg.IssueFields, cfg.FieldsPending = fields, false
	var err error
	if types[at], _, err = cfg.issueType(s.backed.people, s.backed.log); err != nil {
		return fmt.Errorf("scim: %w", err)
	}
	return s.show(types)
}

// Drain tells endpoints, and whoever asks Draining, from now on that nothing more should
// be sent. Requests are answered all the same.
func (s *Server) Drain() {
	for f := (*face)(nil); f != s.face.Load(); { // again if it was replaced meanwhile
		f = s.face.Load()
		f.Drain()
	}
}

// Draining reports whether Drain was called.
func (s *Server) Draining() bool { return s.face.Load().Draining() }

// Export answers a list request without HTTP, see server.Server.Export.
func (s *Server) Export(ctx context.Context, o server.ExportOptions) (server.ExportedPage, error) {
	return s.face.Load().Export(ctx, o)
}

// ExportDelta answers a delta query without HTTP, see server.Server.ExportDelta.
func (s *Server) ExportDelta(ctx context.Context, o server.DeltaOptions) (server.ExportedDelta, error) {
	return s.face.Load().ExportDelta(ctx, o)
}

// Type finds a resource type by its name or endpoint, see server.Server.Type.
func (s *Server) Type(name string) (*resource.Type, error) { return s.face.Load().Type(name) }
