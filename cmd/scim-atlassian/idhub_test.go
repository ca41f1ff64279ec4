package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// realm is an IDHub with the Keycloak of its tenant on loopback, over real HTTP. It replaces a refresh token whenever
// it is used, as a Keycloak with "Revoke Refresh Token" does. Its secrets all contain "hunter".
type realm struct {
	url string

	mu       sync.Mutex
	serial   int
	refresh  string          // the one refresh token that is good
	access   map[string]bool // access tokens that are good
	grants   []string        // that tokens were asked for by
	requests []string        // to IDHub: method, path, status
	answers  []int           // to the next requests with a good token; 200 after that
	down     bool
	hold     chan bool // a grant waits until it is closed; nil: none does
}

func newRealm(t *testing.T) *realm {
	t.Helper()
	r := &realm{refresh: "hunter-refresh-0", access: make(map[string]bool)}
	site := httptest.NewServer(r)
	t.Cleanup(site.Close)
	r.url = site.URL
	return r
}

func (r *realm) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	const issuer = "/auth/realms/alpha"
	r.mu.Lock()
	hold := r.hold
	r.mu.Unlock()
	if hold != nil && request.URL.Path == issuer+"/token" {
		<-hold
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.down:
		http.Error(w, "down", http.StatusBadGateway)
	case request.URL.Path == issuer+"/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q,"jwks_uri":%[2]q}`, r.url+issuer, r.url+issuer+"/token")
	case request.URL.Path == issuer+"/token":
		r.grant(w, request)
	default:
		r.serveIDHub(w, request)
	}
}

func (r *realm) grant(w http.ResponseWriter, request *http.Request) {
	form := func(name string) string { return request.PostFormValue(name) }
	kind := form("grant_type")
	r.grants = append(r.grants, kind)
	good := false
	switch kind {
	case "refresh_token":
		good = form("refresh_token") == r.refresh
	case "password":
		good = form("username") == "sa" && form("password") == "hunter-password"
	case "client_credentials":
		good = form("client_secret") == "hunter-secret"
	}
	if !good || form("client_id") != "JIRA-connector" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Token is not active"}`)
		return
	}
	token := r.newAccess(5 * time.Minute)
	answer := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 300}
	if kind != "client_credentials" {
		r.serial++
		r.refresh = fmt.Sprint("hunter-refresh-", r.serial)
		answer["refresh_token"] = r.refresh
	}
	json.NewEncoder(w).Encode(answer)
}

// newAccess makes a good access token; the caller holds the lock.
func (r *realm) newAccess(lifetime time.Duration) string {
	r.serial++
	claims := fmt.Sprintf(`{"exp":%d,"n":%d}`, time.Now().Add(lifetime).Unix(), r.serial)
	token := "hunter." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
	r.access[token] = true
	return token
}

func (r *realm) serveIDHub(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	status := http.StatusOK
	switch {
	case err != nil:
		status = http.StatusBadRequest
	case !r.access[strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")]:
		status = http.StatusUnauthorized
	case len(r.answers) > 0:
		status, r.answers = r.answers[0], r.answers[1:]
	}
	r.requests = append(r.requests, strings.TrimSpace(fmt.Sprint(request.Method, " ", request.URL, " ", status, " ", string(body))))
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(status)
}

// seen are the grants, and the requests to IDHub, since the last call.
func (r *realm) seen() (grants, requests []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	grants, requests = r.grants, r.requests
	r.grants, r.requests = nil, nil
	return grants, requests
}

func (r *realm) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// connect is the client of a program that starts with these settings, and its log.
func (r *realm) connect(t *testing.T, settings ...string) (*idhubClient, *observer.ObservedLogs) {
	t.Helper()
	environ := complete("", append([]string{"SCIM_ATLASSIAN_IDHUB_URL=" + r.url, "KEYCLOAK_REALM=alpha", "KEYCLOAK_CLIENT_ID=JIRA-connector"}, settings...)...)
	c, _, err := loadConfig(environ, "")
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.DebugLevel)
	h, err := c.connectIDHub(zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	h.pause = time.Millisecond
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		for _, entry := range logs.All() {
			if text := entry.Message + fmt.Sprint(entry.ContextMap()); strings.Contains(text, "hunter") {
				t.Errorf("the log holds a secret: %s", text)
			}
		}
	})
	return h, logs
}

