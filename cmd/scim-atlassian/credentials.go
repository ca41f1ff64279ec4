package main

import (
	"context"
	"fmt"
	"time"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/health"
)

// The names of the credentials that the server uses, for the log, check, health and metrics.
const (
	directoryKey    = "directory key"
	apiToken        = "api token"
	organizationKey = "organization key"
	eventsKey       = "organization events key"
)

// expiry is a setting that says when a credential ends.
type expiry struct{ credential, setting, value, fix string }

func (c *config) expiries() []expiry {
	const admin = "make a new one in Atlassian Administration under "
	all := []expiry{
		{directoryKey, "SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES", c.DirectoryKeyExpires, admin + "Security, Identity providers, and put it into DIRECTORY_API_KEY"},
		{apiToken, "SCIM_ATLASSIAN_API_TOKEN_EXPIRES", c.APITokenExpires, "make a new one at id.atlassian.com and put it into ACCOUNT_SECURITY_API_KEY"},
	}
	if c.OrganizationID != "" {
		all = append(all, expiry{organizationKey, "SCIM_ATLASSIAN_ORGANIZATION_KEY_EXPIRES", c.OrganizationKeyExpires, admin + "Settings, API keys, and put it into SCIM_ATLASSIAN_ORGANIZATION_API_KEY"})
	}
	if c.OrganizationEventsKey != "" {
		all = append(all, expiry{eventsKey, "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY_EXPIRES", c.EventsKeyExpires, admin + "Settings, API keys, with the scope read:events:admin, and put it into SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY"})
	}
	return all
}

// parseDay reads a date, which counts until its end, or a time.
func parseDay(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("must be a date such as 2027-03-31, or a time such as 2027-03-31T12:00:00Z")
	}
	return at, nil
}

// credentials are those of the settings. Validate has checked the dates.
func (c *config) credentials() []health.Credential {
	var all []health.Credential
	for _, e := range c.expiries() {
		ends, _ := parseDay(e.value)
		all = append(all, health.Credential{Name: e.credential, Expires: ends, Fix: e.fix})
	}
	return all
}

// learnCredentials asks Atlassian when the credentials end. What it does not tell stays as the settings say.
func (c *config) learnCredentials(ctx context.Context, u *upstream) {
	if u.organization == nil {
		return
	}
	if end, err := health.TokenEnd(ctx, u.jira, u.organization); err == nil && !end.IsZero() {
		for _, known := range u.health.Credentials() {
			if known.Name == apiToken {
				known.Expires, known.Told = end, true
				u.health.Credential(known)
			}
		}
	}
}

// credentialFindings say when the credentials end.
func (c *config) credentialFindings(ctx context.Context, u *upstream, now time.Time) []connector.Finding {
	c.learnCredentials(ctx, u)
	var found []connector.Finding
	for _, known := range u.health.Credentials() {
		f := connector.Finding{Capability: known.Name, Outcome: connector.OutcomeOK, Detail: known.String(now)}
		switch stage := known.Stage(now); {
		case known.Expires.IsZero():
			f.Outcome = connector.OutcomeOff
			f.Detail = "Atlassian does not tell when it ends: put the date into the setting to be warned"
		case stage == 0:
			f.Outcome = connector.OutcomeFailed
			f.Detail += ": " + known.Fix
		case stage > 0:
			f.Outcome = connector.OutcomeLimited
			f.Detail += ": " + known.Fix
		}
		if known.Told {
			f.Detail += " (as Atlassian says)"
		}
		found = append(found, f)
	}
	return found
}

// oldSecret is the age from which a caller's secret is worth replacing.
const oldSecret = 365 * 24 * time.Hour

// ageFindings name the callers whose secrets are old.
func ageFindings(callers []auth.Caller, now time.Time) []connector.Finding {
	var found []connector.Finding
	for _, caller := range callers {
		if made := caller.MadeAt(); !made.IsZero() && now.Sub(made) >= oldSecret {
			found = append(found, connector.Finding{Capability: "caller " + caller.Name, Outcome: connector.OutcomeLimited,
				Detail: fmt.Sprintf("its secret was made %d days ago: replace it; two are good meanwhile", int(now.Sub(made).Hours()/24))})
		}
	}
	return found
}
