package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/scim/connector"
)

func (p *program) checkCommand() *cobra.Command {
	var envFile string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Test the configuration, the credentials and what they permit",
		Long: "Test the configuration, the credentials and what they permit; one line a finding: ok, FAIL, part (works in part, or\n" +
			"looks wrong) or off (not configured). Nothing is changed. The exit code is 1 if anything fails.",
		Example: "  scim-atlassian check --env-file .env",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var findings []connector.Finding
			spin(p.stderr, "asking Atlassian", func() { findings = p.check(cmd, envFile) })
			return p.report(findings, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as one JSON array")
	addEnvFileFlag(cmd, &envFile)
	return cmd
}

// check returns every finding. Atlassian is asked only with a configuration that makes sense.
func (p *program) check(cmd *cobra.Command, envFile string) []connector.Finding {
	c, doubts, err := loadConfig(p.environ, envFile)
	findings := []connector.Finding{ownFinding("configuration", "", err)}
	if len(doubts) > 0 {
		findings = append(findings, connector.Finding{Capability: "doubtful settings", Outcome: connector.OutcomeLimited, Detail: errors.Join(doubts...).Error()})
	}
	if err != nil {
		return findings
	}
	findings = append(findings, c.fileFindings(p.environ, envFile)...)
	level := zapcore.ErrorLevel // the findings say it already
	if cmd.Flags().Changed("log-level") {
		level = p.logLevel
	}
	callers, err := c.callers()
	findings = append(findings, ownFinding("callers", fmt.Sprint(len(callers)), err))
	findings = append(findings, c.tlsFindings()...)
	findings = append(findings, c.guardFindings(callers)...)
	findings = append(findings, c.surplusFindings(callers)...)
	findings = append(findings, c.proxyFindings(cmd.Context(), p.environ)...)
	store, err := c.readState(cmd.Context())
	if store != nil {
		defer store.Close()
	}
	findings = append(findings, c.stateFinding(cmd.Context(), store, err))
	facade, u, err := c.build(cmd.Context(), foundation{callers: callers, store: store, logger: p.streams().logger(level), metrics: newMetrics()})
	if err != nil {
		return append(findings, ownFinding("clients", "", err))
	}
	defer u.closeIdle()
	switch fields, err := c.issueFields(cmd.Context(), u.jira, store); {
	case err != nil:
		findings = append(findings, ownFinding("issue fields", "", err))
	case len(fields) > 0:
		findings = append(findings, c.fieldsFindings(cmd.Context(), u.jira, fields)...)
	}
	findings = append(findings, mirrorFindings(cmd.Context(), facade, store, time.Now())...)
	tested := slices.Clone(facade.Test(cmd.Context()))
	c.judgeRights(callers, tested)
	findings = append(append(findings, tested...), c.causes(cmd.Context(), u, tested)...)
	findings = append(findings, c.credentialFindings(cmd.Context(), u, time.Now())...)
	return append(findings, ageFindings(callers, time.Now())...)
}

// ownFinding is about something on this side of Atlassian.
func ownFinding(what, detail string, err error) connector.Finding {
	if err != nil {
		return connector.Finding{Capability: what, Outcome: connector.OutcomeFailed, Detail: err.Error()}
	}
	return connector.Finding{Capability: what, Outcome: connector.OutcomeOK, Detail: detail}
}

// outcomeWords are how report begins a line.
var outcomeWords = map[connector.Outcome]string{connector.OutcomeOK: "ok", connector.OutcomeLimited: "part", connector.OutcomeOff: "off", connector.OutcomeDenied: "FAIL", connector.OutcomeFailed: "FAIL"}

// reported is a finding as --json prints it.
type reported struct {
	Capability string `json:"capability"`
	Settings   string `json:"settings,omitempty"` // on which it depends
	Outcome    string `json:"outcome"`            // ok, part, off or FAIL
	Detail     string `json:"detail,omitempty"`
	Fix        string `json:"fix,omitempty"`
}

// report prints the findings, with a line for each line of their details, and fails if one of them does.
func (p *program) report(findings []connector.Finding, asJSON bool) error {
	failed, all := false, []reported{}
	for _, f := range findings {
		all = append(all, reported{f.Capability, settingsOf[f.Capability], outcomeWords[f.Outcome], f.Detail, f.Fix})
		text := f.Detail
		if f.Fix != "" {
			text += "; " + f.Fix
		}
		for line := range strings.SplitSeq(text, "\n") {
			if asJSON {
				break
			}
			fmt.Fprintf(p.stdout, "%-5s %s\n", outcomeWords[f.Outcome], strings.TrimSuffix(nameOf(f)+": "+strings.TrimSpace(line), ": "))
		}
		failed = failed || outcomeWords[f.Outcome] == "FAIL"
	}
	if asJSON {
		if err := p.printLine(all); err != nil {
			return err
		}
	}
	if failed {
		return errors.New("the check failed")
	}
	return nil
}

// settingsOf are the variables that a capability depends on.
var settingsOf = map[string]string{
	"directory":     "SCIM_URL, DIRECTORY_ID, DIRECTORY_API_KEY",
	"jira":          "SITE_URL, ADMIN_EMAIL, ACCOUNT_SECURITY_API_KEY",
	"projects":      "SCIM_ATLASSIAN_PROJECTS",
	"access tokens": "IDHUB_HOSTNAME, KEYCLOAK_REALM, SCIM_ATLASSIAN_OIDC_ISSUER",
	"idhub":         "IDHUB_HOSTNAME, ACCESS_TOKEN, REFRESH_TOKEN",
	"state":         "SCIM_ATLASSIAN_STATE",
	"TLS":           "SCIM_ATLASSIAN_TLS_CERT_FILE, _KEY_FILE, _CLIENT_CA_FILE",
	"change budget": "SCIM_ATLASSIAN_CHANGE_BUDGET",
	"protected":     "SCIM_ATLASSIAN_PROTECTED",
	"issue fields":  "SCIM_ATLASSIAN_ISSUE_FILE",
	"issue field":   "SCIM_ATLASSIAN_ISSUE_FILE",
	"organization":  "SCIM_ATLASSIAN_ORGANIZATION_ID, SCIM_ATLASSIAN_ORGANIZATION_API_KEY",

	directoryKey:          "SCIM_ATLASSIAN_DIRECTORY_KEY_EXPIRES",
	apiToken:              "SCIM_ATLASSIAN_API_TOKEN_EXPIRES",
	organizationKey:       "SCIM_ATLASSIAN_ORGANIZATION_KEY_EXPIRES",
	eventsKey:             "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY_EXPIRES",
	"organization events": "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY",
}

// nameOf names the capability and, if there are any, the settings that it depends on.
func nameOf(f connector.Finding) string {
	if settings := settingsOf[f.Capability]; settings != "" {
		return f.Capability + " (" + settings + ")"
	}
	return f.Capability
}
