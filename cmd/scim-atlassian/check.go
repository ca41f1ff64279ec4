package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/atlassian"
)

// finding is one thing that was looked at; err is nil if it is as it should be.
type finding struct {
	what string // what was looked at, and what was found if err is nil
	err  error
}

func (p *program) checkCommand() *cobra.Command {
	var envFile string
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Test the configuration, the credentials and what they permit",
		Long:    "Test the configuration, the credentials and what they permit; one line a finding. Nothing is changed.\nThe exit code is 1 if anything fails.",
		Example: "  scim-atlassian check --env-file .env",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.check(cmd, envFile)
		},
	}
	addEnvFileFlag(cmd, &envFile)
	return cmd
}

// check prints every finding. Atlassian is asked only with a configuration that makes sense.
func (p *program) check(cmd *cobra.Command, envFile string) error {
	c, err := loadConfig(p.environ, envFile)
	if err != nil {
		return p.report([]finding{{"configuration", err}})
	}
	level := zapcore.ErrorLevel // the findings say it already
	if cmd.Flags().Changed("log-level") {
		level = p.logLevel
	}
	findings := []finding{{what: "configuration"}}
	callers, err := c.callers()
	findings = append(findings, finding{fmt.Sprintf("callers: %d", len(callers)), err})
	u, err := c.connect(p.logger(level))
	if err != nil {
		return p.report(append(findings, finding{"clients", err}))
	}
	ctx := cmd.Context()
	findings = append(findings, u.checkCredentials(ctx)...)
	findings = append(findings, u.checkProjects(ctx, c.Projects))
	return p.report(findings)
}

// report prints the findings and fails if one of them does.
func (p *program) report(findings []finding) error {
	failed := 0
	for _, f := range findings {
		if f.err == nil {
			fmt.Fprintf(p.stdout, "ok    %s\n", f.what)
			continue
		}
		for line := range strings.Lines(f.err.Error()) {
			fmt.Fprintf(p.stdout, "FAIL  %s: %s\n", f.what, strings.TrimSpace(line))
		}
		failed++
	}
	if failed > 0 {
		return errors.New("the check failed")
	}
	return nil
}

// checkCredentials makes one call with each credential.
func (u *upstream) checkCredentials(ctx context.Context) []finding {
	directory := finding{what: "directory (SCIM_URL, DIRECTORY_ID, DIRECTORY_API_KEY)"}
	jira := finding{what: "Jira (SITE_URL, ADMIN_EMAIL, ACCOUNT_SECURITY_API_KEY)"}
	page, err := u.directory.Users(ctx, atlassian.ListOptions{StartIndex: 1, Count: 1})
	if err == nil {
		directory.what += fmt.Sprintf(": %d users", page.Total)
	}
	directory.err = err
	account, err := u.jira.Myself(ctx)
	if err == nil {
		jira.what += ": " + account.DisplayName
	}
	jira.err = err
	return []finding{directory, jira}
}

// checkProjects looks whether the Jira account sees the projects that /Issues is to serve. Atlassian answers an
// account without rights as it answers an empty site, hence seeing no project at all is a failure too.
func (u *upstream) checkProjects(ctx context.Context, want []string) finding {
	f := finding{what: "projects (SCIM_ATLASSIAN_PROJECTS)"}
	projects, err := u.jira.Projects(ctx, want)
	if err != nil {
		f.err = err
		return f
	}
	var keys []string
	for _, project := range projects {
		keys = append(keys, project.Key)
	}
	if len(projects) == 0 && len(want) == 0 {
		f.err = errors.New("the account sees none: give it the permission Browse projects")
	}
	for _, key := range want {
		if !slices.Contains(keys, key) {
			f.err = errors.Join(f.err, fmt.Errorf("%s is not there, or the account may not browse it", key))
		}
	}
	f.what += ": " + strings.Join(keys, ", ")
	return f
}
