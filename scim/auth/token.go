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

// maxToken is longer than any token that a provider makes: those of Keycloak have one to a few kilobytes.
const maxToken = 64 << 10

// asymmetric lists the algorithms that a token may be signed with. Algorithms with a shared secret are left out, since
// a forger could sign with the public key as the secret; "none" is left out, since it is no signature.
var asymmetric = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// claims are the members of an access token that the server reads: those of RFC 7519 section 4.1, of RFC 9068
// section 2.2 and of Keycloak.
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

// roles is Keycloak's list of roles, of a realm or of a client.
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

// tokenVerifier knows the access tokens of an issuer. It is safe for concurrent use.
type tokenVerifier struct {
	issuer Issuer
	keys   *issuerKeys
	now    func() time.Time
}

func newTokenVerifier(issuer Issuer, now func() time.Time) *tokenVerifier {
	return &tokenVerifier{issuer: issuer, keys: newIssuerKeys(issuer.URL, now), now: now}
}

// looksLikeJWT reports whether a token may be a signed JWT: three parts, the first of them a JSON object.
func looksLikeJWT(token string) bool {
	return len(token) <= maxToken && strings.Count(token, ".") == 2 && strings.HasPrefix(token, "ey")
}

// authenticate returns the claims of a JWT that is good. It fails with an invalidToken or an issuerSilent, or with the cause of
// a context that ended.
func (v *tokenVerifier) authenticate(ctx context.Context, token string) (*claims, error) {
	// The claims first: if they are refused, the issuer need not be asked for keys.
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
	return &c, nil
}

// readClaims decodes the payload of a JWT. It refuses repeated members, and JWTs whose header says that they are no
// access tokens (RFC 9068 section 4). The signature is not checked yet; it covers the same bytes.
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

// judge returns an error that says why the claims of a token are refused, nil if they are good.
func (v *tokenVerifier) judge(c *claims) error {
	now, skew := float64(v.now().UnixMilli())/1000, v.issuer.Skew.Seconds()
	mine := func(id string) bool { return slices.Contains(v.issuer.Audience, id) }
	switch {
	case c.Issuer != v.issuer.URL:
		return fmt.Errorf("issued by %q", resource.Clip(c.Issuer))
	case c.Type != "" && c.Type != "Bearer":
		return fmt.Errorf("not an access token, its typ is %q", resource.Clip(c.Type))
	case c.Confirmation != nil:
		return errors.New("bound to a key (cnf), and a bearer token does not prove that the sender has the key")
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
		SkipClientIDCheck:    true, // judge checks the audience, and accepts azp too
		SkipExpiryCheck:      true, // judge checks the expiry, with the skew
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

// witness is the key set of one verification. It keeps the error of the keys, since go-oidc wraps only its text.
type witness struct {
	keys *issuerKeys
	err  error
}

// VerifySignature implements oidc.KeySet.
func (w *witness) VerifySignature(ctx context.Context, jwt string) (payload []byte, err error) {
	payload, w.err = w.keys.verify(ctx, jwt)
	return payload, w.err
}

// invalidToken is the answer to a bearer token that is refused, RFC 6750 section 3.1. The client gets the same answer
// for every cause; the log gets the cause.
func invalidToken(cause error) *resource.Error {
	return &resource.Error{Status: http.StatusUnauthorized, Detail: errUnauthenticated.Detail, Challenge: tokenChallenge, Err: cause}
}

// issuerSilent is the answer to a bearer token whose issuer does not answer.
func issuerSilent(cause error) *resource.Error {
	return &resource.Error{
		Status: http.StatusServiceUnavailable, Detail: "The token cannot be checked at the moment: its issuer does not answer.",
		RetryAfter: askInterval, Err: cause,
	}
}

// principal is the name for the log: the person's, or the client's if it acts for itself.
func (c *claims) principal() string {
	return resource.Clip(cmp.Or(c.PreferredUsername, c.ClientID, c.AuthorizedParty, c.Subject))
}

// client is the OAuth client for the log.
func (c *claims) client() string { return resource.Clip(c.AuthorizedParty) }

// unite gives each resource type, and each kind of entitlement, the greater of the rights that it has in a and in b.
func unite(a, b map[string]Right) map[string]Right {
	united := maps.Clone(a)
	maps.Copy(united, b) // for the keys
	one, other := &Caller{Rights: a}, &Caller{Rights: b}
	if one.kinds() != nil || other.kinds() != nil {
		for _, kind := range entitlementKinds {
			united[kindPrefix+kind] = ""
		}
	}
	for name := range united {
		switch {
		case one.mayByName(name, true) || other.mayByName(name, true):
			united[name] = Write
		case one.mayByName(name, false) || other.mayByName(name, false):
			united[name] = Read
		}
	}
	return united
}

// mayByName is May for a name of rights, which may be that of a kind of entitlement.
func (c *Caller) mayByName(name string, write bool) bool {
	kind, ok := strings.CutPrefix(name, kindPrefix)
	if !ok {
		return c.May(name, write)
	}
	if kinds := c.kinds(); kinds != nil {
		return kinds[kind] == string(Write) || kinds[kind] == string(Read) && !write
	}
	return c.May("Entitlement", write) || write && c.May("Account", true)
}

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
