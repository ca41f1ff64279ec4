//go:build keycloak

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"scim-atlassian/scim/server"
)

// seedCurl is step 3 of IDHub's guide, as printed there.
const seedCurl = `curl --location --request POST 'https://IDHUB_HOSTNAME/auth/realms/TENANT_NAME/protocol/openid-connect/token' \
--header 'Content-Type: application/x-www-form-urlencoded' \
--data-urlencode 'client_id=OAUTH_CLIENT_ID' \
--data-urlencode 'username=SERVICE_ACCOUNT_USER' \
--data-urlencode 'password=SERVICE_ACCOUNT_PASSWORD' \
--data-urlencode 'scope=offline_access' \
--data-urlencode 'grant_type=password' \
--data-urlencode 'request_token_type=urn:ietf:params:oauth:token-type:access_token' \
| jq`

// keycloak is a real one, which keycloak/run has started for this test alone.
type keycloak struct {
	url      string // with /auth at the end
	password string // of the user admin
	pid      int
}

// tokens is the answer of a token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Error   string `json:"error"`
}

// form asks a realm's token endpoint.
func (k *keycloak) form(t *testing.T, realm string, pairs ...string) tokens {
	t.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	resp, err := http.PostForm(k.url+"/realms/"+realm+"/protocol/openid-connect/token", values)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got tokens
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// login gets tokens by a user's password and fails without.
func (k *keycloak) login(t *testing.T, realm, client, user, password, scope string) tokens {
	t.Helper()
	got := k.form(t, realm, "grant_type", "password", "client_id", client, "username", user, "password", password, "scope", scope)
	if got.Access == "" {
		t.Fatalf("no token of %s for %s: %s", realm, user, got.Error)
	}
	return got
}

// admin calls the admin API below /admin/realms and returns what it answers.
func (k *keycloak) admin(t *testing.T, method, path string, body, into any) {
	t.Helper()
	var payload []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		payload = b
	default:
		var err error
		if payload, err = json.Marshal(b); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, k.url+"/admin/realms"+path, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+k.login(t, "master", "admin-cli", "admin", k.password, "").Access)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, answer, err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatal(err)
		}
	}
}

// publicKey is the realm's key of this id.
func (k *keycloak) publicKey(t *testing.T, realm, id string) *rsa.PublicKey {
	t.Helper()
	resp, err := http.Get(k.url + "/realms/" + realm + "/protocol/openid-connect/certs")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Key(id) {
		if public, ok := key.Key.(*rsa.PublicKey); ok {
			return public
		}
	}
	t.Fatalf("no key %s", id)
	return nil
}

