package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"scim-atlassian/scim/auth"
)

// issuerURL is the OpenID issuer that callers' tokens and our own come from; empty: there is none.
// Without SCIM_ATLASSIAN_OIDC_ISSUER it is the tenant's realm in IDHub's Keycloak, where IDHub's guide has it.
func (c *config) issuerURL() string {
	if c.OIDCIssuer != "" || c.idhubURL() == "" || c.KeycloakRealm == "" {
		return c.OIDCIssuer
	}
	return strings.TrimRight(c.idhubURL(), "/") + "/auth/realms/" + url.PathEscape(c.KeycloakRealm)
}

// audience returns the audience that tokens must name.
func (c *config) audience() []string {
	if len(c.OIDCAudience) > 0 || c.KeycloakClientID == "" {
		return c.OIDCAudience
	}
	return []string{c.KeycloakClientID}
}

// issuer is the issuer whose tokens are accepted; nil: nobody's are.
func (c *config) issuer() *auth.Issuer {
	if c.issuerURL() == "" {
		return nil
	}
	return &auth.Issuer{URL: c.issuerURL(), Audience: c.audience(), Skew: c.OIDCSkew}
}

// checkIssuer lists the mistakes in the settings of the issuer.
func (c *config) checkIssuer() error {
	var problems []error
	if host := c.IDHubHostname; host != "" {
		if u, err := url.Parse("https://" + host); err != nil || u.Host != host {
			problems = append(problems, errors.New("IDHUB_HOSTNAME must be a host name such as idhub.example.com, without https:// and path"))
		}
	}
	if c.OIDCIssuer != "" {
		problems = append(problems, checkUpstreamURL("SCIM_ATLASSIAN_OIDC_ISSUER", c.OIDCIssuer, false))
	}
	if c.issuerURL() != "" && len(c.audience()) == 0 {
		problems = append(problems, errors.New("KEYCLOAK_CLIENT_ID is missing: tokens of "+c.issuerURL()+
			" are accepted if they are made for this client; SCIM_ATLASSIAN_OIDC_AUDIENCE names others"))
	}
	if slices.Contains(c.OIDCAudience, "") {
		problems = append(problems, errors.New("SCIM_ATLASSIAN_OIDC_AUDIENCE must be a comma list of client ids"))
	}
	if c.OIDCSkew < 0 || c.OIDCSkew > maxSkew {
		problems = append(problems, fmt.Errorf("SCIM_ATLASSIAN_OIDC_CLOCK_SKEW must be from 0s to %v", maxSkew))
	}
	return errors.Join(problems...)
}

// maxSkew is more than clocks differ by that anybody looks after.
const maxSkew = 5 * time.Minute
