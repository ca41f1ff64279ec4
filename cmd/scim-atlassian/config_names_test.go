package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearestSetting(t *testing.T) {
	tests := []struct{ name, want string }{
		{"SCIM_ATLASSIAN_PROJECT", "SCIM_ATLASSIAN_PROJECTS"},
		{"SCIM_ATLASSIAN_PROJECST", "SCIM_ATLASSIAN_PROJECTS"},
		{"SCIM_ATLASIAN_PROJECTS", "SCIM_ATLASSIAN_PROJECTS"},
		{"SCIM_PROJECTS", "SCIM_ATLASSIAN_PROJECTS"},
		{"PROJECTS", "SCIM_ATLASSIAN_PROJECTS"},
		{"SCIM_ATLASSIAN_ORGANISATION_ID", "SCIM_ATLASSIAN_ORGANIZATION_ID"},
		{"SCIM_ATLASSIAN_TTL", "SCIM_ATLASSIAN_SNAPSHOT_TTL"},
		{"SCIM_ATLASSIAN_MAX_RESULT", "SCIM_ATLASSIAN_MAX_RESULTS"},
		{"SCIM_ATLASSIAN_SEAL_KEYFILE", "SCIM_ATLASSIAN_SEAL_KEY_FILE"},
		{"SCIM_ATLASSIAN_SITE_URL", "SITE_URL"},
		{"SCIM_ATLASSIAN_PORT", "CONNECTOR_PORT"},
		{"SCIM_ATLASSIAN_LISTEN", "ADMIN_LISTEN"},
		{"SITE_ULR", "SITE_URL"},
		{"site_url", "SITE_URL"},
		{"ITOWNER", "IT_OWNER"},
		{"DIRECTORY_KEY", "DIRECTORY_API_KEY"},
		{"IDHUB_HOST", "IDHUB_HOSTNAME"},
		{"ACCOUNT_API_KEY", "ACCOUNT_SECURITY_API_KEY"},
		{"ACCESS_TOKENS_FILE", "ACCESS_TOKEN_FILE"},
		{"ADMIN_EMAIL_FILE", "ADMIN_EMAIL"},
	}
	for _, tt := range tests {
		if got := nearestSetting(tt.name); got != tt.want {
			t.Errorf("nearest to %s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestEdits(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "URL", 3}, {"URL", "", 3}, {"URL", "URL", 0}, {"ULR", "URL", 1}, {"URI", "URL", 1}, {"UR", "URL", 1},
		{"URLS", "URL", 1}, {"LRU", "URL", 2}, {"KITTEN", "SITTING", 3},
	}
	for _, tt := range tests {
		if got := edits(tt.a, tt.b); got != tt.want {
			t.Errorf("edits(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// What becomes of a variable that is no setting, in the file and in the environment.
func TestCheckNames(t *testing.T) {
	const passed, doubted, refused = "passed over", "doubted", "refused"
	tests := []struct{ pair, inFile, inEnvironment string }{
		{"SCIM_ATLASSIAN_PROJECTS=OPS", passed, passed},
		{"DIRECTORY_API_KEY_FILE=/run/secrets/key", passed, passed},
		{"SCIM_ATLASSIAN_SEAL_KEY_FILE=/run/secrets/key", passed, passed},

		{"SCIM_ATLASSIAN_PROJECT=OPS", refused, refused},
		{"SCIM_ATLASSIAN_PROJECT=", refused, refused},
		{"SCIM_ATLASSIAN_PROJECTS_FILE=/projects", refused, refused}, // no secret
		{"SCIM_ATLASSIAN_NOTHING_LIKE_IT=1", refused, refused},
		{"SCIM_ATLASSIAN_=1", refused, refused},

		{"ADMIN_MAIL=a@example.com", refused, doubted},
		{"BUSINES_OWNER=x", refused, doubted},
		{"ITOWNER=x", refused, doubted},
		{"IDHUB_HOST=x", refused, doubted},
		{"ACCES_TOKEN=x", refused, doubted},
		{"REFRESH_TOKENS=x", refused, doubted},
		{"KEYCLOAK_CLIENTID=x", refused, doubted},
		{"KEYCLOAK_RELAM=x", refused, doubted},
		{"CONECTOR_PORT=1", refused, doubted},
		{"DIRECTORY_KEY=x", refused, doubted},
		{"DIRECTORY__ID=x", refused, doubted},
		{"SCIM_URI=x", refused, doubted},
		{"ACCOUNT_SECURITY_KEY=x", refused, doubted},
		{"SITE_ULR=x", refused, doubted},
		{"Site_Url=x", refused, doubted},
		{"ADMIN_EMAIL_FILE=/mail", refused, doubted}, // no secret
		{"ADMIN_LISTENER=x", refused, doubted},
		{"SCIM_ATLASIAN_PROJECTS=OPS", refused, doubted},
		{"SCIM_PROJECTS=OPS", refused, doubted},
		{"scim_atlassian_projects=OPS", refused, doubted},
		{"PROJECTS=OPS", doubted, doubted},
		{"LOG_LEVEL=debug", doubted, doubted},

		{"SCIM_ATLASSIAN_SERVICE_HOST=10.0.0.1", passed, passed},
		{"SCIM_ATLASSIAN_SERVICE_PORT=7001", passed, passed},
		{"SCIM_ATLASSIAN_SERVICE_PORT_HTTP=7001", passed, passed},
		{"SCIM_ATLASSIAN_PORT=tcp://10.0.0.1:7001", passed, passed},
		{"SCIM_ATLASSIAN_PORT_7001_TCP=tcp://10.0.0.1:7001", passed, passed},
		{"SCIM_ATLASSIAN_PORT_7001_TCP_PROTO=tcp", passed, passed},
		{"SCIM_ATLASSIAN_PORT_7001_TCP_PORT=7001", passed, passed},
		{"SCIM_ATLASSIAN_PORT_7001_TCP_ADDR=10.0.0.1", passed, passed},
		{"SCIM_ATLASSIAN_METRICS_SERVICE_HOST=10.0.0.1", passed, passed},
		{"SCIM_ATLASSIAN_METRICS_PORT=tcp://10.0.0.1:7003", passed, passed},
		{"SCIM_ATLASSIAN_METRICS_PORT=7003", refused, refused},
		{"SCIM_ATLASSIAN_SERVICE_HOSTS=10.0.0.1", refused, refused},

		{"PATH=/bin", passed, passed},
		{"COMPOSE_PROJECT_NAME=scim", passed, passed},
		{"KEYCLOAK_CLIENT_SECRET=x", passed, passed},
		{"GITHUB_ACCESS_TOKEN=x", passed, passed},
		{"BASE_URL=x", passed, passed},
		{"DB_OWNER=x", passed, passed},
		{"SCIM_TOKEN=x", passed, passed},
		{"OWNER=x", passed, passed},
	}
	found := func(problems, doubts []error) string {
		switch {
		case len(problems) == 1 && doubts == nil:
			return refused
		case len(doubts) == 1 && problems == nil:
			return doubted
		case problems == nil && doubts == nil:
			return passed
		default:
			return errors.Join(append(problems, doubts...)...).Error()
		}
	}
	for _, tt := range tests {
		name, value, _ := strings.Cut(tt.pair, "=")
		inFile := found(checkNames(&variablesFile{name: ".env", variables: map[string]string{name: value}}, nil))
		inEnvironment := found(checkNames(&variablesFile{}, []string{tt.pair}))
		if inFile != tt.inFile || inEnvironment != tt.inEnvironment {
			t.Errorf("%s: %s in the file, %s in the environment; want %s, %s", tt.pair, inFile, inEnvironment, tt.inFile, tt.inEnvironment)
		}
	}
}

// No setting is taken for a misspelling of another, whatever comes next.
func TestSettingsAreFarApart(t *testing.T) {
	names := settingNames()
	for _, name := range names {
		if got := nearestSetting(name); got != name {
			t.Errorf("nearest to %s: %s", name, got)
		}
	}
	if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a name twice in %q", names)
	}
}

// Values that the reader of the file cuts are told from those that it keeps; the value itself proves which is which.
func TestCutSecrets(t *testing.T) {
	tests := []struct {
		line, value string
		doubt       string // what the doubt says, none if empty
	}{
		{`DIRECTORY_API_KEY=swordfish`, "swordfish", ""},
		{`DIRECTORY_API_KEY=sword#fish`, "sword#fish", ""},
		{`DIRECTORY_API_KEY=#swordfish`, "#swordfish", ""},
		{`DIRECTORY_API_KEY=sword #fish`, "sword", "a #"},
		{`DIRECTORY_API_KEY=sword	# fish`, "sword", "a #"},
		{`export DIRECTORY_API_KEY = sword #fish`, "sword", "a #"},
		{`DIRECTORY_API_KEY: sword #fish`, "sword", "a #"},
		{`DIRECTORY_API_KEY='sword #fish'`, "sword #fish", ""},
		{`DIRECTORY_API_KEY="sword #fish"`, "sword #fish", ""},
		{`DIRECTORY_API_KEY='sword' # fish and $FISH`, "sword", ""},
		{`DIRECTORY_API_KEY="sword" # fish and $FISH`, "sword", ""},
		{`DIRECTORY_API_KEY=sword$FISH`, "sword", "a $"},
		{`DIRECTORY_API_KEY=sword$5fish`, "swordfish", "a $"},
		{`DIRECTORY_API_KEY=sword${FISH}`, "sword", "a $"},
		{`DIRECTORY_API_KEY=sword$(fish`, "sword$(fish", ""},
		{`DIRECTORY_API_KEY=sword$(FISH`, "sword", "a $"},
		{`DIRECTORY_API_KEY="sword$FISH"`, "sword", "a $"},
		{`DIRECTORY_API_KEY="say \"sword\" $FISH"`, `say "sword" `, "a $"},
		{`DIRECTORY_API_KEY='sword$FISH'`, "sword$FISH", ""},
		{`DIRECTORY_API_KEY=sword\$FISH`, "sword$FISH", ""},
		{`DIRECTORY_API_KEY=sword$fish`, "sword$fish", ""},
		{`DIRECTORY_API_KEY=swordfish$`, "swordfish$", ""},
		{"IT_OWNER=fish\nDIRECTORY_API_KEY=sword$IT_OWNER", "swordfish", ""}, // it is there
		{"# DIRECTORY_API_KEY=sword #fish\nDIRECTORY_API_KEY=sword", "sword", ""},
		{"SCIM_ATLASSIAN_SEAL_KEY='first\nDIRECTORY_API_KEY=sword #fish\n'\nDIRECTORY_API_KEY=sword", "sword", ""},
		{"DIRECTORY_API_KEY=sword #fish\r\nIT_OWNER=x", "sword", "a #"},
		{"DIRECTORY_API_KEY=sword\nIT_OWNER=x #y $Z", "sword", ""}, // no secret
	}
	for _, tt := range tests {
		file, err := readVariablesFile(write(t, "env", tt.line+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", tt.line, err)
		}
		if got := file.variables["DIRECTORY_API_KEY"]; got != tt.value {
			t.Errorf("%s is read as %q, want %q", tt.line, got, tt.value)
		}
		doubts := file.cutSecrets()
		var got string
		if doubts != nil {
			got = errors.Join(doubts...).Error()
		}
		if (got == "") != (tt.doubt == "") || !strings.Contains(got, tt.doubt) || strings.Contains(got, "sword") || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want one doubt about %q, without the value", tt.line, got, tt.doubt)
		}
	}
}

// settingsRun is the outcome of serve and check with a file and an environment.
type settingsRun struct {
	serve, check int      // exit codes
	refused      []string // lines of serve's error
	findings     []string // of check, about the settings
}

// The program refuses misspelt names before it calls Atlassian, and says where they are and which name is nearest.
func TestMisspeltSettings(t *testing.T) {
	good := startEmulator(t)
	tests := []struct {
		name    string
		file    string
		environ []string
		want    settingsRun
	}{
		{"in the file", "SCIM_ATLASSIAN_PROJECT=OPS\nSITE_ULR=x\n", nil, settingsRun{exitFailed, exitFailed,
			[]string{"SCIM_ATLASSIAN_PROJECT in FILE is no setting: the nearest name is SCIM_ATLASSIAN_PROJECTS", "SITE_ULR in FILE is no setting: the nearest name is SITE_URL"},
			[]string{"FAIL  configuration: SCIM_ATLASSIAN_PROJECT in FILE is no setting: the nearest name is SCIM_ATLASSIAN_PROJECTS", "FAIL  configuration: SITE_ULR in FILE is no setting: the nearest name is SITE_URL"},
		}},
		{"in the environment", "", []string{"SCIM_ATLASSIAN_PROJECT=OPS"}, settingsRun{exitFailed, exitFailed,
			[]string{"SCIM_ATLASSIAN_PROJECT in the environment is no setting: the nearest name is SCIM_ATLASSIAN_PROJECTS"},
			[]string{"FAIL  configuration: SCIM_ATLASSIAN_PROJECT in the environment is no setting: the nearest name is SCIM_ATLASSIAN_PROJECTS"},
		}},
		{"placeholders", "", []string{"SITE_URL=https://your-site.atlassian.net", "DIRECTORY_ID=replace-me"}, settingsRun{exitFailed, exitFailed,
			[]string{"DIRECTORY_ID still holds the placeholder replace-me: put your own value there", "SITE_URL still holds the placeholder your-site: put your own value there"},
			[]string{"FAIL  configuration: DIRECTORY_ID still holds the placeholder replace-me: put your own value there", "FAIL  configuration: SITE_URL still holds the placeholder your-site: put your own value there"},
		}},
		{"a secret cut to nothing", "DIRECTORY_API_KEY=$SWORDFISH\n", []string{"DIRECTORY_API_KEY="}, settingsRun{exitFailed, exitFailed,
			[]string{"DIRECTORY_API_KEY is missing: Atlassian Administration shows it once, when the directory is made or its key is regenerated",
				"DIRECTORY_API_KEY in FILE looks cut short: a $ stands there for the value of another variable, and there is none; put the value in single quotes"},
			[]string{"FAIL  configuration: DIRECTORY_API_KEY is missing: Atlassian Administration shows it once, when the directory is made or its key is regenerated",
				"part  doubtful settings: DIRECTORY_API_KEY in FILE looks cut short: a $ stands there for the value of another variable, and there is none; put the value in single quotes"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, "env", tt.file)
			lines := func(text string) []string {
				return strings.Split(strings.TrimSpace(strings.ReplaceAll(text, file, "FILE")), "\n")
			}
			environ := withSettings(good, tt.environ...)
			serve := start(t, environ, "serve", "--env-file", file, "--listen", "127.0.0.1:0")
			check := start(t, environ, "check", "--env-file", file)
			got := settingsRun{serve: serve.wait(t), check: check.wait(t)}
			got.refused = lines(serve.stderr.String())[1:] // after "the configuration is not usable"
			got.findings = lines(check.stdout.String())
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(settingsRun{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What only looks wrong is told, by serve in the log and by check, and keeps neither from its work. Service links of
// Kubernetes are not even told.
func TestDoubtfulSettings(t *testing.T) {
	environ := withSettings(startEmulator(t), "SITE_ULR=x", "SCIM_ATLASSIAN_SERVICE_HOST=10.0.0.1", "SCIM_ATLASSIAN_PORT=tcp://10.0.0.1:7001")
	file := write(t, "env", "ACCESS_TOKEN=sword #fish\n")
	doubts := []string{
		"SITE_ULR in the environment is no setting: the nearest name is SITE_URL",
		"ACCESS_TOKEN in " + file + " looks cut short: it ends before a #; put the value in single quotes, or the comment on a line of its own",
	}
	check := start(t, environ, "check", "--env-file", file)
	want := "ok    configuration\npart  doubtful settings: " + doubts[0] + "\npart  doubtful settings: " + doubts[1] + "\nok    callers: 1\n"
	if code := check.wait(t); code != exitOK || !strings.HasPrefix(check.stdout.String(), want) {
		t.Errorf("check: exit code %d, %s; want %d, %s", code, check.stdout.String(), exitOK, want)
	}
	serve := start(t, environ, "serve", "--env-file", file, "--listen", "127.0.0.1:0")
	serve.stderr.await(t, `"(listening)"`)
	for _, doubt := range doubts {
		if !strings.Contains(serve.stderr.String(), `"doubtful setting","detail":"`+doubt+`"`) {
			t.Errorf("serve does not tell %q: %s", doubt, serve.stderr.String())
		}
	}
	if got := strings.Count(serve.stderr.String(), "doubtful setting"); got != len(doubts) {
		t.Errorf("serve tells %d doubts, want %d: %s", got, len(doubts), serve.stderr.String())
	}
}

// withSettings are the pairs of environ with others in their place or on top.
func withSettings(environ []string, pairs ...string) []string {
	names := make(map[string]bool)
	for _, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		names[name] = true
	}
	kept := slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return names[name]
	})
	return append(kept, pairs...)
}