// decode returns the header and the claims of a token.
func decode(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func encodePart(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// served is a serve over the emulator.
type served struct {
	*process
	base string
}

func serveWith(t *testing.T, environ []string) *served {
	t.Helper()
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	return &served{p, "http://" + p.stderr.await(t, `"listening","address":"([^"]+)"`)}
}

// call makes a request with a bearer token and returns the status and the headers.
func (s *served) call(t *testing.T, token, method, path, body string) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.base+server.BasePath+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

func (s *served) wantStatus(t *testing.T, want int, token, method, path, body string) {
	t.Helper()
	got, header := s.call(t, token, method, path, body)
	if got != want {
		t.Errorf("%s %s: status %d, want %d", method, path, got, want)
	}
	if challenge := header.Get("WWW-Authenticate"); got == http.StatusUnauthorized && !strings.HasSuffix(challenge, `Bearer error="invalid_token"`) {
		t.Errorf("%s %s: challenge %q", method, path, challenge)
	}
}

// TestKeycloak goes through IDHub's guide and past it. A step relies on those before it.
func TestKeycloak(t *testing.T) {
	pid, err := strconv.Atoi(os.Getenv("KEYCLOAK_PID"))
	if err != nil {
		t.Fatal("run this test by keycloak/run, which starts a Keycloak for it")
	}
	k := &keycloak{url: os.Getenv("KEYCLOAK_URL"), password: os.Getenv("KC_BOOTSTRAP_ADMIN_PASSWORD"), pid: pid}
	issuer := k.url + "/realms/alpha"
	idhub := strings.TrimSuffix(k.url, "/auth")
	passed, failed := 0, 0
	step := func(name string, do func(t *testing.T)) {
		if t.Run(name, do) {
			passed++
			fmt.Printf("ok    %s\n", name)
			return
		}
		failed++
		fmt.Printf("FAIL  %s\n", name)
	}
	defer func() { fmt.Printf("%d passed, %d failed\n", passed, failed) }()
	emulated := startEmulator(t)
	environ := func(settings ...string) []string {
		return append(append(append([]string{}, emulated...), "SCIM_ATLASSIAN_IDHUB_URL="+idhub, "KEYCLOAK_REALM=alpha", "KEYCLOAK_CLIENT_ID=JIRA-connector",
			"SCIM_ATLASSIAN_OIDC_CLOCK_SKEW=1s"), settings...)
	}
	// alpha's account, through the client of the guide
	account := func(t *testing.T, scope string) tokens {
		t.Helper()
		return k.login(t, "alpha", "JIRA-connector", "JIRA-service-account", "sapassword1", scope)
	}
	const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%s@demo.example","emails":[{"value":"%[1]s@demo.example"}]}`

	step("steps 1 and 2 of the guide: the realms are imported, with client and service account", func(t *testing.T) {
		realm, err := os.ReadFile("../../keycloak/alpha.json")
		if err != nil {
			t.Fatal(err)
		}
		k.admin(t, "POST", "", realm, nil)
		k.admin(t, "POST", "", bytes.Replace(realm, []byte(`"realm": "alpha"`), []byte(`"realm": "beta"`), 1), nil)
		var clients []struct {
			ClientID     string   `json:"clientId"`
			RedirectURIs []string `json:"redirectUris"`
			Public       bool     `json:"publicClient"`
		}
		k.admin(t, "GET", "/alpha/clients?clientId=JIRA-connector", nil, &clients)
		if len(clients) != 1 || !clients[0].Public || fmt.Sprint(clients[0].RedirectURIs) != "[*]" {
			t.Errorf("got %+v", clients)
		}
	})

	var issued tokens
	step("step 3: the curl of the guide, as printed, gives an access and an offline token", func(t *testing.T) {
		line := strings.NewReplacer("https://IDHUB_HOSTNAME", idhub, "TENANT_NAME", "alpha", "OAUTH_CLIENT_ID", "JIRA-connector",
			"SERVICE_ACCOUNT_USER", "JIRA-service-account", "SERVICE_ACCOUNT_PASSWORD", "sapassword1").Replace(seedCurl)
		if _, err := exec.LookPath("jq"); err != nil {
			line = strings.TrimSuffix(line, "| jq") // it makes the answer pretty, no more
		}
		out, err := exec.CommandContext(t.Context(), "bash", "-c", "set -o pipefail; "+line).Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &issued); err != nil {
			t.Fatal(err)
		}
		if _, claims := decode(t, issued.Refresh); claims["typ"] != "Offline" {
			t.Errorf("the refresh token is of typ %v", claims["typ"])
		}
	})
	if failed > 0 {
		t.Fatal("without realms and tokens there is nothing to go on with")
	}

	s := serveWith(t, environ("ACCESS_TOKEN="+issued.Access, "REFRESH_TOKEN="+issued.Refresh,
		"SCIM_ATLASSIAN_IDHUB_INFO_PATH=/auth/realms/alpha/.well-known/openid-configuration"))
	step("the token reads and writes; the log calls the caller by name and does not hold the token", func(t *testing.T) {
		s.wantStatus(t, 200, issued.Access, "GET", "/Users?count=1", "")
		s.wantStatus(t, 201, issued.Access, "POST", "/Users", fmt.Sprintf(user, "eve"))
		s.stderr.await(t, `("principal":"jira-service-account","client":"JIRA-connector")`)
		for part := range strings.SplitSeq(issued.Access, ".") {
			if strings.Contains(s.stderr.String(), part) {
				t.Error("the log holds a part of the token")
			}
		}
	})
	step("a password works beside it; a wrong one does not, and neither does none", func(t *testing.T) {
		for want, credentials := range map[int][2]string{200: {"ann", "secret"}, 401: {"ann", "sapassword1"}} {
			if got, _, _ := get(t, s.base+server.BasePath+"/Users?count=1", credentials[0], credentials[1]); got != want {
				t.Errorf("status %d, want %d", got, want)
			}
		}
		if got, _, _ := get(t, s.base+server.BasePath+"/Users?count=1", "", ""); got != 401 {
			t.Errorf("status %d, want 401", got)
		}
	})
	step("check finds the issuer, and IDHub accepting the connector's token", func(t *testing.T) {
		p := start(t, environ("REFRESH_TOKEN="+issued.Refresh, "SCIM_ATLASSIAN_IDHUB_INFO_PATH=/auth/realms/alpha/.well-known/openid-configuration"), "check")
		if code := p.wait(t); code != exitOK || !strings.Contains(p.stdout.String(), "ok    access tokens") || !strings.Contains(p.stdout.String(), "ok    idhub") {
			t.Errorf("exit code %d:\n%s", code, p.stdout.String())
		}
	})
	step("a refreshed token is accepted", func(t *testing.T) {
		refreshed := k.form(t, "alpha", "grant_type", "refresh_token", "client_id", "JIRA-connector", "refresh_token", issued.Refresh)
		if refreshed.Access == issued.Access {
			t.Error("the same token again")
		}
		s.wantStatus(t, 200, refreshed.Access, "GET", "/Users?count=1", "")
	})

	refused := func(name string, token func(t *testing.T) string) {
		step("refused: "+name, func(t *testing.T) { s.wantStatus(t, 401, token(t), "GET", "/Users?count=1", "") })
	}
	refused("the offline token itself", func(*testing.T) string { return issued.Refresh })
	refused("a refresh token", func(t *testing.T) string { return account(t, "").Refresh })
	refused("an ID token", func(t *testing.T) string { return account(t, "openid").ID })
	refused("a token of another realm with the same client", func(t *testing.T) string {
		return k.login(t, "beta", "JIRA-connector", "JIRA-service-account", "sapassword1", "").Access
	})
	refused("a token of realm master", func(t *testing.T) string { return k.login(t, "master", "admin-cli", "admin", k.password, "").Access })
	refused("a token for another client", func(t *testing.T) string {
		return k.login(t, "alpha", "portal", "JIRA-service-account", "sapassword1", "").Access
	})
	header, claims := decode(t, issued.Access)
	parts := strings.Split(issued.Access, ".")
	refused("alg none", func(t *testing.T) string {
		return encodePart(t, map[string]any{"alg": "none", "typ": "JWT"}) + "." + parts[1] + "."
	})
	refused("alg none, with the signature left on", func(t *testing.T) string {
		return encodePart(t, map[string]any{"alg": "none", "kid": header["kid"]}) + "." + parts[1] + "." + parts[2]
	})
	refused("another key under the realm's key id", func(t *testing.T) string { return forge(t, claims, fmt.Sprint(header["kid"])) })
	refused("another key under an id of its own", func(t *testing.T) string { return forge(t, claims, "mine") })
	refused("tampered claims", func(t *testing.T) string {
		claims := clone(claims)
		claims["preferred_username"] = "admin"
		return parts[0] + "." + encodePart(t, claims) + "." + parts[2]
	})
	refused("HS256 with the public key as the secret", func(t *testing.T) string {
		der, err := x509.MarshalPKIXPublicKey(k.publicKey(t, "alpha", fmt.Sprint(header["kid"])))
		if err != nil {
			t.Fatal(err)
		}
		signed := encodePart(t, map[string]any{"alg": "HS256", "kid": header["kid"]}) + "." + parts[1]
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	})
	step("after all that the good token is still good", func(t *testing.T) {
		s.wantStatus(t, 200, issued.Access, "GET", "/Users?count=1", "")
	})

	step("a token expires", func(t *testing.T) {
		k.clientAttribute(t, "access.token.lifespan", "3")
		defer k.clientAttribute(t, "access.token.lifespan", "300")
		brief := account(t, "").Access
		s.wantStatus(t, 200, brief, "GET", "/Users?count=1", "")
		_, claims := decode(t, brief)
		time.Sleep(time.Until(time.Unix(int64(claims["exp"].(float64)), 0).Add(1100 * time.Millisecond))) // the skew is 1 s
		s.wantStatus(t, 401, brief, "GET", "/Users?count=1", "")
	})

	// The forgeries have used up what s may ask for keys for the next seconds.
	s = serveWith(t, environ())
	step("keys rotate: the new one is found at once, the old one stays good while it is published", func(t *testing.T) {
		s.wantStatus(t, 200, issued.Access, "GET", "/Users?count=1", "")
		k.addKey(t, "rotated")
		rotated := account(t, "").Access
		if now, _ := decode(t, rotated); now["kid"] == header["kid"] {
			t.Fatal("the same key still")
		}
		s.wantStatus(t, 200, rotated, "GET", "/Users?count=1", "")
		s.wantStatus(t, 200, issued.Access, "GET", "/Users?count=1", "")
		k.withdrawKey(t, "rsa-generated")
		fresh := serveWith(t, environ())
		fresh.wantStatus(t, 401, issued.Access, "GET", "/Users?count=1", "")
		fresh.wantStatus(t, 200, rotated, "GET", "/Users?count=1", "")
	})

	step("roles and scopes say what a token may do", func(t *testing.T) {
		callers := write(t, "callers.json", `[
			{"name": "auditors", "realm_role": "auditor", "rights": {"*": "read"}},
			{"name": "provisioning", "client_role": "JIRA-connector/provision", "rights": {"User": "write", "Group": "read"}},
			{"name": "issues", "scope": "scim:issues", "rights": {"Issue": "write"}}]`)
		k.addScope(t, "scim:issues")
		s := serveWith(t, environ("SCIM_ATLASSIAN_CALLERS_FILE="+callers))
		ann := k.login(t, "alpha", "JIRA-connector", "ann", "annpassword1", "").Access
		s.wantStatus(t, 200, ann, "GET", "/Users?count=1", "")
		s.wantStatus(t, 403, ann, "POST", "/Users", fmt.Sprintf(user, "x"))
		bob := k.login(t, "alpha", "JIRA-connector", "bob", "bobpassword1", "").Access
		s.wantStatus(t, 201, bob, "POST", "/Users", fmt.Sprintf(user, "mallory"))
		s.wantStatus(t, 200, bob, "GET", "/Groups?count=1", "")
		s.wantStatus(t, 403, bob, "DELETE", "/Groups/x", "")
		s.wantStatus(t, 403, bob, "GET", "/Issues?count=1", "")
		wider := k.login(t, "alpha", "JIRA-connector", "bob", "bobpassword1", "scim:issues").Access
		s.wantStatus(t, 200, wider, "GET", "/Issues?count=1", "")
		s.wantStatus(t, 403, account(t, "").Access, "GET", "/Users?count=1", "")
	})
	step("a client's own token is accepted where its name is an audience", func(t *testing.T) {
		batch := k.form(t, "alpha", "grant_type", "client_credentials", "client_id", "JIRA-batch", "client_secret", "batch-secret").Access
		s.wantStatus(t, 401, batch, "GET", "/Users?count=1", "")
		wider := serveWith(t, environ("SCIM_ATLASSIAN_OIDC_AUDIENCE=JIRA-connector,JIRA-batch"))
		wider.wantStatus(t, 200, batch, "GET", "/Users?count=1", "")
		wider.stderr.await(t, `("principal":"service-account-jira-batch","client":"JIRA-batch")`)
	})

	// The server under test plays IDHub for another one: it accepts the realm's tokens and nothing else.
	probeBy := func(t *testing.T, settings ...string) (string, error) {
		t.Helper()
		c, _, err := loadConfig(environ(append([]string{"SCIM_ATLASSIAN_IDHUB_URL=" + s.base, "SCIM_ATLASSIAN_OIDC_ISSUER=" + issuer,
			"SCIM_ATLASSIAN_IDHUB_INFO_PATH=/scim/v2/ServiceProviderConfig"}, settings...)...), "")
		if err != nil {
			t.Fatal(err)
		}
		h, err := c.connectIDHub((&program{stderr: io.Discard}).streams().logger(0))
		if err != nil {
			t.Fatal(err)
		}
		return h.probe(t.Context())
	}
	step("outbound: an access token that has expired is renewed by the offline token", func(t *testing.T) {
		if _, err := probeBy(t, "ACCESS_TOKEN="+issued.Access, "REFRESH_TOKEN="+account(t, "offline_access").Refresh); err != nil {
			t.Error(err)
		}
	})
	step("outbound: a user's password, a client's secret", func(t *testing.T) {
		if _, err := probeBy(t, "SCIM_ATLASSIAN_OIDC_USERNAME=JIRA-service-account", "SCIM_ATLASSIAN_OIDC_PASSWORD=sapassword1"); err != nil {
			t.Error(err)
		}
		_, err := probeBy(t, "KEYCLOAK_CLIENT_ID=JIRA-batch", "SCIM_ATLASSIAN_OIDC_CLIENT_SECRET=batch-secret")
		if err == nil || !strings.Contains(err.Error(), "IDHub refuses") { // a token it is, but made for another client
			t.Errorf("got %v", err)
		}
		if _, err := probeBy(t, "SCIM_ATLASSIAN_OIDC_USERNAME=JIRA-service-account", "SCIM_ATLASSIAN_OIDC_PASSWORD=wrong"); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
			t.Errorf("wrong password: got %v", err)
		}
	})
	step("outbound: where Keycloak replaces refresh tokens, a sealed file keeps the newest over restarts", func(t *testing.T) {
		var realm map[string]any
		k.admin(t, "GET", "/alpha", nil, &realm)
		realm["revokeRefreshToken"] = true
		k.admin(t, "PUT", "/alpha", realm, nil)
		key, _ := newSealKey(t)
		path := filepath.Join(t.TempDir(), "token")
		settings := []string{"REFRESH_TOKEN=" + account(t, "offline_access").Refresh, "SCIM_ATLASSIAN_TOKEN_FILE=" + path, sealKeyName + "=" + key}
		// Keycloak tells tokens apart by the second in which they were made.
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		for range 3 {
			if _, err := probeBy(t, settings...); err != nil {
				t.Error(err)
			}
		}
		content, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(content), sealedPrefix) {
			t.Errorf("the file is %.20q…, %v", content, err)
		}
		if _, err := probeBy(t, settings[0]); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
			t.Errorf("without the file: got %v, want that the token was used up", err)
		}
	})

	step("Keycloak stops: known keys stay good, passwords too, and a server that has not met it starts and says 503", func(t *testing.T) {
		last := account(t, "").Access
		s.wantStatus(t, 200, last, "GET", "/Users?count=1", "")
		k.stop(t)
		s.wantStatus(t, 200, last, "GET", "/Users?count=1", "")
		late := serveWith(t, environ())
		status, header := late.call(t, last, "GET", "/Users?count=1", "")
		if status != 503 || header.Get("Retry-After") == "" {
			t.Errorf("status %d, Retry-After %q; want 503 with one", status, header.Get("Retry-After"))
		}
		if got, _, _ := get(t, late.base+server.BasePath+"/Users?count=1", "ann", "secret"); got != 200 {
			t.Errorf("password: status %d, want 200", got)
		}
		p := start(t, environ(), "check")
		if code := p.wait(t); code != exitFailed || !strings.Contains(p.stdout.String(), "FAIL  access tokens") {
			t.Errorf("check: exit code %d:\n%s", code, p.stdout.String())
		}
	})
}

