package auth

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"scim-atlassian/scim/resource"
)

// Issuer is an OpenID provider, such as a Keycloak realm, whose access tokens are accepted as bearer tokens.
//
// Callers with RealmRole, ClientRole or Scope say what a token may do. Where there are none, every token that passes
// Audience may write.
type Issuer struct {
	URL      string        // exactly as in the claim iss; https, but for this machine
	Audience []string      // the claim aud holds one of them, or azp is one
	Skew     time.Duration // by which the issuer's clock may differ from this one's
}

// maxToken is longer than any token that a provider makes: those of Keycloak have one to a few kilobytes.
const maxToken = 64 << 10

// asymmetric are the algorithms that a token may be signed with. Those with a shared secret are not among them, so
// that nobody can sign with the public key as the secret, and neither is "none".
var asymmetric = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// claims are what the server reads of an access token: RFC 7519 section 4.1, RFC 9068 section 2.2 and Keycloak's own.
type claims struct {
	Issuer            string           `json:"iss"`
	Subject           string           `json:"sub"`
	Audience          audience         `json:"aud"`
	AuthorizedParty   string           `json:"azp"`
	ClientID          string           `json:"client_id"`
	Expiry            *float64         `json:"exp"` // seconds since 1970, like NotBefore
	NotBefore         *float64         `json:"nbf"`
	Type              string           `json:"typ"` // Keycloak: Bearer, ID, Refresh, Offline, …
	Confirmation      jsontext.Value   `json:"cnf"` // RFC 7800: the token is good only together with a key
	PreferredUsername string           `json:"preferred_username"`
	Scope             string           `json:"scope"` // separated by spaces
	RealmAccess       roles            `json:"realm_access"`
	ResourceAccess    map[string]roles `json:"resource_access"` // by client
}

type roles struct {
	Roles []string `json:"roles"`
}

// audience is one string or an array of them, RFC 7519 section 4.1.3.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(b []byte) error {
	if jsontext.Value(b).Kind() == '"' {
		*a = make(audience, 1)
		return json.Unmarshal(b, &(*a)[0])
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// tokenVerifier finds the caller behind an access token of an issuer. It is safe for concurrent use.
type tokenVerifier struct {
	issuer  Issuer
	callers []*Caller // those with a role or scope, in the order in which they were given
	keys    *issuerKeys
	now     func() time.Time
}

func newTokenVerifier(issuer Issuer, callers []Caller, now func() time.Time) *tokenVerifier {
	v := &tokenVerifier{issuer: issuer, keys: newIssuerKeys(issuer.URL, now), now: now}
	for i := range callers {
		if callers[i].byToken() {
			v.callers = append(v.callers, &callers[i])
		}
	}
	return v
}

// looksLikeJWT tells what may be a signed JWT (three parts, the first of them a JSON object) from other tokens.
func looksLikeJWT(token string) bool {
	return len(token) <= maxToken && strings.Count(token, ".") == 2 && strings.HasPrefix(token, "ey")
}

// authenticate returns the caller behind a JWT. It fails with what invalidToken or issuerSilent make.
func (v *tokenVerifier) authenticate(ctx context.Context, token string) (*Caller, error) {
	// First what no signature could save: the issuer is not asked for keys then.
	c, err := readClaims(token)
	if err == nil {
		err = v.judge(&c)
	}
	if err != nil {
		return nil, invalidToken(err)
	}
	if err := v.checkSignature(ctx, token); err != nil {
		return nil, err
	}
	return v.caller(&c), nil
}

// readClaims decodes the payload of a JWT, whose signature covers these very bytes. Repeated members are refused, and
// so are JWTs that their header calls something other than an access token (RFC 9068 section 4).
func readClaims(token string) (claims, error) {
	var (
		c      claims
		header struct {
			Type string `json:"typ"`
		}
	)
	parts := strings.Split(token, ".")
	if err := decodePart(parts[0], &header); err != nil {
		return c, fmt.Errorf("header: %w", err)
	}
	switch strings.TrimPrefix(strings.ToLower(header.Type), "application/") {
	case "", "jwt", "at+jwt":
	default:
		return c, fmt.Errorf("not an access token, its header's typ is %q", resource.Clip(header.Type))
	}
	if err := decodePart(parts[1], &c); err != nil {
		return c, fmt.Errorf("claims: %w", err)
	}
	return c, nil
}

// decodePart decodes one of the JSON parts of a JWT. Its errors do not quote the part.
func decodePart(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return errors.New("not base64url")
	}
	if err := json.Unmarshal(text, into); err != nil {
		return errors.New("not the JSON object that it should be")
	}
	return nil
}

