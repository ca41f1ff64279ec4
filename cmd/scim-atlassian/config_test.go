package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/scim/auth"
)

// complete is an environment with which nothing is wrong, less the names in without, with the pairs in with on top.
func complete(without string, with ...string) []string {
	var environ []string
	for _, pair := range []string{
		"DIRECTORY_ID=d", "DIRECTORY_API_KEY=k", "ADMIN_EMAIL=a@example.com", "ACCOUNT_SECURITY_API_KEY=t",
		"SITE_URL=https://site.example", "SCIM_ATLASSIAN_CALLERS_FILE=callers.json",
	} {
		if name, _, _ := strings.Cut(pair, "="); name != without {
			environ = append(environ, pair)
		}
	}
	return append(environ, with...)
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadConfigProblems(t *testing.T) {
	key := write(t, "key", "k\n")
	tests := []struct {
		name     string
		environ  []string
		problems []string // what each line of the error begins with
	}{
		{"complete", complete(""), nil},
		{"nothing at all", nil, []string{
			"DIRECTORY_ID is missing", "DIRECTORY_API_KEY is missing", "ADMIN_EMAIL is missing", "ACCOUNT_SECURITY_API_KEY is missing",
			"SCIM_ATLASSIAN_CALLERS_FILE is missing", "SITE_URL is missing",
		}},
		{"wrong types and a missing setting", complete("DIRECTORY_ID", "CONNECTOR_PORT=http", "SCIM_ATLASSIAN_PUBLIC_DISCOVERY=perhaps",
			"SCIM_ATLASSIAN_REQUEST_TIMEOUT=55", "SCIM_ATLASSIAN_LOG_LEVEL=loud"), []string{
			"CONNECTOR_PORT must be a whole number", "SCIM_ATLASSIAN_PUBLIC_DISCOVERY must be true or false",
			"SCIM_ATLASSIAN_REQUEST_TIMEOUT must be a duration", "SCIM_ATLASSIAN_LOG_LEVEL must be debug, info", "DIRECTORY_ID is missing",
		}},
		{"out of bounds", complete("", "CONNECTOR_PORT=70000", "SCIM_ATLASSIAN_MAX_RESULTS=0", "SCIM_ATLASSIAN_MAX_BODY_BYTES=1",
			"SCIM_ATLASSIAN_SCAN_BUDGET=0", "SCIM_ATLASSIAN_UPSTREAM_CONCURRENCY=0", "SCIM_ATLASSIAN_UPSTREAM_MAX_RETRIES=-1",
			"SCIM_ATLASSIAN_REQUEST_TIMEOUT=1ms"), []string{
			"CONNECTOR_PORT must be a port", "SCIM_ATLASSIAN_MAX_RESULTS must be at least 1", "SCIM_ATLASSIAN_MAX_BODY_BYTES must be at least 1024",
			"SCIM_ATLASSIAN_SCAN_BUDGET", "SCIM_ATLASSIAN_UPSTREAM_CONCURRENCY", "SCIM_ATLASSIAN_UPSTREAM_MAX_RETRIES must be at least 0",
			"SCIM_ATLASSIAN_REQUEST_TIMEOUT must be at least 1s",
		}},
		{"plain http to another machine", complete("SITE_URL", "SITE_URL=http://site.example", "SCIM_URL=http://10.0.0.1/scim/directory"),
			[]string{"SCIM_URL must be an https URL", "SITE_URL must be an https URL"}},
		{"plain http to another machine by setting", complete("SITE_URL", "SITE_URL=http://site.example", "SCIM_URL=http://10.0.0.1/scim/directory", "SCIM_ATLASSIAN_INSECURE_UPSTREAM=true"), nil},
		{"the setting and no URL", complete("SITE_URL", "SITE_URL=ftp://site.example", "SCIM_URL=http:///x", "SCIM_ATLASSIAN_INSECURE_UPSTREAM=true"),
			[]string{"SCIM_URL must be an https URL", "SITE_URL must be an https URL"}},
		{"plain http to this machine", complete("SITE_URL", "SITE_URL=http://127.0.0.1:7002", "SCIM_URL=http://localhost:7002/scim/directory"), nil},
		{"password in a URL", complete("SITE_URL", "SITE_URL=https://me:pw@site.example"), []string{"SITE_URL must be a URL without user"}},
		{"public URL with the base path", complete("", "SCIM_ATLASSIAN_PUBLIC_URL=https://x.example/scim/v2/"), []string{"SCIM_ATLASSIAN_PUBLIC_URL must end before"}},
		{"public URL without scheme", complete("", "SCIM_ATLASSIAN_PUBLIC_URL=x.example"), []string{"SCIM_ATLASSIAN_PUBLIC_URL must be an http or https URL"}},
		{"project names", complete("", "SCIM_ATLASSIAN_PROJECTS=OPS,human resources, HR"), []string{`SCIM_ATLASSIAN_PROJECTS: "human resources"`}},
		{"e-mail as domain", complete("", "SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN=a@b.example"), []string{"SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN"}},
		{"secret twice", complete("", "DIRECTORY_API_KEY_FILE="+key), []string{"DIRECTORY_API_KEY and DIRECTORY_API_KEY_FILE are both set"}},
		{"secret file missing", complete("DIRECTORY_API_KEY", "DIRECTORY_API_KEY_FILE="+key+"x"), []string{"DIRECTORY_API_KEY_FILE: open", "DIRECTORY_API_KEY is missing"}},
		{"events of no organization", complete("", "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY=k"), []string{"SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY needs SCIM_ATLASSIAN_ORGANIZATION_ID"}},
		{"half an organization", complete("", "SCIM_ATLASSIAN_ORGANIZATION_ID=o"), []string{"SCIM_ATLASSIAN_ORGANIZATION_ID and SCIM_ATLASSIAN_ORGANIZATION_API_KEY need"}},
		{"one caller in the environment", complete("SCIM_ATLASSIAN_CALLERS_FILE", "SCIM_ATLASSIAN_BASIC_USERNAME=u", "SCIM_ATLASSIAN_BASIC_PASSWORD=p"), nil},
		{"half a caller", complete("", "SCIM_ATLASSIAN_BASIC_USERNAME=u"), []string{"SCIM_ATLASSIAN_BASIC_USERNAME and SCIM_ATLASSIAN_BASIC_PASSWORD belong together"}},
		{"IDHub's tokens alone", complete("SCIM_ATLASSIAN_CALLERS_FILE", "IDHUB_HOSTNAME=h.example:8443", "KEYCLOAK_REALM=alpha", "KEYCLOAK_CLIENT_ID=c"), nil},
		{"IDHub without realm", complete("SCIM_ATLASSIAN_CALLERS_FILE", "IDHUB_HOSTNAME=h.example", "KEYCLOAK_CLIENT_ID=c"), []string{"SCIM_ATLASSIAN_CALLERS_FILE is missing"}},
		{"IDHub without client", complete("", "IDHUB_HOSTNAME=h.example", "KEYCLOAK_REALM=alpha"), []string{"KEYCLOAK_CLIENT_ID is missing"}},
		{"IDHub as URL", complete("", "IDHUB_HOSTNAME=https://h.example"), []string{"IDHUB_HOSTNAME must be a host name"}},
		{"issuer over plain http", complete("", "SCIM_ATLASSIAN_OIDC_ISSUER=http://h.example/realms/x", "SCIM_ATLASSIAN_OIDC_AUDIENCE=a,,b", "SCIM_ATLASSIAN_OIDC_CLOCK_SKEW=1h"), []string{
			"SCIM_ATLASSIAN_OIDC_ISSUER must be an https URL", "SCIM_ATLASSIAN_OIDC_AUDIENCE must be a comma list", "SCIM_ATLASSIAN_OIDC_CLOCK_SKEW must be from 0s to 5m0s",
		}},
		{"no address for metrics", complete("", "ADMIN_LISTEN=7003"), []string{"ADMIN_LISTEN must be an address"}},
		{"IDHub's paths", complete("", "SCIM_ATLASSIAN_IDHUB_URL=http://idhub.example", "SCIM_ATLASSIAN_IDHUB_INFO_PATH=info", "SCIM_ATLASSIAN_IDHUB_ANNOUNCE_PATH=//other.example/x"), []string{
			"SCIM_ATLASSIAN_IDHUB_URL must be an https URL", "SCIM_ATLASSIAN_IDHUB_INFO_PATH must be a path", "SCIM_ATLASSIAN_IDHUB_ANNOUNCE_PATH must be a path", "SCIM_ATLASSIAN_PUBLIC_URL is missing",
		}},
		{"tokens without issuer", complete("", "IDHUB_HOSTNAME=h.example", "REFRESH_TOKEN=r"), []string{"KEYCLOAK_REALM is missing"}},
		{"tokens without client", complete("", "SCIM_ATLASSIAN_OIDC_ISSUER=https://h.example", "SCIM_ATLASSIAN_OIDC_AUDIENCE=a", "SCIM_ATLASSIAN_OIDC_USERNAME=u"), []string{
			"SCIM_ATLASSIAN_OIDC_USERNAME and SCIM_ATLASSIAN_OIDC_PASSWORD belong together", "KEYCLOAK_CLIENT_ID is missing",
		}},
		{"empty means unset", complete("", "SCIM_URL=", "SCIM_ATLASSIAN_MAX_RESULTS="), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig(tt.environ, "")
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			beginsAlike := cmp.Comparer(func(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) })
			if diff := cmp.Diff(tt.problems, got, beginsAlike); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadConfigSources(t *testing.T) {
	file := write(t, "env", "SITE_URL=https://file.example\nADMIN_EMAIL=file@example.com # of the file\nDIRECTORY_API_KEY='a$b#c d'\nSCIM_ATLASSIAN_PROJECTS=A, B\n")
	token := write(t, "token", "from-file\r\n")
	environ := []string{
		"SITE_URL=https://environment.example", "ADMIN_EMAIL=", "DIRECTORY_ID=d", "ACCOUNT_SECURITY_API_KEY_FILE=" + token,
		"SCIM_ATLASSIAN_CALLERS_FILE=c", "SCIM_ATLASSIAN_PUBLIC_DISCOVERY=true", "SCIM_ATLASSIAN_LOG_LEVEL=warn", "PATH=/bin",
	}
	want := defaultConfig()
	want.SiteURL = "https://environment.example"
	want.AdminEmail = "file@example.com"
	want.DirectoryAPIKey = "a$b#c d"
	want.DirectoryID = "d"
	want.AccountSecurityAPIKey = "from-file"
	want.CallersFile = "c"
	want.Projects = []string{"A", "B"}
	want.PublicDiscovery = true
	want.LogLevel = zapcore.WarnLevel
	got, _, err := loadConfig(environ, file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

// An empty ADMIN_LISTEN means off; like any variable, the environment's wins over the file's.
func TestAdminListen(t *testing.T) {
	file := write(t, "env", "ADMIN_LISTEN=:9000\n")
	empty := write(t, "env", "ADMIN_LISTEN=\n")
	tests := []struct {
		name, file string
		environ    []string
		want       string
	}{
		{"nowhere", "", nil, adminDefault},
		{"file", file, nil, ":9000"},
		{"file, empty", empty, nil, ""},
		{"environment", file, []string{"ADMIN_LISTEN=:9001"}, ":9001"},
		{"environment, empty", file, []string{"ADMIN_LISTEN="}, ""},
	}
	for _, tt := range tests {
		c, _, err := loadConfig(complete("", tt.environ...), tt.file)
		if err != nil || c.AdminListen != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, c.AdminListen, err, tt.want)
		}
	}
}

func TestLoadConfigEnvFile(t *testing.T) {
	if _, _, err := loadConfig(complete(""), filepath.Join(t.TempDir(), "absent")); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("absent file: got %v, want an error that names it", err)
	}
	_, _, err := loadConfig(complete(""), write(t, "env", "ADMIN EMAIL hunter2\n"))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("broken file: got %v, want an error that does not quote it", err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("DIRECTORY_ID=from-dot-env\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := loadConfig(complete("DIRECTORY_ID"), "")
	if err != nil || c.DirectoryID != "from-dot-env" {
		t.Errorf("got DIRECTORY_ID %q, %v; want that of .env", c.DirectoryID, err)
	}
}

// The sample names every setting, and the values of its commented lines are the defaults.
func TestSampleFile(t *testing.T) {
	sample, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	uncommented := regexp.MustCompile(`(?m)^#([A-Z_]+=)`).ReplaceAllString(string(sample), "$1")
	filledIn := strings.NewReplacer("ADMIN_EMAIL=replace-me", "ADMIN_EMAIL=me@example.com", "=replace-me", "=mine", "//your-site.", "//mine.").Replace(uncommented)
	got, doubts, err := loadConfig(nil, write(t, "env", filledIn))
	if err != nil || doubts != nil {
		t.Fatal(err, doubts)
	}
	want := defaultConfig()
	want.AdminEmail, want.AccountSecurityAPIKey, want.SiteURL = "me@example.com", "mine", "https://mine.atlassian.net"
	want.DirectoryID, want.DirectoryAPIKey = "mine", "mine"
	want.KeycloakClientID, want.CallersFile = "JIRA-connector", "config/callers.json"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	for field := range reflect.TypeFor[config]().Fields() {
		if name := field.Tag.Get("env"); !strings.Contains(uncommented, "\n"+name+"=") {
			t.Errorf("the sample lacks %s", name)
		}
	}
	_, _, err = loadConfig(nil, write(t, "env", string(sample)))
	if diff := cmp.Diff([]string{
		"ACCOUNT_SECURITY_API_KEY still holds the placeholder replace-me: put your own value there",
		"ADMIN_EMAIL still holds the placeholder replace-me: put your own value there",
		"DIRECTORY_API_KEY still holds the placeholder replace-me: put your own value there",
		"DIRECTORY_ID still holds the placeholder replace-me: put your own value there",
		"SITE_URL still holds the placeholder your-site: put your own value there",
	}, slices.Sorted(strings.SplitSeq(fmt.Sprint(err), "\n"))); diff != "" {
		t.Errorf("problems of the sample as it stands (-want +got):\n%s", diff)
	}
}

// The variables of IDHub's guide are enough to serve, as they stand there, and the page about the guide names each.
func TestSeedVariables(t *testing.T) {
	page, err := os.ReadFile("../../docs/idhub.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{
		"ADMIN_EMAIL=admin@example.com", "BUSINESS_OWNER=Bea Owner", "IT_OWNER=Ito Owner", "IDHUB_HOSTNAME=idhub.example.com",
		"ACCESS_TOKEN=eyJhbGciOi.x.y", "REFRESH_TOKEN=eyJhbGciOi.x.z", "KEYCLOAK_CLIENT_ID=JIRA-connector", "KEYCLOAK_REALM=alpha",
		"CONNECTOR_PORT=7001", "DIRECTORY_API_KEY=key", "DIRECTORY_ID=0d1ec701-0000-4000-8000-000000000001",
		"SCIM_URL=https://api.atlassian.com/scim/directory", "ACCOUNT_SECURITY_API_KEY=token", "SITE_URL=https://site.atlassian.net",
	}
	if _, doubts, err := loadConfig(nil, write(t, "env", strings.Join(lines, "\n"))); err != nil || doubts != nil {
		t.Error(err, doubts)
	}
	for _, line := range lines {
		if name, _, _ := strings.Cut(line, "="); !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/idhub.md lacks %s", name)
		}
	}
}

// The examples of callers files in the documentation are some.
func TestDocumentedCallers(t *testing.T) {
	for _, path := range []string{"../../docs/callers.md", "../../docs/security.md", "../../docs/guides.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		examples := regexp.MustCompile("(?s)```json\n(\\[.*?)```").FindAllSubmatch(text, -1)
		if examples == nil {
			t.Fatalf("%s has no JSON example", path)
		}
		for _, example := range examples {
			if _, err := auth.ParseCallers(example[1]); err != nil {
				t.Errorf("%s: %v in\n%s", path, err, example[1])
			}
		}
	}
}

func TestIssuer(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		want    *auth.Issuer
	}{
		{"none", complete(""), nil},
		{"IDHub's", complete("", "IDHUB_HOSTNAME=idhub.example", "KEYCLOAK_REALM=alpha beta", "KEYCLOAK_CLIENT_ID=c"),
			&auth.Issuer{URL: "https://idhub.example/auth/realms/alpha%20beta", Audience: []string{"c"}, Skew: 30 * time.Second}},
		{"another", complete("", "IDHUB_HOSTNAME=idhub.example", "KEYCLOAK_REALM=alpha", "KEYCLOAK_CLIENT_ID=c", "SCIM_ATLASSIAN_OIDC_ISSUER=https://sso.example/realms/x/",
			"SCIM_ATLASSIAN_OIDC_AUDIENCE=a, b", "SCIM_ATLASSIAN_OIDC_CLOCK_SKEW=0s"),
			&auth.Issuer{URL: "https://sso.example/realms/x/", Audience: []string{"a", "b"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _, err := loadConfig(tt.environ, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.issuer()); diff != "" {
				t.Errorf("issuer (-want +got):\n%s", diff)
			}
		})
	}
}
