package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"syscall"

	"go.uber.org/zap"

	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/edge"
	"scim-atlassian/scim/origin"
	"scim-atlassian/scim/state"
)

// hangups returns SIGHUP, which does not end the process from then on. Windows never sends it.
func hangups() <-chan os.Signal {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	return asked
}

// reloads is how a running server gets other settings.
type reloads struct {
	load  func() (*config, error) // reads the settings
	asked <-chan os.Signal        // when they are to be read; nil: never
}

// reloader puts other callers, certificates and secrets in the place of those that a running server has. It is used by one
// goroutine.
type reloader struct {
	load    func() (*config, error) // reads the settings
	begun   *config                 // what the server was started with
	present *config                 // with what was put in since
	facade  *scim.Server
	know    func([]auth.Caller) // is told whom there is now
	store   *state.Store
	up      *upstream
	tls     *edge.TLS    // nil: the server has none
	admin   net.Listener // where the console is; nil: nowhere
	record  *auditRecord
	logger  *zap.Logger
}

// follow reloads whenever it is asked to, until ctx ends.
func (r *reloader) follow(ctx context.Context, asked <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			r.reload()
		}
	}
}

// reload begins a new file for the audit if the old one was moved. It reads everything anew, and takes all of it or nothing. It leaves one line in the log. Whether Atlassian accepts a
// credential shows in the next request, and scim/health tells it.
func (r *reloader) reload() {
	if err := r.record.reopen(); err != nil {
		r.logger.Error("audit file", zap.Error(err))
	}
	next, err := r.load()
	if err == nil {
		err = r.take(next)
	}
	if err != nil {
		r.logger.Error("not reloaded: callers, certificates and secrets stay as they were", zap.Error(err))
		return
	}
	r.logger.Info("reloaded callers, certificates and secrets", zap.Strings("needRestart", r.begun.needRestart(next)))
}

// take puts the callers, certificates and secrets of next in the place of the present ones, all or none.
func (r *reloader) take(next *config) error {
	callers, err := next.callers()
	if err == nil {
		err = r.begun.checkConsole(callers, r.admin)
	}
	if err != nil {
		return err
	}
	allowed, err := origin.ParseNetworks(next.AllowFrom)
	if err != nil {
		return err
	}
	install, err := r.up.renewals(r.present, next)
	if err != nil {
		return err
	}
	if r.tls != nil && next.tlsFiles() != (edge.Files{}) {
		tls, err := r.tls.Prepare(next.tlsFiles())
		if err != nil {
			return err
		}
		install = append(install, tls)
	}
	password, err := r.store.Renewal(next.statePlace())
	if err != nil {
		return fmt.Errorf("SCIM_ATLASSIAN_STATE: %w", err)
	}
	install = append(install, password)
	if next.CursorKey != "" && r.begun.CursorKey != "" {
		install = append(install, func() { r.facade.RenewCursorKey(string(next.CursorKey)) })
	}
	if err := r.facade.ReplaceCallers(callers, allowed); err != nil {
		return err
	}
	r.know(callers)
	for _, put := range install {
		put()
	}
	for _, f := range next.rightsFindings(callers) {
		r.logger.Warn("rights", zap.String("detail", f.Detail))
	}
	r.present = next
	return nil
}

// renewals returns what puts the credentials of next in the place of those of the clients. A client that there is not
// stays away.
func (u *upstream) renewals(present, next *config) (install []func(), err error) {
	u.secrets.Add(next.hidden()...)
	var problems []error
	add := func(settings string, put func(), err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", settings, err))
		}
		install = append(install, put)
	}
	put, err := u.directory.Renewal(string(next.DirectoryAPIKey))
	add("DIRECTORY_API_KEY", put, err)
	put, err = u.jira.Renewal(next.AdminEmail, string(next.AccountSecurityAPIKey))
	add("ADMIN_EMAIL, ACCOUNT_SECURITY_API_KEY", put, err)
	if u.organization != nil && next.OrganizationAPIKey != "" {
		put, err = u.organization.Renewal(string(next.OrganizationAPIKey))
		add("SCIM_ATLASSIAN_ORGANIZATION_API_KEY", put, err)
	}
	if u.events != nil && next.OrganizationEventsKey != "" {
		put, err = u.events.Renewal(string(next.OrganizationEventsKey))
		add("SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY", put, err)
	}
	if u.idhub != nil && present.accountSecrets() != next.accountSecrets() {
		put, err = u.idhub.renewal(next)
		add("SCIM_ATLASSIAN_TOKEN_FILE", put, err)
	}
	return install, errors.Join(problems...)
}

// accountSecrets are what the connector's account signs in with.
func (c *config) accountSecrets() [6]secret {
	return [6]secret{c.AccessToken, c.RefreshToken, c.OIDCClientSecret, c.OIDCUsername, c.OIDCPassword, c.SealKey}
}

// reloaded are the settings that a running server takes over.
var reloaded = []string{
	"SCIM_ATLASSIAN_CALLERS_FILE", "SCIM_ATLASSIAN_BASIC_USERNAME", "SCIM_ATLASSIAN_BASIC_PASSWORD", "SCIM_ATLASSIAN_ALLOW_FROM",
	"SCIM_ATLASSIAN_TLS_CERT_FILE", "SCIM_ATLASSIAN_TLS_KEY_FILE", "SCIM_ATLASSIAN_TLS_CLIENT_CA_FILE",
	"DIRECTORY_API_KEY", "ADMIN_EMAIL", "ACCOUNT_SECURITY_API_KEY", "SCIM_ATLASSIAN_ORGANIZATION_API_KEY", "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY",
	"ACCESS_TOKEN", "REFRESH_TOKEN", "SCIM_ATLASSIAN_OIDC_CLIENT_SECRET", "SCIM_ATLASSIAN_OIDC_USERNAME", "SCIM_ATLASSIAN_OIDC_PASSWORD", "SCIM_ATLASSIAN_SEAL_KEY",
	"SCIM_ATLASSIAN_CURSOR_KEY",
}

// needRestart names the settings that have changed and that a running server does not take over. To begin with TLS, or to
// end it, or to call another API of the organization, is for a restart too.
func (c *config) needRestart(next *config) []string {
	names := []string{} // an empty list in the log
	was, is := reflect.ValueOf(c).Elem(), reflect.ValueOf(next).Elem()
	for i := range was.NumField() {
		name := was.Type().Field(i).Tag.Get("env")
		if name == "SCIM_ATLASSIAN_STATE" && state.Place(c.statePlace()) == state.Place(next.statePlace()) {
			continue // another password at most
		}
		begins := was.Field(i).IsZero() != is.Field(i).IsZero() && !slices.Contains(freely, name)
		if !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) && (begins || !slices.Contains(reloaded, name)) {
			names = append(names, name)
		}
	}
	return names
}

// freely are those of the settings that a running server takes over which may come and go.
var freely = []string{
	"SCIM_ATLASSIAN_CALLERS_FILE", "SCIM_ATLASSIAN_BASIC_USERNAME", "SCIM_ATLASSIAN_BASIC_PASSWORD", "SCIM_ATLASSIAN_ALLOW_FROM", "SCIM_ATLASSIAN_TLS_CLIENT_CA_FILE",
	"SCIM_ATLASSIAN_SEAL_KEY",
}