// judge says what is wrong with the claims of a token.
func (v *tokenVerifier) judge(c *claims) error {
	now, skew := float64(v.now().UnixMilli())/1000, v.issuer.Skew.Seconds()
	mine := func(id string) bool { return slices.Contains(v.issuer.Audience, id) }
	switch {
	case c.Issuer != v.issuer.URL:
		return fmt.Errorf("issued by %q", resource.Clip(c.Issuer))
	case c.Type != "" && c.Type != "Bearer":
		return fmt.Errorf("not an access token, its typ is %q", resource.Clip(c.Type))
	case c.Confirmation != nil:
		return errors.New("bound to a key (cnf), of which a bearer proves nothing")
	case !slices.ContainsFunc(c.Audience, mine) && !mine(c.AuthorizedParty):
		return fmt.Errorf("made for another audience: aud %q, azp %q", resource.Clip(strings.Join(c.Audience, " ")), resource.Clip(c.AuthorizedParty))
	case c.Expiry == nil:
		return errors.New("without expiry")
	case *c.Expiry+skew <= now:
		return fmt.Errorf("expired %.0f s ago", now-*c.Expiry)
	case c.NotBefore != nil && *c.NotBefore-skew > now:
		return fmt.Errorf("not valid before %.0f s from now", *c.NotBefore-now)
	case c.principal() == "":
		return errors.New("without preferred_username, client_id, azp and sub")
	}
	return nil
}

// checkSignature asks go-oidc whether one of the issuer's keys has signed the token.
func (v *tokenVerifier) checkSignature(ctx context.Context, token string) error {
	keys := &witness{keys: v.keys}
	_, err := oidc.NewVerifier(v.issuer.URL, keys, &oidc.Config{
		SupportedSigningAlgs: asymmetric,
		SkipClientIDCheck:    true, // judge regards azp as well
		SkipExpiryCheck:      true, // and the skew
	}).Verify(ctx, token)
	switch {
	case err == nil:
		return nil
	case isSilent(keys.err):
		return issuerSilent(keys.err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		return invalidToken(err)
	}
}

// witness is the key set of one verification. It keeps the error, of which go-oidc passes on the text only.
type witness struct {
	keys *issuerKeys
	err  error
}

// VerifySignature implements oidc.KeySet.
func (w *witness) VerifySignature(ctx context.Context, jwt string) (payload []byte, err error) {
	payload, w.err = w.keys.verify(ctx, jwt)
	return payload, w.err
}

// invalidToken is the answer to a bearer token that is not good, RFC 6750 section 3.1. The client is told the same
// for every cause.
func invalidToken(cause error) *resource.Error {
	return &resource.Error{Status: http.StatusUnauthorized, Detail: errUnauthenticated.Detail, Challenge: tokenChallenge, Err: cause}
}

func issuerSilent(cause error) *resource.Error {
	return &resource.Error{
		Status: http.StatusServiceUnavailable, Detail: "The token cannot be checked at the moment: its issuer does not answer.",
		RetryAfter: askInterval, Err: cause,
	}
}

// principal is who the log says it was: a person, or the client that acts for nobody.
func (c *claims) principal() string {
	return resource.Clip(cmp.Or(c.PreferredUsername, c.ClientID, c.AuthorizedParty, c.Subject))
}

// caller is the caller that a token stands for. Of several configured ones that match, it has the rights together
// and the settings of the first; if none matches, it has no rights.
func (v *tokenVerifier) caller(c *claims) *Caller {
	if len(v.callers) == 0 {
		return &Caller{Name: c.principal(), Rights: map[string]Right{AnyType: Write}, Client: resource.Clip(c.AuthorizedParty)}
	}
	var who Caller
	for _, configured := range v.callers {
		switch {
		case !configured.covers(c):
		case who.Rights == nil:
			who = *configured
		default:
			who.Rights = unite(who.Rights, configured.Rights)
		}
	}
	who.Name, who.Client = c.principal(), resource.Clip(c.AuthorizedParty)
	return &who
}

// unite gives each type the greater of two rights.
func unite(a, b map[string]Right) map[string]Right {
	united := maps.Clone(a)
	maps.Copy(united, b) // for the keys
	one, other := &Caller{Rights: a}, &Caller{Rights: b}
	for resourceType := range united {
		switch {
		case one.May(resourceType, true) || other.May(resourceType, true):
			united[resourceType] = Write
		case one.May(resourceType, false) || other.May(resourceType, false):
			united[resourceType] = Read
		}
	}
	return united
}

// byToken reports whether the caller is anybody whose token says so.
func (c *Caller) byToken() bool { return c.RealmRole != "" || c.ClientRole != "" || c.Scope != "" }

// covers reports whether a token has the role or the scope of the caller.
func (c *Caller) covers(t *claims) bool {
	switch client, role, _ := strings.Cut(c.ClientRole, "/"); {
	case c.RealmRole != "":
		return slices.Contains(t.RealmAccess.Roles, c.RealmRole)
	case c.ClientRole != "":
		return slices.Contains(t.ResourceAccess[client].Roles, role)
	default:
		return slices.Contains(strings.Fields(t.Scope), c.Scope)
	}
}