func clone(claims map[string]any) map[string]any {
	copied := make(map[string]any, len(claims))
	for name, value := range claims {
		copied[name] = value
	}
	return copied
}

// forge signs claims with a key that nobody knows.
func forge(t *testing.T, claims map[string]any, id string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// clientAttribute sets an attribute of the guide's client.
func (k *keycloak) clientAttribute(t *testing.T, name, value string) {
	t.Helper()
	client := k.client(t)
	attributes, _ := client["attributes"].(map[string]any)
	attributes[name] = value
	k.admin(t, "PUT", "/alpha/clients/"+fmt.Sprint(client["id"]), client, nil)
}

// client is alpha's client of the guide.
func (k *keycloak) client(t *testing.T) map[string]any {
	t.Helper()
	var clients []map[string]any
	k.admin(t, "GET", "/alpha/clients?clientId=JIRA-connector", nil, &clients)
	return clients[0]
}

// addScope gives the guide's client a scope that tokens may be asked for with.
func (k *keycloak) addScope(t *testing.T, name string) {
	t.Helper()
	type scope struct {
		ID         string            `json:"id,omitempty"`
		Name       string            `json:"name"`
		Protocol   string            `json:"protocol"`
		Attributes map[string]string `json:"attributes"`
	}
	k.admin(t, "POST", "/alpha/client-scopes", scope{Name: name, Protocol: "openid-connect", Attributes: map[string]string{"include.in.token.scope": "true"}}, nil)
	var all []scope
	k.admin(t, "GET", "/alpha/client-scopes", nil, &all)
	for _, s := range all {
		if s.Name == name {
			k.admin(t, "PUT", fmt.Sprint("/alpha/clients/", k.client(t)["id"], "/optional-client-scopes/", s.ID), nil, nil)
		}
	}
}

type component struct {
	ID           string              `json:"id,omitempty"`
	Name         string              `json:"name"`
	ProviderID   string              `json:"providerId"`
	ProviderType string              `json:"providerType"`
	ParentID     string              `json:"parentId"`
	Config       map[string][]string `json:"config"`
}

// addKey gives alpha a key that goes before those that are there.
func (k *keycloak) addKey(t *testing.T, name string) {
	t.Helper()
	var realm struct {
		ID string `json:"id"`
	}
	k.admin(t, "GET", "/alpha", nil, &realm)
	k.admin(t, "POST", "/alpha/components", component{
		Name: name, ProviderID: "rsa-generated", ProviderType: "org.keycloak.keys.KeyProvider", ParentID: realm.ID,
		Config: map[string][]string{"priority": {"200"}, "enabled": {"true"}, "active": {"true"}, "keySize": {"2048"}, "algorithm": {"RS256"}},
	}, nil)
}

// withdrawKey takes a key of alpha away.
func (k *keycloak) withdrawKey(t *testing.T, name string) {
	t.Helper()
	var all []component
	k.admin(t, "GET", "/alpha/components?type=org.keycloak.keys.KeyProvider", nil, &all)
	for _, c := range all {
		if c.Name == name {
			k.admin(t, "DELETE", "/alpha/components/"+c.ID, nil, nil)
			return
		}
	}
	t.Fatalf("no key %s among %+v", name, all)
}

// stop ends Keycloak and returns when it does not answer any more.
func (k *keycloak) stop(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(k.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		resp.Body.Close()
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("Keycloak goes on")
}
