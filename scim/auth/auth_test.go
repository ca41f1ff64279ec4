package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

func TestParseCallers(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	digest := strings.Repeat("0a", sha256.Size)
	tests := []struct {
		name, in string
		problems []string // one piece of each line of the error
	}{
		{"token", `[{"name":"a","bearer_sha256":"` + digest + `","rights":{"*":"read"}}]`, nil},
		{"password", `[{"name":"a","username":"a","basic_bcrypt":"` + string(hash) + `","rights":{"Users":"write"}}]`, nil},
		{"empty", `[]`, []string{"no callers"}},
		{"not JSON", `name: a`, []string{"not a JSON array"}},
		{"unknown member", `[{"name":"a","token":"x"}]`, []string{"token"}},
		{"repeated member", `[{"name":"a","name":"b"}]`, []string{"duplicate"}},
		{
			"everything at once",
			`[{"bearer_sha256":"12","username":"a:b","content_type":"a\nb","rights":{"Robot":"read","User":"own","Users":"read"}},
			  {"name":"b","username":"b","basic_bcrypt":"plain","rights":{}}]`,
			[]string{"name is missing", "bearer_sha256 must be 64", "belong together", "colon", "content_type", `"Robot"`, `"own"`, "User is there twice", "caller 2 (b), line 2: basic_bcrypt", "rights are missing"},
		},
		{
			"twins",
			`[{"name":"a","bearer_sha256":"` + digest + `","rights":{"*":"read"}},{"name":"a","bearer_sha256":"` + strings.ToUpper(digest) + `","rights":{"*":"read"}}]`,
			[]string{"has the name of caller 1", "has the bearer_sha256 of caller 1"},
		},
		{"role of a realm", `[{"name":"a","realm_role":"x","rights":{"*":"read"}}]`, nil},
		{"role of a client", `[{"name":"a","client_role":"x/y/z","rights":{"*":"read"}}]`, nil},
		{"scope", `[{"name":"a","scope":"x","rights":{"*":"read"}}]`, nil},
		{"role and scope", `[{"name":"a","realm_role":"x","scope":"x","rights":{"*":"read"}}]`, []string{"exclude each other"}},
		{"role without client", `[{"name":"a","client_role":"x","rights":{"*":"read"}}]`, []string{"CLIENT/ROLE"}},
		{"one role twice", `[{"name":"a","realm_role":"x","rights":{"*":"read"}},{"name":"b","realm_role":"x","rights":{"*":"write"}}]`, []string{"has the realm_role of caller 1"}},
		{
			"choices",
			`[{"name":"a","scope":"x","rights":{"*":"read"},"delete_users":"disable","put_without_active":"clear","rich_text":"markdown"},{"name":"b","scope":"y","rights":{"*":"read"},"delete_users":"deactivate","rich_text":"plain","put_without_active":"disable"}]`,
			[]string{`caller 1 (a), line 1: put_without_active is "clear": use keep or disable`, `caller 1 (a), line 1: delete_users is "disable": use delete or deactivate`, `caller 1 (a), line 1: rich_text is "markdown": use rich or plain`},
		},
		{
			"times", `[{"name":"a","scope":"x","rights":{"*":"read"},"freshness":"soon","no_cache":"yes","patience":"-1s"},{"name":"b","scope":"y","rights":{"*":"read"},"freshness":"30s","no_cache":"ignore"}]`,
			[]string{`caller 1 (a), line 1: patience is "-1s"`, `caller 1 (a), line 1: freshness is "soon": use a duration such as 30s`, `caller 1 (a), line 1: no_cache is "yes": use ignore`},
		},
		{"nothing to prove", `[{"name":"a","rights":{"*":"read"}}]`, []string{"needs bearer_sha256"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseCallers([]byte(tt.in))
			var lines []string
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
			}
			if len(lines) != len(tt.problems) {
				t.Fatalf("got %d problems %q, want %d", len(lines), lines, len(tt.problems))
			}
			for _, want := range tt.problems {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to mention %q", err, want)
				}
			}
		})
	}
}

