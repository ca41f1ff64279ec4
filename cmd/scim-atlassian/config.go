package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/origin"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
)

// config has every setting of serve and check. The first fourteen are settings of IDHub's connector too.
type config struct {
	AdminEmail            string `env:"ADMIN_EMAIL"`              // Jira user
	BusinessOwner         string `env:"BUSINESS_OWNER"`           // person responsible for the connected application
	ITOwner               string `env:"IT_OWNER"`                 // person who runs it
	IDHubHostname         string `env:"IDHUB_HOSTNAME"`           // of the IDHub that owns the connector
	AccessToken           secret `env:"ACCESS_TOKEN"`             // IDHub's, from Keycloak
	RefreshToken          secret `env:"REFRESH_TOKEN"`            // IDHub's, from Keycloak
	KeycloakClientID      string `env:"KEYCLOAK_CLIENT_ID"`       // OAuth client of the connector
	KeycloakRealm         string `env:"KEYCLOAK_REALM"`           // IDHub tenant
	ConnectorPort         int    `env:"CONNECTOR_PORT"`           // port of the service, every interface
	DirectoryAPIKey       secret `env:"DIRECTORY_API_KEY"`        // bearer token of the directory API
	DirectoryID           string `env:"DIRECTORY_ID"`             // which directory
	SCIMURL               string `env:"SCIM_URL"`                 // base of the directory API, with or without the directory id
	AccountSecurityAPIKey secret `env:"ACCOUNT_SECURITY_API_KEY"` // Jira API token of AdminEmail
	SiteURL               string `env:"SITE_URL"`                 // Jira site, or https://api.atlassian.com/ex/jira/{cloudId}

	AdminListen  string `env:"ADMIN_LISTEN"`                // address of /metrics; empty: none
	Profiles     bool   `env:"SCIM_ATLASSIAN_PPROF"`        // the process tells about itself there, if nobody else reaches it
	OTLPEndpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"` // URL of the collector that spans go to; empty: none are made
	OTLPHeaders  secret `env:"OTEL_EXPORTER_OTLP_HEADERS"`  // of what is sent to it, NAME=value,…

	InsecureUpstream bool `env:"SCIM_ATLASSIAN_INSECURE_UPSTREAM"` // plain http to Atlassian's APIs beyond this machine, for an emulator

	OrganizationOldList   bool   `env:"SCIM_ATLASSIAN_ORGANIZATION_OLD_LIST"`   // read accounts from the list that Atlassian ends, not from the search that replaces it
	OrganizationEventsKey secret `env:"SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY"` // API key with the scope read:events:admin

	OrganizationID         string `env:"SCIM_ATLASSIAN_ORGANIZATION_ID"`                 // organization whose accounts are administered; empty: off
	OrganizationAPIKey     secret `env:"SCIM_ATLASSIAN_ORGANIZATION_API_KEY"`            // its API key, without scopes
	DirectoryKeyExpires    string `env:"SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES"`           // when DirectoryAPIKey ends, to be warned before; empty: not known
	OrganizationKeyExpires string `env:"SCIM_ATLASSIAN_ORGANIZATION_KEY_EXPIRES"`        // likewise OrganizationAPIKey
	EventsKeyExpires       string `env:"SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY_EXPIRES"` // likewise OrganizationEventsKey
	APITokenExpires        string `env:"SCIM_ATLASSIAN_API_TOKEN_EXPIRES"`               // likewise AccountSecurityAPIKey, where Atlassian does not tell

	CallersFile       string        `env:"SCIM_ATLASSIAN_CALLERS_FILE"`        // JSON, see auth.ParseCallers
	BasicUsername     secret        `env:"SCIM_ATLASSIAN_BASIC_USERNAME"`      // of one more caller, with the right to write
	BasicPassword     secret        `env:"SCIM_ATLASSIAN_BASIC_PASSWORD"`      // its password
	OIDCIssuer        string        `env:"SCIM_ATLASSIAN_OIDC_ISSUER"`         // whose access tokens are accepted; empty: IDHub's realm
	OIDCAudience      []string      `env:"SCIM_ATLASSIAN_OIDC_AUDIENCE"`       // the audience that tokens must name; none: KeycloakClientID
	OIDCSkew          time.Duration `env:"SCIM_ATLASSIAN_OIDC_CLOCK_SKEW"`     // between the issuer's clock and ours
	OIDCClientSecret  secret        `env:"SCIM_ATLASSIAN_OIDC_CLIENT_SECRET"`  // of KeycloakClientID; empty: a public client
	OIDCUsername      secret        `env:"SCIM_ATLASSIAN_OIDC_USERNAME"`       // of the connector's account at the issuer
	OIDCPassword      secret        `env:"SCIM_ATLASSIAN_OIDC_PASSWORD"`       // its password
	AccountFile       string        `env:"SCIM_ATLASSIAN_ACCOUNT_FILE"`        // mapping of /Accounts, see docs/mapping.md; empty: the usual one
	EntitlementFile   string        `env:"SCIM_ATLASSIAN_ENTITLEMENT_FILE"`    // mapping of /Entitlements; empty: the usual one
	IssueFile         string        `env:"SCIM_ATLASSIAN_ISSUE_FILE"`          // custom fields that are attributes of issues, see docs/issues.md; empty: none
	IssueConflict     string        `env:"SCIM_ATLASSIAN_ISSUE_CONFLICT"`      // what a POST gets whose externalId an issue has: refuse or adopt
	TrustedSource     bool          `env:"SCIM_ATLASSIAN_TRUSTED_SOURCE"`      // Jira is where users come from
	IgnoreUnsynced    bool          `env:"SCIM_ATLASSIAN_IGNORE_UNSYNCED"`     // ignore attributes that do not flow to Atlassian instead of refusing them
	ProvisioningWait  time.Duration `env:"SCIM_ATLASSIAN_PROVISIONING_WAIT"`   // for an account to get from the directory to Jira
	TokenFile         string        `env:"SCIM_ATLASSIAN_TOKEN_FILE"`          // keeps the newest refresh token; empty: none
	IDHubURL          string        `env:"SCIM_ATLASSIAN_IDHUB_URL"`           // base of IDHub; empty: https://IDHubHostname
	IDHubInfoPath     string        `env:"SCIM_ATLASSIAN_IDHUB_INFO_PATH"`     // of IDHub, to see whether it accepts our token
	IDHubAnnouncePath string        `env:"SCIM_ATLASSIAN_IDHUB_ANNOUNCE_PATH"` // of IDHub, told of every start; empty: off
	SealKey           secret        `env:"SCIM_ATLASSIAN_SEAL_KEY"`            // opens sealed secrets; age identities

	ConnectorFile       string        `env:"SCIM_ATLASSIAN_CONNECTOR_FILE"`           // JSON, see connector.ParseAnswers; empty: none
	Projects            []string      `env:"SCIM_ATLASSIAN_PROJECTS"`                 // project keys of issues and roles; none: every visible one
	PublicURL           string        `env:"SCIM_ATLASSIAN_PUBLIC_URL"`               // base of location before /scim/v2; empty: as requested
	TrustedProxies      []string      `env:"SCIM_ATLASSIAN_TRUSTED_PROXIES"`          // addresses whose X-Forwarded-* headers count
	TLSCertFile         string        `env:"SCIM_ATLASSIAN_TLS_CERT_FILE"`            // certificate of the server, its issuers behind it, PEM; empty: no TLS
	TLSKeyFile          string        `env:"SCIM_ATLASSIAN_TLS_KEY_FILE"`             // its key, PEM
	TLSClientCAFile     string        `env:"SCIM_ATLASSIAN_TLS_CLIENT_CA_FILE"`       // issuers of clients' certificates, PEM; empty: clients are not asked for any
	AllowFrom           []string      `env:"SCIM_ATLASSIAN_ALLOW_FROM"`               // networks that requests may come from; none: anywhere
	PublicDiscovery     bool          `env:"SCIM_ATLASSIAN_PUBLIC_DISCOVERY"`         // ServiceProviderConfig without authentication
	DeriveEmailDomain   string        `env:"SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN"`      // makes an address of a bare userName; empty: off
	MaxResults          int           `env:"SCIM_ATLASSIAN_MAX_RESULTS"`              // resources in one answer
	MaxInFlight         int           `env:"SCIM_ATLASSIAN_MAX_IN_FLIGHT"`            // requests at a time; 0: no bound
	MaxPerCaller        int           `env:"SCIM_ATLASSIAN_MAX_IN_FLIGHT_PER_CALLER"` // of one caller; 0: no bound
	MaxBodyBytes        int64         `env:"SCIM_ATLASSIAN_MAX_BODY_BYTES"`           // of one request
	BulkMaxOperations   int           `env:"SCIM_ATLASSIAN_BULK_MAX_OPERATIONS"`      // in one bulk request
	BulkMaxPayload      int64         `env:"SCIM_ATLASSIAN_BULK_MAX_PAYLOAD"`         // bytes of one bulk request
	RequestTimeout      time.Duration `env:"SCIM_ATLASSIAN_REQUEST_TIMEOUT"`          // from the header to the last upstream answer
	DrainDelay          time.Duration `env:"SCIM_ATLASSIAN_DRAIN_DELAY"`              // after a signal, before the listeners close
	ScanBudget          int           `env:"SCIM_ATLASSIAN_SCAN_BUDGET"`              // upstream calls that one request may cost
	ProofPeriod         time.Duration `env:"SCIM_ATLASSIAN_PROOF_PERIOD"`             // all users and groups are read in the background this often; 0: never
	FeedInterval        time.Duration `env:"SCIM_ATLASSIAN_FEED_INTERVAL"`            // between questions for what others have changed; 0: none
	FeedTrust           time.Duration `env:"SCIM_ATLASSIAN_FEED_TRUST"`               // how long after a proof the answers alone keep the copy fresh; 0: never
	MirrorIssues        bool          `env:"SCIM_ATLASSIAN_MIRROR_ISSUES"`            // a copy of the issues is kept too, for delta queries
	SnapshotTTL         time.Duration `env:"SCIM_ATLASSIAN_SNAPSHOT_TTL"`             // all users, all groups are kept so long; 0: not at all
	State               secret        `env:"SCIM_ATLASSIAN_STATE"`                    // memory, file:PATH or postgres://…; empty: stateDefault
	CursorKey           secret        `env:"SCIM_ATLASSIAN_CURSOR_KEY"`               // signs cursors; empty: the one that the state keeps
	CursorTimeout       time.Duration `env:"SCIM_ATLASSIAN_CURSOR_TIMEOUT"`           // between two pages of a list
	KeptResultBytes     int64         `env:"SCIM_ATLASSIAN_KEPT_RESULT_BYTES"`        // memory for results between their pages
	ChangeRetention     time.Duration `env:"SCIM_ATLASSIAN_CHANGE_RETENTION"`         // how long changes are remembered
	AnnounceDelta       bool          `env:"SCIM_ATLASSIAN_ANNOUNCE_DELTA"`           // DeltaQuery in ServiceProviderConfig
	AnnouncePagination  bool          `env:"SCIM_ATLASSIAN_ANNOUNCE_PAGINATION"`      // pagination in ServiceProviderConfig
	ChangeBudget        string        `env:"SCIM_ATLASSIAN_CHANGE_BUDGET"`            // what one caller may delete, deactivate and remove in a time, 20%/1h; or off
	ChangeBudgetFloor   int           `env:"SCIM_ATLASSIAN_CHANGE_BUDGET_FLOOR"`      // what it may however little there is
	Protected           string        `env:"SCIM_ATLASSIAN_PROTECTED"`                // comma list of TYPE:pattern, or none; empty: protectedDefault
	Audit               string        `env:"SCIM_ATLASSIAN_AUDIT"`                    // stderr, stdout or a file
	AuditValues         string        `env:"SCIM_ATLASSIAN_AUDIT_VALUES"`             // what it tells of values: names, hashes or values
	AuditRequired       bool          `env:"SCIM_ATLASSIAN_AUDIT_REQUIRED"`           // a write is refused if the audit cannot be written
	AuditMaxBytes       int64         `env:"SCIM_ATLASSIAN_AUDIT_MAX_BYTES"`          // of its file, before it is put aside; 0: never
	AuditFiles          int           `env:"SCIM_ATLASSIAN_AUDIT_FILES"`              // that were put aside are kept; 0: all
	UpstreamConcurrency int           `env:"SCIM_ATLASSIAN_UPSTREAM_CONCURRENCY"`     // calls in flight, for the directory and for Jira each
	UpstreamTimeout     time.Duration `env:"SCIM_ATLASSIAN_UPSTREAM_TIMEOUT"`         // of one attempt
	UpstreamRetryWait   time.Duration `env:"SCIM_ATLASSIAN_UPSTREAM_RETRY_WAIT"`      // sum of the waits within one operation
	UpstreamMaxRetries  int           `env:"SCIM_ATLASSIAN_UPSTREAM_MAX_RETRIES"`     // per operation; 0: none
	LogLevel            zapcore.Level `env:"SCIM_ATLASSIAN_LOG_LEVEL"`                // debug, info, warn or error
}

