package scim

import (
	"cmp"
	"context"
	"net/http"

	"scim-atlassian/scim/health"
	"scim-atlassian/scim/resource"
)

// The names of the upstreams, for health.Monitor.Traffic.
const (
	UpstreamDirectory    = "directory"
	UpstreamJira         = "jira"
	UpstreamOrganization = "organization"
	UpstreamEvents       = "organization events"
	upstreamIssuer       = "issuer"
)

// watch has the monitor watch every upstream that there is.
func (c Config) watch(m *health.Monitor) {
	const admin = "Atlassian Administration"
	s := c.Settings
	named := func(setting resource.Setting, otherwise string) string { return cmp.Or(string(setting), otherwise) }
	directoryKey, directoryID, directoryURL := named(s.DirectoryKey, "the directory's key"), named(s.DirectoryID, "the directory's id"), named(s.DirectoryURL, "the directory's URL")
	m.Watch(health.DirectoryOf(c.Directory, health.Advice{
		Credential: "put the API key of the directory into " + directoryKey + "; keys end after a year at most, and " + admin + " makes new ones under Security, Identity providers",
		Access:     directoryKey + " is wrong, of another directory, or has expired: " + admin + " makes a new one under Security, Identity providers",
		Place:      "put the id at the end of the directory's SCIM base URL into " + directoryID + ", and look at " + directoryURL,
		Address:    directoryURL,
	}))
	token, user, site := named(s.JiraToken, "the API token"), named(s.JiraUser, "the user of Jira"), named(s.Site, "the site's URL")
	m.Watch(health.JiraOf(c.Jira, health.Advice{
		Credential: token + " is no API token of " + user + ", or has expired: id.atlassian.com makes a new one; a token with scopes wants https://api.atlassian.com/ex/jira/{cloudId} as " + site,
		Access:     "give " + user + " access to Jira on the site",
		Place:      "look at " + site + ": no Jira site is there",
		Address:    site,
	}))
	if c.Organization != nil {
		m.Watch(health.OrganizationOf(c.Organization, UpstreamOrganization, c.organizationAdvice(named(s.OrganizationKey, "the organization's key"))))
	}
	if c.Events != nil {
		m.Watch(health.OrganizationOf(c.Events, UpstreamEvents, c.organizationAdvice(named(s.OrganizationEventsKey, "the organization's key for events"))))
	}
	if c.Issuer != nil {
		m.Watch(health.Watched{Name: upstreamIssuer, Advice: health.Advice{Address: named(s.Issuer, "the issuer's URL")}, Probe: func(ctx context.Context) error {
			_, err := c.Issuer.SigningKeys(ctx)
			return err
		}})
	}
}

func (c Config) organizationAdvice(key string) health.Advice {
	const make = ": Atlassian Administration makes a new one under Settings, API keys"
	return health.Advice{
		Credential: key + " is wrong or has expired" + make,
		Access:     key + " lacks a scope, or its maker is no organization admin any more" + make,
		Place:      "put what stands after /o/ in the addresses of Atlassian Administration into " + cmp.Or(string(c.Settings.OrganizationID), "the organization's id"),
		Address:    cmp.Or(string(c.Settings.DirectoryURL), "the directory's URL"),
	}
}

// ServeHTTP answers probes as health.Answer does, and all other requests as the
// server of the protocol does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stage := health.Serving
	if s.Draining() {
		stage = health.Draining
	}
	if !health.Answer(w, r, stage, s.health) {
		s.coded.ServeHTTP(w, r)
	}
}

// Health is the monitor of what the server needs.
func (s *Server) Health() *health.Monitor { return s.health }
