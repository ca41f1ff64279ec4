package scim_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// Access tokens, static tokens and passwords work side by side, and the log tells who it was and never the token.
func TestTokensBesideOtherCredentials(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	provider := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "k", Algorithm: oidc.ES256}}}
	issuer := httptest.NewServer(provider)
	provider.SetIssuer(issuer.URL)
	token := func(user string, lifetime time.Duration) string {
		return oidctest.SignIDToken(key, "k", oidc.ES256, fmt.Sprintf(`{"iss":%q,"azp":"JIRA-connector","preferred_username":%q,"exp":%d,"scope":%q}`,
			issuer.URL, user, time.Now().Add(lifetime).Unix(), user))
	}
	cloud := httptest.NewServer(emulator.New(emulator.DefaultOptions()))
	t.Cleanup(cloud.Close)
	core, logs := observer.New(zap.DebugLevel)
	newSite := func(callers ...auth.Caller) *scim.Server {
		return serverOver(t, cloud.URL, atlassian.Config{}, scim.Config{
			Callers: append(callers, bearer("static", auth.Read)),
			Issuer:  &auth.Issuer{URL: issuer.URL, Audience: []string{"JIRA-connector"}, Skew: time.Second},
			Logger:  zap.New(core),
		})
	}
	plain := newSite()
	mapped := newSite(auth.Caller{Name: "readers", Scope: "reader", Rights: map[string]auth.Right{auth.AnyType: auth.Read}})
	const (
		bare    = `Basic realm="scim-atlassian", Bearer`
		invalid = bare + ` error="invalid_token"`
	)
	type answer struct {
		Status                int
		Challenge, RetryAfter string
		Principal, Client     string // in the log
	}
	tests := []struct {
		name   string
		site   *scim.Server
		method string
		auth   string
		away   bool // the issuer
		want   answer
	}{
		{"nothing", plain, "GET", "", false, answer{401, bare, "", "", ""}},
		{"password", plain, "GET", "Basic YTpi", false, answer{401, bare, "", "", ""}},
		{"static", plain, "GET", "Bearer static", false, answer{200, "", "", "static", ""}},
		{"static, wrong", plain, "GET", "Bearer statics", false, answer{401, invalid, "", "", ""}},
		{"token", plain, "GET", "bearer " + token("ann", time.Hour), false, answer{200, "", "", "ann", "JIRA-connector"}},
		{"token that writes", plain, "DELETE", "Bearer " + token("ann", time.Hour), false, answer{404, "", "", "ann", "JIRA-connector"}},
		{"token, expired", plain, "GET", "Bearer " + token("ann", -time.Hour), false, answer{401, invalid, "", "", ""}},
		{"token with a mapped scope", mapped, "GET", "Bearer " + token("reader", time.Hour), false, answer{200, "", "", "reader", "JIRA-connector"}},
		{"token with a mapped scope that writes", mapped, "DELETE", "Bearer " + token("reader", time.Hour), false, answer{403, "", "", "reader", "JIRA-connector"}},
		{"token without a mapped scope", mapped, "GET", "Bearer " + token("ann", time.Hour), false, answer{403, "", "", "ann", "JIRA-connector"}},
		{"token while the issuer is away", newSite(), "GET", "Bearer " + token("ann", time.Hour), true, answer{503, "", "10", "", ""}},
		{"static while the issuer is away", newSite(), "GET", "Bearer static", true, answer{200, "", "", "static", ""}},
		{"known key while the issuer is away", plain, "GET", "Bearer " + token("ann", time.Hour), true, answer{200, "", "", "ann", "JIRA-connector"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.away {
				issuer.Close()
			}
			logs.TakeAll()
			target := map[string]string{"GET": "/Users", "DELETE": "/Users/none"}[tt.method]
			req := httptest.NewRequestWithContext(t.Context(), tt.method, server.BasePath+target, nil)
			req.Header.Set("Authorization", tt.auth)
			resp := httptest.NewRecorder()
			tt.site.ServeHTTP(resp, req)
			got := answer{Status: resp.Code, Challenge: resp.Header().Get("WWW-Authenticate"), RetryAfter: resp.Header().Get("Retry-After")}
			for _, entry := range logs.All() {
				fields := entry.ContextMap()
				if entry.Message == "request" {
					got.Principal, _ = fields["principal"].(string)
					got.Client, _ = fields["client"].(string)
				}
				for part := range strings.SplitSeq(tt.auth, ".") {
					if len(part) > 20 && strings.Contains(fmt.Sprint(fields), part) {
						t.Errorf("the log holds the token: %v", fields)
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