// defaultConfig returns a config that lacks only the credentials, the site and the callers.
func defaultConfig() *config {
	return &config{
		ConnectorPort:       7001,
		OIDCSkew:            30 * time.Second,
		AdminListen:         adminDefault,
		IDHubInfoPath:       "/info",
		SCIMURL:             "https://api.atlassian.com/scim/directory",
		MaxResults:          10_000,
		MaxInFlight:         256,
		MaxPerCaller:        192,
		MaxBodyBytes:        1 << 20,
		BulkMaxOperations:   1_000,
		BulkMaxPayload:      10 << 20,
		RequestTimeout:      55 * time.Second,
		ScanBudget:          2000,
		ProofPeriod:         24 * time.Hour,
		FeedInterval:        30 * time.Second,
		SnapshotTTL:         time.Minute,
		ChangeRetention:     7 * 24 * time.Hour,
		IssueConflict:       "refuse",
		ProvisioningWait:    20 * time.Second,
		CursorTimeout:       10 * time.Minute,
		KeptResultBytes:     512 << 20,
		ChangeBudget:        "20%/1h",
		ChangeBudgetFloor:   100,
		Audit:               auditStderr,
		AuditValues:         string(audit.Names),
		AuditMaxBytes:       100 << 20,
		UpstreamConcurrency: 16,
		UpstreamTimeout:     20 * time.Second,
		UpstreamRetryWait:   15 * time.Second,
		UpstreamMaxRetries:  4,
		LogLevel:            zapcore.InfoLevel,
	}
}

