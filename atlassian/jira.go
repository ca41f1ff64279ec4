package atlassian

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"scim-atlassian/atlassian/admission"
)

// Jira is a client of the Jira Cloud REST API version 3,
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/. It is safe for concurrent use.
//
// What the credential may not see does not exist: Jira answers NotFound and empty lists rather than Forbidden, even to
// credentials that have expired. Ask Myself before believing that a site is empty.
type Jira struct{ *caller }

// NewJira returns a client that signs in with the e-mail address and an API token of an account. siteURL is the site,
// or https://api.atlassian.com/ex/jira/{cloudId} for tokens with scopes; http is accepted on loopback only, unless
// [Config.PlainHTTP] is set.
func NewJira(cfg Config, siteURL, email, token string) (*Jira, error) {
	base, err := parseBase(siteURL, cfg.PlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("jira: site URL: %w", err)
	}
	basic, err := basicOf(email, token)
	if err != nil {
		return nil, fmt.Errorf("jira: %w", err)
	}
	c := newCaller(cfg, admission.Config{Documented: admission.JiraRate, ItemPerSecond: admission.IssueRate, ItemBurst: admission.IssueBurst}, base, "Basic "+basic, token, basic)
	c.gateway = true
	return &Jira{c}, nil
}

// Renewal returns what puts another account's API token, or another token, in the place of the client's, for every request
// that begins afterwards. It fails if no header can carry them.
func (j *Jira) Renewal(email, token string) (install func(), err error) {
	basic, err := basicOf(email, token)
	return func() { j.signInWith("Basic "+basic, token, basic) }, err
}

// basicOf returns the credentials of Basic authentication, RFC 7617.
func basicOf(email, token string) (string, error) {
	if email == "" || strings.Contains(email, ":") || strings.ContainsFunc(email, isControl) {
		return "", errors.New("the e-mail address of the account is missing or malformed")
	}
	return base64.StdEncoding.EncodeToString([]byte(email + ":" + token)), checkSecret("API token", token)
}

// Account is an Atlassian account as Jira shows it.
type Account struct {
	AccountID    string `json:"accountId"`
	AccountType  string `json:"accountType"` // atlassian, app, customer or unknown
	DisplayName  string `json:"displayName"`
	EmailAddress string `json:"emailAddress"` // empty when the person hides it
	Active       bool   `json:"active"`
	TimeZone     string `json:"timeZone"` // IANA name, often empty except for oneself
}

func (a *Account) accept() bool { return a.AccountID != "" }

// Myself returns the account of the credential. It calls GET /rest/api/3/myself, which fails with Unauthenticated
// where other endpoints treat a bad credential as anonymous.
func (j *Jira) Myself(ctx context.Context) (*Account, error) {
	return fetch[Account](ctx, j.caller, request{op: "GET /rest/api/3/myself", reads: true})
}
