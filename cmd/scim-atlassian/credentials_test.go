package main

import (
	"strings"
	"testing"
	"time"
)

// TestCredentials holds what check, health and metrics say of credentials that end.
func TestCredentials(t *testing.T) {
	t.Parallel()
	in := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	environ := append(startEmulator(t), "SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES="+in(20), "SCIM_ATLASSIAN_ORGANIZATION_KEY_EXPIRES="+in(-3),
		"SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY=demo-organization-scoped-key", "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY_EXPIRES="+in(100), "ADMIN_LISTEN=127.0.0.1:0")
	p := start(t, environ, "check")
	if code := p.wait(t); code != exitFailed {
		t.Errorf("exit code %d, want %d since a key has ended", code, exitFailed)
	}
	for _, want := range []string{
		"part  directory key (SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES): it ends on ", "in 20 days: make a new one in Atlassian Administration",
		"FAIL  organization key (SCIM_ATLASSIAN_ORGANIZATION_KEY_EXPIRES): it has ended on ",
		"ok    organization events key (SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY_EXPIRES): it ends on ",
		"ok    api token (SCIM_ATLASSIAN_API_TOKEN_EXPIRES): it ends on ", "(as Atlassian says)",
	} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("no %q in\n%s", want, p.stdout.String())
		}
	}

	p = start(t, environ, "serve", "--listen", "127.0.0.1:0")
	base := "http://" + p.stderr.await(t, `"address":"([^"]+)"`)
	metrics := "http://" + p.stderr.await(t, `"metrics":"([^"]+)"`) + "/metrics"
	p.stderr.await(t, `("credential expires","credential":"directory key")`)
	p.stderr.await(t, `("credential expires","credential":"organization key")`)
	await(t, base+"/readyz", 200)
	_, _, health := get(t, base+"/connector/health", "ann", "secret")
	if got := string(health); !strings.Contains(got, `{"name":"directory key","expires":"`) || strings.Count(got, `"warning"`) != 2 {
		t.Errorf("health: %s", got)
	}
	_, _, text := get(t, metrics, "", "")
	for _, want := range []string{"scim_atlassian_ready 1", `scim_atlassian_credential_expires_seconds{credential="organization key"} -`, `scim_atlassian_credential_expires_seconds{credential="api token"} 3.1`} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// Without an organization nobody tells when the API token ends, and check says which setting does.
func TestCredentialsUnknown(t *testing.T) {
	c := defaultConfig()
	c.APITokenExpires = "next year"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "SCIM_ATLASSIAN_API_TOKEN_EXPIRES must be a date such as 2027-03-31") {
		t.Errorf("a date that is none: %v", err)
	}
	for text, want := range map[string]string{"2027-03-31": "2027-04-01T00:00:00Z", "2027-03-31T12:00:00+02:00": "2027-03-31T10:00:00Z"} {
		if got, err := parseDay(text); err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
}