// secret is a string that shows itself only when converted.
type secret string

// String keeps the value out of logs and messages.
func (s secret) String() string { return "(secret)" }

// GoString keeps the value out of %#v.
func (s secret) GoString() string { return "(secret)" }

// adminListen is the one variable whose empty value is a value.
const adminListen = "ADMIN_LISTEN"

// fileSuffix makes the name of the variable that holds the path of a secret instead of the secret.
const fileSuffix = "_FILE"

// loadConfig reads the environment ("NAME=value") over the file envFile over the defaults. An empty value counts as
// unset, except for ADMIN_LISTEN, where it means off. An empty envFile stands for ".env" where there is one. Every
// variable that cannot be read, or that is no setting and was meant to be, is reported, with the problems that Validate
// finds in the rest, in one error with a line each. Doubts are what looks wrong and may be right; they come with an error
// too. Neither quotes a value of a secret.
func loadConfig(environ []string, envFile string) (c *config, doubts []error, err error) {
	file, err := readVariablesFile(envFile)
	if err != nil {
		return nil, nil, err
	}
	problems, doubts := checkNames(file, environ)
	doubts = append(doubts, file.cutSecrets()...)
	variables := file.under(environ)
	c = defaultConfig()
	problems = append(append(problems, readSecretFiles(variables)...), openSecrets(variables)...)
	if err := env.ParseWithOptions(c, env.Options{Environment: variables}); err != nil {
		problems = append(problems, parseProblems(err)...)
	}
	if address, ok := variables[adminListen]; ok {
		c.AdminListen = address // the library passes over empty values
	}
	for _, list := range [][]string{c.Projects, c.OIDCAudience, c.TrustedProxies, c.AllowFrom} {
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
	}
	doubts = append(doubts, c.plainUpstreams()...)
	return c, doubts, errors.Join(append(append(problems, checkPlaceholders(variables)...), c.Validate())...)
}