func TestCallerMay(t *testing.T) {
	callers, err := ParseCallers([]byte(`[{"name":"a","bearer_sha256":"` + strings.Repeat("00", sha256.Size) + `","rights":{"*":"write","Issues":"read"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Right{"*": Write, "Issue": Read}
	if diff := cmp.Diff(want, callers[0].Rights); diff != "" {
		t.Errorf("rights (-want +got):\n%s", diff)
	}
	tests := []struct {
		caller       Caller
		resourceType string
		read, write  bool
	}{
		{callers[0], "User", true, true},
		{callers[0], "Issue", true, false},
		{Caller{Rights: map[string]Right{"Group": Write}}, "Group", true, true},
		{Caller{Rights: map[string]Right{"Group": Write}}, "User", false, false},
		{Caller{}, "User", false, false},
	}
	for _, tt := range tests {
		if got := tt.caller.May(tt.resourceType, false); got != tt.read {
			t.Errorf("%v.May(%s, read) = %v, want %v", tt.caller.Rights, tt.resourceType, got, tt.read)
		}
		if got := tt.caller.May(tt.resourceType, true); got != tt.write {
			t.Errorf("%v.May(%s, write) = %v, want %v", tt.caller.Rights, tt.resourceType, got, tt.write)
		}
	}
}

// newTestAuthenticator knows ann with the password "secret", bob, whose hash costs more, and a token "t".
func newTestAuthenticator(t testing.TB, now func() time.Time) *Authenticator {
	t.Helper()
	digest := sha256.Sum256([]byte("t"))
	callers := []Caller{
		{Name: "token", BearerSHA256: Hashes{hex.EncodeToString(digest[:])}},
		{Name: "ann", Username: "ann", BasicBcrypt: Hashes{hashOf(t, "secret", bcrypt.MinCost)}},
		{Name: "bob", Username: "bob", BasicBcrypt: Hashes{hashOf(t, "other", bcrypt.MinCost+1)}},
	}
	a, err := New(Config{Callers: callers, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func hashOf(t testing.TB, password string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func request(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/scim/v2/Users", nil)
	r.Header["Authorization"] = authorization
	return r
}

func basicRequest(username, password string) *http.Request {
	r := request()
	r.SetBasicAuth(username, password)
	return r
}

func TestAuthenticate(t *testing.T) {
	a := newTestAuthenticator(t, time.Now)
	tests := []struct {
		name    string
		request *http.Request
		want    string // empty: refused
	}{
		{"nothing", request(), ""},
		{"bearer", request("Bearer t"), "token"},
		{"bearer, any case", request("bearer  t"), "token"},
		{"bearer, empty", request("Bearer "), ""},
		{"bearer, wrong", request("Bearer T"), ""},
		{"two credentials", request("Bearer t", "Bearer t"), ""},
		{"basic", basicRequest("ann", "secret"), "ann"},
		{"basic, wrong password", basicRequest("ann", "secrets"), ""},
		{"basic, another's password", basicRequest("ann", "other"), ""},
		{"basic, unknown with a known password", basicRequest("eve", "other"), ""},
		{"basic, empty", basicRequest("", ""), ""},
		{"basic, not base64", request("Basic %%%"), ""},
		{"hash as password", basicRequest("ann", a.callerHash("ann")), ""},
		{"another scheme", request("Digest t"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time may be answered from memory
				caller, err := a.Authenticate(tt.request)
				got := ""
				if err == nil {
					got = caller.Name
				} else if status, _ := statusOf(err); status != http.StatusUnauthorized {
					t.Errorf("got error %v, want a 401", err)
				}
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func (a *Authenticator) callerHash(username string) string {
	return string(a.book.Load().basics[username].passwords[0].hash)
}

// A password that was accepted once is answered without bcrypt until it has not been used for proofLifetime.
func TestAuthenticateRemembers(t *testing.T) {
	now := time.Now()
	a := newTestAuthenticator(t, func() time.Time { return now })
	signIn := func(password string) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := a.Authenticate(basicRequest("ann", password).WithContext(ctx))
		return err
	}
	if _, err := a.Authenticate(basicRequest("ann", "secret")); err != nil {
		t.Fatal(err)
	}
	for range cap(a.slots) {
		a.slots <- struct{}{} // no bcrypt from here on
	}
	for range 3 {
		now = now.Add(proofLifetime - time.Second)
		if err := signIn("secret"); err != nil {
			t.Errorf("proven password: %v", err)
		}
	}
	if err := signIn("guess"); !errors.Is(err, context.Canceled) {
		t.Errorf("guess beside a proven password: got %v, want to wait for a slot", err)
	}
	now = now.Add(proofLifetime)
	if err := signIn("secret"); !errors.Is(err, context.Canceled) {
		t.Errorf("expired proof: got %v, want to wait for a slot", err)
	}
}

// An unknown user name must cost as much as a known one with a wrong password: both wait for bcrypt.
func TestAuthenticateUnknownUserComparesToo(t *testing.T) {
	a := newTestAuthenticator(t, time.Now)
	for range cap(a.slots) {
		a.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, username := range []string{"ann", "eve"} {
		if _, err := a.Authenticate(basicRequest(username, "guess").WithContext(ctx)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want to wait for a slot", username, err)
		}
	}
	if got, want := string(a.book.Load().costliest), a.callerHash("bob"); got != want {
		t.Errorf("compares unknown names with %q, want the costliest hash %q", got, want)
	}
}

func TestAuthenticateConcurrently(t *testing.T) {
	a := newTestAuthenticator(t, time.Now)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			password := "secret"
			if i%2 == 0 {
				password = "guess"
			}
			_, err := a.Authenticate(basicRequest("ann", password))
			if status, _ := statusOf(err); (password == "secret") != (err == nil) || err != nil && status != http.StatusUnauthorized {
				t.Errorf("%s: got %v", password, err)
			}
		})
	}
	all.Wait()
}

func BenchmarkAuthenticate(b *testing.B) {
	a := newTestAuthenticator(b, time.Now)
	for name, r := range map[string]*http.Request{"basic": basicRequest("ann", "secret"), "bearer": request("Bearer t")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Authenticate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestMisreadCaller holds that a setting that cannot be read is named with its caller.
func TestMisreadCaller(t *testing.T) {
	for member, want := range map[string]string{
		`"announce_pagination":"yes"`: "caller 2 (okta), line 3: announce_pagination must be true or false",
		`"hide":"User.groups"`:        "caller 2 (okta), line 3: hide must be a list",
		`"rights":{"User":true}`:      "caller 2 (okta), line 3: rights.User must be a text",
		`"rights":"write"`:            "caller 2 (okta), line 3: rights must be an object",
		`"anounce_pagination":true`:   "caller 2 (okta), line 3: anounce_pagination is no setting",
		`"patience":5`:                "caller 2 (okta), line 3: patience must be a text",
	} {
		_, err := ParseCallers([]byte("[{\"name\":\"first\"},\n {\n" + member + `,"name":"okta"}]`))
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%s: %v, want %q", member, err, want)
		}
	}
	_, err := ParseCallers([]byte("[\n{\"name\":\"first\", \"scope\":\"x\", \"rights\":{\"*\":\"read\"}},\n\n{\"name\":\"okta\",\n\"rights\":{\"*\":\"read\"}}]"))
	if err == nil || !strings.HasPrefix(err.Error(), "caller 2 (okta), line 4: needs bearer_sha256") {
		t.Errorf("a caller without a secret: %v", err)
	}
}

// TestKinds holds what rights give of each kind of entitlement.
func TestKinds(t *testing.T) {
	for _, test := range []struct {
		rights map[string]Right
		kinds  map[string]string
		unsaid bool
	}{
		{map[string]Right{"*": Write}, nil, false},
		{map[string]Right{"Account": Write}, nil, true},
		{map[string]Right{"Account": Write, "Entitlement": Read}, nil, true},
		{map[string]Right{"Account": Write, "Entitlement:GROUP": Write}, map[string]string{"GROUP": "write"}, false},
		{map[string]Right{"*": Write, "Entitlement:PROJECT_ROLE": Read}, map[string]string{"GROUP": "write", "PROJECT_ROLE": "read"}, false},
		{map[string]Right{"*": Write, "Entitlement": Read, "Entitlement:GROUP": Write}, map[string]string{"GROUP": "write", "PROJECT_ROLE": "read"}, false},
		{unite(map[string]Right{"Account": Write}, map[string]Right{"Entitlement:GROUP": Read}), map[string]string{"GROUP": "write", "PROJECT_ROLE": "write"}, false},
		{unite(map[string]Right{"User": Read, "Entitlement:PROJECT_ROLE": Write}, map[string]Right{"Entitlement:GROUP": Read}), map[string]string{"GROUP": "read", "PROJECT_ROLE": "write"}, false},
	} {
		c := Caller{Rights: test.rights}
		if got := c.Policy().Kinds; !maps.Equal(got, test.kinds) || (got == nil) != (test.kinds == nil) || c.Unsaid() != test.unsaid {
			t.Errorf("%v: %v %v, want %v %v", test.rights, got, c.Unsaid(), test.kinds, test.unsaid)
		}
	}
}