// probe fails the test unless the token is accepted, or refused with these words.
func probe(t *testing.T, h *idhubClient, problem string) {
	t.Helper()
	_, err := h.probe(t.Context())
	if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
		t.Errorf("got %v, want %q", err, problem)
	}
	if err != nil && strings.Contains(err.Error(), "hunter") {
		t.Errorf("the error holds a secret: %v", err)
	}
}

func TestIDHubGrants(t *testing.T) {
	tests := []struct {
		name     string
		settings []string
		grants   []string
		problem  string
	}{
		{"refresh token", []string{"REFRESH_TOKEN=hunter-refresh-0"}, []string{"refresh_token"}, ""},
		{"password", []string{"SCIM_ATLASSIAN_OIDC_USERNAME=sa", "SCIM_ATLASSIAN_OIDC_PASSWORD=hunter-password"}, []string{"password"}, ""},
		{"client secret", []string{"SCIM_ATLASSIAN_OIDC_CLIENT_SECRET=hunter-secret"}, []string{"client_credentials"}, ""},
		{"used refresh token", []string{"REFRESH_TOKEN=hunter-used"}, []string{"refresh_token"}, "invalid_grant (Token is not active)"},
		{
			"used refresh token, password",
			[]string{"REFRESH_TOKEN=hunter-used", "SCIM_ATLASSIAN_OIDC_USERNAME=sa", "SCIM_ATLASSIAN_OIDC_PASSWORD=hunter-password"},
			[]string{"refresh_token", "password"}, "",
		},
		{
			"used refresh token, wrong password",
			[]string{"REFRESH_TOKEN=hunter-used", "SCIM_ATLASSIAN_OIDC_USERNAME=sa", "SCIM_ATLASSIAN_OIDC_PASSWORD=hunter2"},
			[]string{"refresh_token", "password"}, "invalid_grant",
		},
		{"expired access token alone", []string{"ACCESS_TOKEN=hunter." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1}`)) + ".x"}, nil, "there is no REFRESH_TOKEN"},
		{"opaque access token alone", []string{"ACCESS_TOKEN=hunter"}, nil, "there is no REFRESH_TOKEN"},
		{"opaque access token that is refused", []string{"ACCESS_TOKEN=hunter", "REFRESH_TOKEN=hunter-refresh-0"}, []string{"refresh_token"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRealm(t)
			h, _ := r.connect(t, tt.settings...)
			probe(t, h, tt.problem)
			if grants, _ := r.seen(); cmp.Diff(tt.grants, grants) != "" {
				t.Errorf("grants %q, want %q", grants, tt.grants)
			}
		})
	}
}

func TestIDHubUsesAccessTokenUntilItExpires(t *testing.T) {
	r := newRealm(t)
	h, _ := r.connect(t, "ACCESS_TOKEN="+r.newAccess(time.Hour), "REFRESH_TOKEN=hunter-refresh-0")
	probe(t, h, "")
	soon, _ := r.connect(t, "ACCESS_TOKEN="+r.newAccess(5*time.Second), "REFRESH_TOKEN=hunter-refresh-0")
	if grants, _ := r.seen(); grants != nil {
		t.Errorf("grants %q, want none", grants)
	}
	probe(t, soon, "")
	probe(t, soon, "")
	if grants, _ := r.seen(); len(grants) != 1 {
		t.Errorf("grants %q, want one refresh", grants)
	}
	// Somebody signs the account out: the token is refused before it expires.
	r.set(func() { clear(r.access) })
	probe(t, soon, "")
	grants, requests := r.seen()
	if diff := cmp.Diff([]string{"GET /info 401", "GET /info 200"}, requests); diff != "" || len(grants) != 1 {
		t.Errorf("grants %q, requests (-want +got):\n%s", grants, diff)
	}
}

func TestIDHubRefreshesOnceForAll(t *testing.T) {
	r := newRealm(t)
	h, _ := r.connect(t, "REFRESH_TOKEN=hunter-refresh-0")
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() { probe(t, h, "") })
	}
	all.Wait()
	if grants, _ := r.seen(); len(grants) != 1 {
		t.Errorf("%d grants, want one", len(grants))
	}
}

// A new refresh token outlives the program, and only in the hands of its owner.
func TestIDHubTokenFile(t *testing.T) {
	key, _ := newSealKey(t)
	other, _ := newSealKey(t)
	for _, sealing := range []string{"", key} {
		t.Run(fmt.Sprint("sealed ", sealing != ""), func(t *testing.T) {
			r := newRealm(t)
			path := filepath.Join(t.TempDir(), "token")
			begin := func(settings ...string) *idhubClient {
				h, _ := r.connect(t, append([]string{"REFRESH_TOKEN=hunter-refresh-0", "SCIM_ATLASSIAN_TOKEN_FILE=" + path, sealKeyName + "=" + sealing}, settings...)...)
				return h
			}
			for range 3 { // starts, each of which uses its refresh token up
				probe(t, begin(), "")
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != 0o600 {
				t.Errorf("mode %v, want 0600", info.Mode())
			}
			if open := strings.Contains(string(content), "hunter"); open != (sealing == "") {
				t.Errorf("the file is %q", content)
			}
			if left, err := filepath.Glob(filepath.Dir(path) + "/.*"); len(left) != 0 {
				t.Errorf("left behind: %q, %v", left, err)
			}

			// Two programs share the file: the one that comes second finds what the first was given.
			one, two := begin(), begin()
			probe(t, one, "")
			probe(t, two, "")
			r.set(func() { clear(r.access) })
			probe(t, one, "")

			// A new REFRESH_TOKEN in the settings wins over the file.
			r.set(func() { r.refresh = "hunter-refresh-new" })
			probe(t, begin("REFRESH_TOKEN=hunter-refresh-new"), "")
			probe(t, begin("REFRESH_TOKEN=hunter-refresh-new"), "")
			r.seen()

			if sealing != "" {
				h, logs := r.connect(t, "REFRESH_TOKEN=hunter-refresh-new", "SCIM_ATLASSIAN_TOKEN_FILE="+path, sealKeyName+"="+other)
				probe(t, h, "invalid_grant")
				if logs.FilterMessage("the token file is not used").Len() != 1 {
					t.Errorf("log: %v", logs.All())
				}
			}
		})
	}
}

func TestIDHubTokenFileProblems(t *testing.T) {
	t.Run("damaged", func(t *testing.T) {
		r := newRealm(t)
		path := write(t, "token", "hunter2")
		h, logs := r.connect(t, "REFRESH_TOKEN=hunter-refresh-0", "SCIM_ATLASSIAN_TOKEN_FILE="+path)
		probe(t, h, "")
		if logs.FilterMessage("the token file is not used").Len() != 1 {
			t.Errorf("log: %v", logs.All())
		}
		h, _ = r.connect(t, "REFRESH_TOKEN=hunter-refresh-0", "SCIM_ATLASSIAN_TOKEN_FILE="+path)
		probe(t, h, "") // it was written anew
	})
	t.Run("not to be written", func(t *testing.T) {
		r := newRealm(t)
		h, logs := r.connect(t, "REFRESH_TOKEN=hunter-refresh-0", "SCIM_ATLASSIAN_TOKEN_FILE="+filepath.Join(t.TempDir(), "absent", "token"))
		probe(t, h, "")
		if logs.FilterLevelExact(zap.ErrorLevel).Len() != 1 {
			t.Errorf("log: %v", logs.All())
		}
		r.set(func() { clear(r.access) })
		probe(t, h, "") // with the one in memory
	})
}

// Who gives up waiting for a token does not lose it for the others.
func TestIDHubTokenOutlivesItsRequest(t *testing.T) {
	r := newRealm(t)
	path := filepath.Join(t.TempDir(), "token")
	settings := []string{"REFRESH_TOKEN=hunter-refresh-0", "SCIM_ATLASSIAN_TOKEN_FILE=" + path}
	h, _ := r.connect(t, settings...)
	release := make(chan bool)
	r.set(func() { r.hold = release })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() {
		h.account.Load().token(ctx)
		close(done)
	}()
	cancel()
	close(release)
	<-done
	h, _ = r.connect(t, settings...)
	probe(t, h, "")
}

func TestIDHubProbe(t *testing.T) {
	for _, tt := range []struct {
		status  int
		problem string
	}{
		{http.StatusNoContent, ""},
		{http.StatusForbidden, "IDHub refuses the connector's token at /about?x=1 (403)"},
		{http.StatusNotFound, "IDHub answers /about?x=1 with 404"},
		{http.StatusFound, "IDHub answers /about?x=1 with 302"}, // the token goes nowhere else
		{http.StatusInternalServerError, "with 500"},
	} {
		r := newRealm(t)
		h, _ := r.connect(t, "REFRESH_TOKEN=hunter-refresh-0", "SCIM_ATLASSIAN_IDHUB_INFO_PATH=/about?x=1")
		r.set(func() { r.answers = []int{tt.status} })
		probe(t, h, tt.problem)
	}
	r := newRealm(t)
	h, _ := r.connect(t, "REFRESH_TOKEN=hunter-refresh-0")
	r.set(func() { r.down = true })
	probe(t, h, "the issuer of tokens cannot be asked")
}

func TestIDHubAnnounce(t *testing.T) {
	const (
		request = `POST /api/connectors %d {"connector":"JIRA","version":"(devel)","url":"https://scim.example/x","metadata":"https://scim.example/x/connector/metadata",` +
			`"health":"https://scim.example/x/connector/health","businessOwner":"Ann","itOwner":"Bob"}`
		heard, gaveUp = "announced to IDHub", "not announced to IDHub"
	)
	tests := []struct {
		name    string
		answers []int
		tries   int
		log     string
	}{
		{"heard", []int{201}, 1, heard},
		{"after a while", []int{503, 500, 429, 204}, 4, heard},
		{"never", []int{503, 503, 503, 503, 503, 503, 200}, announceTries, gaveUp},
		{"refused", []int{404, 200}, 1, gaveUp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRealm(t)
			h, logs := r.connect(t, "REFRESH_TOKEN=hunter-refresh-0", "SCIM_ATLASSIAN_IDHUB_ANNOUNCE_PATH=/api/connectors",
				"SCIM_ATLASSIAN_PUBLIC_URL=https://scim.example/x/", "BUSINESS_OWNER=Ann", "IT_OWNER=Bob")
			h.announcement.Version = "(devel)"
			r.set(func() { r.answers = append([]int(nil), tt.answers...) })
			h.announce(t.Context())
			var want []string
			for _, status := range tt.answers[:tt.tries] {
				want = append(want, fmt.Sprintf(request, status))
			}
			if _, got := r.seen(); cmp.Diff(want, got) != "" {
				t.Errorf("requests (-want +got):\n%s", cmp.Diff(want, got))
			}
			if logs.FilterMessage(tt.log).Len() != 1 {
				t.Errorf("log %v, want %q", logs.All(), tt.log)
			}
		})
	}
	t.Run("told to leave", func(t *testing.T) {
		r := newRealm(t)
		h, logs := r.connect(t, "REFRESH_TOKEN=hunter-refresh-0", "SCIM_ATLASSIAN_IDHUB_ANNOUNCE_PATH=/x", "SCIM_ATLASSIAN_PUBLIC_URL=https://scim.example")
		h.pause = time.Hour
		r.set(func() { r.answers = []int{503} })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		h.announce(ctx)
		if logs.FilterMessage(gaveUp).Len() != 1 {
			t.Errorf("log: %v", logs.All())
		}
	})
	t.Run("off", func(t *testing.T) {
		r := newRealm(t)
		h, _ := r.connect(t, "REFRESH_TOKEN=hunter-refresh-0")
		h.announce(t.Context())
		if grants, requests := r.seen(); grants != nil || requests != nil {
			t.Errorf("%q, %q, want nothing", grants, requests)
		}
	})
}

// serve announces itself when it listens, and its test shows whether IDHub accepts it.
func TestServeCallsIDHub(t *testing.T) {
	r := newRealm(t)
	environ := append(startEmulator(t), "SCIM_ATLASSIAN_IDHUB_URL="+r.url, "KEYCLOAK_REALM=alpha", "KEYCLOAK_CLIENT_ID=JIRA-connector", "REFRESH_TOKEN=hunter-refresh-0",
		"SCIM_ATLASSIAN_IDHUB_ANNOUNCE_PATH=/api/connectors", "SCIM_ATLASSIAN_PUBLIC_URL=https://scim.example")
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	base := "http://" + p.stderr.await(t, `"address":"([^"]+)"`)
	p.stderr.await(t, `"(announced to IDHub)"`)
	_, _, body := get(t, base+"/connector/test", "ann", "secret")
	var got struct {
		Capabilities []struct{ Name, Status, Detail string }
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, c := range got.Capabilities {
		if c.Name == "idhub" {
			found = c.Status + ", " + c.Detail
		}
	}
	if want := "ok, accepts the connector's token at /info"; found != want {
		t.Errorf("got %q, want %q", found, want)
	}
	if strings.Contains(p.stderr.String(), "hunter") {
		t.Error("the log holds a secret")
	}
}