// placeholder matches the values in the sample, .env.example, that a reader must replace by their own.
var placeholder = regexp.MustCompile(`^(replace-me)$|//(your-site)\.|(\{cloudId\})`)

// checkPlaceholders lists the settings that were copied from the sample and not filled in.
func checkPlaceholders(variables map[string]string) []error {
	var problems []error
	for _, name := range settingNames() {
		if match := placeholder.FindStringSubmatch(variables[name]); match != nil {
			problems = append(problems, fmt.Errorf("%s still holds the placeholder %s: put your own value there", name, cmp.Or(match[1:]...)))
		}
	}
	return problems
}

// secretNames are the variables of secrets.
func secretNames() []string {
	var names []string
	for field := range reflect.TypeFor[config]().Fields() {
		if field.Type == reflect.TypeFor[secret]() {
			names = append(names, field.Tag.Get("env"))
		}
	}
	return names
}

// readSecretFiles reads the files of all secrets that are in files.
func readSecretFiles(variables map[string]string) []error {
	var problems []error
	for _, name := range secretNames() {
		if err := readSecretFile(variables, name); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

// readSecretFile sets the secret of this name to what the file holds that variables has under its name and _FILE,
// if any, without the line end.
func readSecretFile(variables map[string]string, name string) error {
	path := variables[name+fileSuffix]
	switch {
	case path == "":
		return nil
	case variables[name] != "":
		return fmt.Errorf("%s and %s are both set: keep one", name, name+fileSuffix)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", name+fileSuffix, err)
	}
	variables[name] = strings.TrimRight(string(content), "\r\n")
	return nil
}

// parseProblems says of each value that has the wrong type which variable it is in; the library knows fields only.
func parseProblems(err error) []error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []error{err}
	}
	problems := make([]error, len(all.Errors))
	for i, err := range all.Errors {
		problems[i] = err
		var wrong env.ParseError
		if !errors.As(err, &wrong) {
			continue
		}
		field, _ := reflect.TypeFor[config]().FieldByName(wrong.Name)
		problems[i] = fmt.Errorf("%s must be %s", field.Tag.Get("env"), kindOf(field.Type))
	}
	return problems
}

// kindOf describes the values of a setting of type t.
func kindOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 90s or 10m"
	case reflect.TypeFor[bool]():
		return "true or false"
	case reflect.TypeFor[zapcore.Level]():
		return "debug, info, warn or error"
	default:
		return "a whole number"
	}
}

var projectKey = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// Validate lists every setting that cannot work, one line each: the variable and the remedy.
func (c *config) Validate() error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(c.DirectoryID != "", "DIRECTORY_ID is missing: Atlassian Administration shows it at the end of the directory's SCIM base URL")
	check(c.DirectoryAPIKey != "", "DIRECTORY_API_KEY is missing: Atlassian Administration shows it once, when the directory is made or its key is regenerated")
	check(c.AdminEmail != "", "ADMIN_EMAIL is missing: the e-mail address of the account that calls Jira")
	check(c.AccountSecurityAPIKey != "", "ACCOUNT_SECURITY_API_KEY is missing: an API token of ADMIN_EMAIL, from id.atlassian.com")
	check(c.CallersFile != "" || c.BasicUsername != "" || c.issuerURL() != "",
		"SCIM_ATLASSIAN_CALLERS_FILE is missing: a JSON file of who may call; `scim-atlassian hash-password --help` shows how to make one."+
			" One caller may be in SCIM_ATLASSIAN_BASIC_USERNAME and _PASSWORD instead, and IDHUB_HOSTNAME with KEYCLOAK_REALM admit IDHub's tokens")
	check((c.BasicUsername == "") == (c.BasicPassword == ""), "SCIM_ATLASSIAN_BASIC_USERNAME and SCIM_ATLASSIAN_BASIC_PASSWORD belong together: one is missing")
	check(c.ConnectorPort > 0 && c.ConnectorPort < 1<<16, "CONNECTOR_PORT must be a port from 1 to 65535")
	if c.AdminListen != "" {
		_, _, err := net.SplitHostPort(c.AdminListen)
		check(err == nil, "ADMIN_LISTEN must be an address such as %s, or empty for no metrics", adminDefault)
	}
	check(!c.Profiles || c.AdminListen != "", "SCIM_ATLASSIAN_PPROF needs ADMIN_LISTEN, where the profiles are")
	problems = append(problems, c.checkCollector())
	problems = append(problems, checkUpstreamURL("SCIM_URL", c.SCIMURL, c.InsecureUpstream), checkUpstreamURL("SITE_URL", c.SiteURL, c.InsecureUpstream))
	check((c.OrganizationID == "") == (c.OrganizationAPIKey == ""),
		"SCIM_ATLASSIAN_ORGANIZATION_ID and SCIM_ATLASSIAN_ORGANIZATION_API_KEY need each other: set both or neither")
	check(c.OrganizationEventsKey == "" || c.OrganizationID != "", "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY needs SCIM_ATLASSIAN_ORGANIZATION_ID: whose events are they?")
	for _, e := range c.expiries() {
		_, err := parseDay(e.value)
		check(e.value == "" || err == nil, "%s %v", e.setting, err)
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" {
		check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "",
			"SCIM_ATLASSIAN_PUBLIC_URL must be an http or https URL without query, such as https://scim.example.com")
		check(!strings.HasSuffix(strings.TrimRight(c.PublicURL, "/"), server.BasePath),
			"SCIM_ATLASSIAN_PUBLIC_URL must end before %s, which is added to it", server.BasePath)
	}
	check(c.IssueConflict == "refuse" || c.IssueConflict == "adopt", "SCIM_ATLASSIAN_ISSUE_CONFLICT must be refuse or adopt")
	_, err := origin.ParseNetworks(c.TrustedProxies)
	check(err == nil, "SCIM_ATLASSIAN_TRUSTED_PROXIES: %v", err)
	_, err = origin.ParseNetworks(c.AllowFrom)
	check(err == nil, "SCIM_ATLASSIAN_ALLOW_FROM: %v", err)
	for _, key := range c.Projects {
		check(projectKey.MatchString(key), "SCIM_ATLASSIAN_PROJECTS: %q is no project key: use a comma list such as OPS,HR", key)
	}
	check(!strings.ContainsAny(c.DeriveEmailDomain, "@ /"), "SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN must be a bare domain such as example.com")
	check(c.CursorKey == "" || len(c.CursorKey) >= minCursorKey,
		"SCIM_ATLASSIAN_CURSOR_KEY must have at least %d characters, such as what `openssl rand -hex 32` prints", minCursorKey)
	_, err = c.changeBudget()
	check(err == nil, "SCIM_ATLASSIAN_CHANGE_BUDGET %v", err)
	_, err = guard.ParsePatterns(c.protected())
	check(err == nil, "SCIM_ATLASSIAN_PROTECTED: %v", err)
	_, err = audit.ParseValues(c.AuditValues)
	check(err == nil, "SCIM_ATLASSIAN_AUDIT_VALUES %v", err)
	if err := state.Check(c.statePlace()); err != nil {
		check(false, "SCIM_ATLASSIAN_STATE: %v", err)
	}
	_, _, err = c.mappings()
	_, fieldsErr := c.issueMapping()
	return errors.Join(append(append(problems, c.checkIDHub()...), c.checkIssuer(), c.checkPlaces(), c.checkTLS(), err, fieldsErr, c.checkLimits())...)
}

// minCursorKey keeps cursors from being forged by guessing.
const minCursorKey = 32

// checkLimits refuses limits under which nothing could be answered.
func (c *config) checkLimits() error {
	limits := []struct {
		name       string
		got, least int64
	}{
		{"SCIM_ATLASSIAN_MAX_RESULTS", int64(c.MaxResults), 1},
		{"SCIM_ATLASSIAN_MAX_IN_FLIGHT", int64(c.MaxInFlight), 0},
		{"SCIM_ATLASSIAN_MAX_IN_FLIGHT_PER_CALLER", int64(c.MaxPerCaller), 0},
		{"SCIM_ATLASSIAN_MAX_BODY_BYTES", c.MaxBodyBytes, 1024},
		{"SCIM_ATLASSIAN_BULK_MAX_OPERATIONS", int64(c.BulkMaxOperations), 1},
		{"SCIM_ATLASSIAN_BULK_MAX_PAYLOAD", c.BulkMaxPayload, 1024},
		{"SCIM_ATLASSIAN_CHANGE_BUDGET_FLOOR", int64(c.ChangeBudgetFloor), 0},
		{"SCIM_ATLASSIAN_AUDIT_MAX_BYTES", c.AuditMaxBytes, 0},
		{"SCIM_ATLASSIAN_AUDIT_FILES", int64(c.AuditFiles), 0},
		{"SCIM_ATLASSIAN_SCAN_BUDGET", int64(c.ScanBudget), 1},
		{"SCIM_ATLASSIAN_KEPT_RESULT_BYTES", c.KeptResultBytes, 1},
		{"SCIM_ATLASSIAN_UPSTREAM_CONCURRENCY", int64(c.UpstreamConcurrency), 1},
		{"SCIM_ATLASSIAN_UPSTREAM_MAX_RETRIES", int64(c.UpstreamMaxRetries), 0},
	}
	durations := []struct {
		name       string
		got, least time.Duration
	}{
		{"SCIM_ATLASSIAN_REQUEST_TIMEOUT", c.RequestTimeout, time.Second},
		{"SCIM_ATLASSIAN_DRAIN_DELAY", c.DrainDelay, 0},
		{"SCIM_ATLASSIAN_CURSOR_TIMEOUT", c.CursorTimeout, time.Second},
		{"SCIM_ATLASSIAN_PROOF_PERIOD", c.ProofPeriod, 0},
		{"SCIM_ATLASSIAN_FEED_INTERVAL", c.FeedInterval, 0},
		{"SCIM_ATLASSIAN_FEED_TRUST", c.FeedTrust, 0},
		{"SCIM_ATLASSIAN_SNAPSHOT_TTL", c.SnapshotTTL, 0},
		{"SCIM_ATLASSIAN_CHANGE_RETENTION", c.ChangeRetention, time.Minute},
		{"SCIM_ATLASSIAN_PROVISIONING_WAIT", c.ProvisioningWait, time.Millisecond},
		{"SCIM_ATLASSIAN_UPSTREAM_TIMEOUT", c.UpstreamTimeout, time.Millisecond},
		{"SCIM_ATLASSIAN_UPSTREAM_RETRY_WAIT", c.UpstreamRetryWait, time.Millisecond},
	}
	var problems []error
	for _, l := range limits {
		if l.got < l.least {
			problems = append(problems, fmt.Errorf("%s must be at least %d", l.name, l.least))
		}
	}
	for _, d := range durations {
		if d.got < d.least {
			problems = append(problems, fmt.Errorf("%s must be at least %v", d.name, d.least))
		}
	}
	return errors.Join(problems...)
}

// checkUpstreamURL wants https, or http to this machine, since the requests carry credentials; with insecure, http to any.
func checkUpstreamURL(name, value string, insecure bool) error {
	if value == "" {
		return fmt.Errorf("%s is missing: such as https://your-site.atlassian.net", name)
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !insecure && !isLoopback(u.Hostname())) {
		return fmt.Errorf("%s must be an https URL; http is for this machine only", name)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s must be a URL without user, query and fragment", name)
	}
	return nil
}

// plainUpstreams warns of each API of Atlassian that is given its credentials over plain http on another machine.
func (c *config) plainUpstreams() []error {
	var doubts []error
	for _, api := range []struct{ name, url string }{{"SCIM_URL", c.SCIMURL}, {"SITE_URL", c.SiteURL}} {
		if u, err := url.Parse(api.url); err == nil && c.InsecureUpstream && u.Scheme == "http" && !isLoopback(u.Hostname()) {
			doubts = append(doubts, fmt.Errorf("%s: credentials go to %s in plain http, as SCIM_ATLASSIAN_INSECURE_UPSTREAM allows: for an emulator only", api.name, u.Host))
		}
	}
	return doubts
}

// organizationURL is the base of the organization APIs, which are beside the directory API.
func (c *config) organizationURL() string {
	base, _, _ := strings.Cut(c.SCIMURL, "/scim/directory")
	return base
}

// isLoopback reports whether host, a name or address without port, can only mean this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
