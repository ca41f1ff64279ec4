package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/origin"
	"scim-atlassian/scim/state"
)

// serveFlags are the command line of serve.
type serveFlags struct {
	listen, envFile, state string
	skipCheck              bool
	acceptDirectory        bool
}

func (p *program) serveCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve SCIM in front of Atlassian Cloud",
		Long: "Serve SCIM in front of Atlassian Cloud, configured by environment variables, a file of them, and flags.\n" +
			"It asks Atlassian whether the credentials are good before it starts.",
		Example: "  scim-atlassian serve --env-file .env",
		Args:    stateFlag(&flags.state),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, doubts, err := p.configure(cmd, flags.envFile)
			if err != nil {
				return err
			}
			logger := p.logger(c.LogLevel)
			for _, doubt := range doubts {
				logger.Warn("doubtful setting", zap.String("detail", doubt.Error()))
			}
			if flags.state != "" {
				c.State = secret(flags.state)
			}
			return c.serve(cmd.Context(), flags, logger)
		},
	}
	cmd.Flags().StringVar(&flags.listen, "listen", "", "address to listen on (default \":$CONNECTOR_PORT\")")
	addEnvFileFlag(cmd, &flags.envFile)
	cmd.Flags().StringVar(&flags.state, "state", "", "where to keep the state: memory, file:PATH or postgres://… (default that of SCIM_ATLASSIAN_STATE, or \""+stateDefault+"\")")
	cmd.Flags().BoolVar(&flags.skipCheck, "skip-check", false, "start without asking Atlassian whether the credentials are good")
	cmd.Flags().BoolVar(&flags.acceptDirectory, "accept-directory", false, "believe the next reading although most users, groups or roles are gone")
	return cmd
}

func addEnvFileFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "env-file", "", "file of NAME=value lines; the environment wins over it (default \".env\" if there is one)")
}

// configure loads the settings; flags win over them. The doubts are those of loadConfig; an error has them in it.
func (p *program) configure(cmd *cobra.Command, envFile string) (c *config, doubts []error, err error) {
	c, doubts, err = loadConfig(p.environ, envFile)
	if err != nil {
		return nil, nil, fmt.Errorf("the configuration is not usable:\n%w", errors.Join(append([]error{err}, doubts...)...))
	}
	if cmd.Flags().Changed("log-level") {
		c.LogLevel = p.logLevel
	}
	return c, doubts, nil
}

// serve answers until ctx ends.
func (c *config) serve(ctx context.Context, flags serveFlags, logger *zap.Logger) error {
	callers, err := c.callers()
	if err != nil {
		return err
	}
	for _, f := range c.rightsFindings(callers) {
		logger.Warn("rights", zap.String("detail", f.Detail))
	}
	store, err := c.openState(ctx, logger)
	if ctx.Err() != nil {
		return nil // told to leave while it waited for the file
	}
	if err != nil {
		return err
	}
	defer store.Close()
	m := newMetrics()
	facade, u, err := c.build(ctx, callers, store, logger, m)
	if err != nil {
		return err
	}
	defer u.closeIdle()
	if flags.acceptDirectory {
		facade.AcceptDirectory()
	}
	if !flags.skipCheck {
		err = firstProblem(ctx, facade, logger)
	}
	if ctx.Err() != nil {
		return nil // told to leave before it began
	}
	if err != nil {
		return fmt.Errorf("%w (--skip-check starts anyway)", err)
	}
	listener, err := listen(ctx, cmp.Or(flags.listen, fmt.Sprintf(":%d", c.ConnectorPort)))
	if err != nil {
		return err
	}
	defer listener.Close()
	if u.idhub != nil {
		defer u.idhub.announceMeanwhile(ctx)()
	}
	working, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { c.forget(working, store, logger) })
	work.Go(func() { facade.Follow(working) })
	if c.ProofPeriod > 0 {
		work.Go(func() { facade.Keep(working, c.ProofPeriod, logProgress(logger)) })
	}
	defer func() { stop(); work.Wait() }()
	return c.serveFacade(ctx, listener, facade, m, logger)
}

// logProgress says in the log how the reading of everything goes on.
func logProgress(logger *zap.Logger) func(mirror.Progress) {
	return func(p mirror.Progress) {
		fields := []zap.Field{zap.String("resourceType", p.Type), zap.Int("read", p.Read), zap.Int("of", p.Total)}
		switch {
		case p.Err != nil:
			logger.Warn("mirror", append(fields, zap.String("outcome", "failed"), zap.Error(p.Err))...)
		case p.Done:
			logger.Info("mirror", append(fields, zap.String("outcome", "complete"))...)
		default:
			logger.Info("mirror", append(fields, zap.String("outcome", "reading"))...)
		}
	}
}

// serveFacade answers on listener, and where the settings want it for metrics, until ctx ends.
func (c *config) serveFacade(ctx context.Context, listener net.Listener, facade *scim.Server, m *metrics, logger *zap.Logger) error {
	sites := []site{{listener: listener, handler: m.around(facade), timeout: c.RequestTimeout}}
	facts := []zap.Field{zap.Stringer("address", listener.Addr()), zap.String("version", version())}
	admin, err := listenAdmin(ctx, c.AdminListen, "")
	switch {
	case err != nil:
		return fmt.Errorf("ADMIN_LISTEN: %w", err)
	case admin != nil:
		sites = append(sites, m.site(admin))
		facts = append(facts, zap.Stringer("metrics", admin.Addr()))
	case c.AdminListen != "":
		logger.Warn("no metrics: the default of ADMIN_LISTEN is in use by another process", zap.String("taken", c.AdminListen))
	}
	logger.Info("listening", facts...)
	err = serveSites(c.drained(ctx, facade, logger), logger, sites...)
	logger.Info("stopped")
	return err
}

// drained returns a context that ends when the listeners are to close: some time after ctx, in which the facade says
// already that nothing more is to be sent.
func (c *config) drained(ctx context.Context, facade *scim.Server, logger *zap.Logger) context.Context {
	open, shut := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		facade.Drain()
		logger.Info("draining", zap.Duration("delay", c.DrainDelay))
		time.AfterFunc(c.DrainDelay, shut)
	})
	return open
}

// upstream is Atlassian, and IDHub, as the settings reach them.
type upstream struct {
	directory    *atlassian.Directory
	jira         *atlassian.Jira
	organization *atlassian.Organization // nil: not configured
	events       *atlassian.Organization // with the key of its audit log; nil: not configured
	idhub        *idhubClient            // nil: not configured
}

// closeIdle closes the connections that carry no request. A connection that was opened and never used would keep the
// other side, if it is to stop, waiting for some seconds.
func (u *upstream) closeIdle() {
	u.directory.CloseIdleConnections()
	u.jira.CloseIdleConnections()
	for _, o := range []*atlassian.Organization{u.organization, u.events} {
		if o != nil {
			o.CloseIdleConnections()
		}
	}
}

// connect makes the clients; it sends nothing.
func (c *config) connect(logger *zap.Logger, m *metrics) (*upstream, error) {
	clients := atlassian.Config{
		Logger:        logger.Named("atlassian"),
		OnCall:        m.call,
		Work:          scim.WorkOf,
		Timeout:       c.UpstreamTimeout,
		MaxRetries:    c.UpstreamMaxRetries,
		MaxRetryWait:  c.UpstreamRetryWait,
		MaxConcurrent: c.UpstreamConcurrency,
		PlainHTTP:     c.InsecureUpstream,
		UserAgent:     "scim-atlassian/" + version(),
	}
	if clients.MaxRetries == 0 {
		clients.MaxRetries = -1 // there, 0 is the default
	}
	directory, err := atlassian.NewDirectory(clients, c.SCIMURL, c.DirectoryID, string(c.DirectoryAPIKey))
	if err != nil {
		return nil, fmt.Errorf("SCIM_URL, DIRECTORY_ID: %w", err)
	}
	jira, err := atlassian.NewJira(clients, c.SiteURL, c.AdminEmail, string(c.AccountSecurityAPIKey))
	if err != nil {
		return nil, fmt.Errorf("SITE_URL, ADMIN_EMAIL: %w", err)
	}
	u := &upstream{directory: directory, jira: jira}
	m.upstream("directory", directory.Outage)
	m.upstream("jira", jira.Outage)
	if c.OrganizationID != "" {
		u.organization, err = atlassian.NewOrganization(clients, c.organizationURL(), c.OrganizationID, string(c.OrganizationAPIKey))
		if err != nil {
			return nil, fmt.Errorf("SCIM_URL, SCIM_ATLASSIAN_ORGANIZATION_ID: %w", err)
		}
		u.organization.OldLists = c.OrganizationOldList
		m.upstream("organization", u.organization.Outage)
	}
	if c.OrganizationEventsKey != "" {
		u.events, err = atlassian.NewOrganization(clients, c.organizationURL(), c.OrganizationID, string(c.OrganizationEventsKey))
		if err != nil {
			return nil, fmt.Errorf("SCIM_URL, SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY: %w", err)
		}
	}
	if u.idhub, err = c.connectIDHub(logger.Named("idhub")); err != nil {
		return nil, err
	}
	return u, nil
}

// probes returns the tests that the server makes besides those of Atlassian and the issuer.
func (u *upstream) probes() []connector.Probe {
	if u.idhub == nil {
		return nil
	}
	return []connector.Probe{{Capability: "idhub", Run: u.idhub.probe}}
}

// firstProblem tests the facade and fails if something that it cannot do without does not work. Anything else is
// logged.
func firstProblem(ctx context.Context, facade *scim.Server, logger *zap.Logger) error {
	for _, f := range facade.Test(ctx) {
		switch {
		case f.Outcome == connector.OutcomeOK, f.Outcome == connector.OutcomeOff:
		case f.Essential:
			return fmt.Errorf("%s: %s", nameOf(f), f.Detail)
		default:
			logger.Warn("does not work", zap.String("capability", nameOf(f)), zap.String("outcome", string(f.Outcome)), zap.String("detail", f.Detail))
		}
	}
	return nil
}

// settingsInMessages are the settings that messages of the server offer as a remedy.
var settingsInMessages = scim.Settings{
	DeriveEmailDomain: "SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN",
	IgnoreUnsynced:    "SCIM_ATLASSIAN_IGNORE_UNSYNCED",
	Projects:          "SCIM_ATLASSIAN_PROJECTS",
	ChangeBudget:      "SCIM_ATLASSIAN_CHANGE_BUDGET",
	Protected:         "SCIM_ATLASSIAN_PROTECTED",
}

// build makes the clients and the server on top of them; it sends nothing. The state may be nil.
func (c *config) build(ctx context.Context, callers []auth.Caller, store *state.Store, logger *zap.Logger, m *metrics) (*scim.Server, *upstream, error) {
	u, err := c.connect(logger, m)
	if err != nil {
		return nil, nil, err
	}
	proxies, err := origin.ParseNetworks(c.TrustedProxies)
	if err != nil {
		return nil, nil, err
	}
	allowed, err := origin.ParseNetworks(c.AllowFrom)
	if err != nil {
		return nil, nil, err
	}
	answers, err := c.connectorAnswers()
	if err != nil {
		return nil, nil, err
	}
	account, entitlement, err := c.mappings()
	if err != nil {
		return nil, nil, err
	}
	cursorKey, err := c.cursorKey(ctx, store)
	if err != nil {
		return nil, nil, err
	}
	fields, err := c.issueFields(ctx, u.jira, store)
	if err != nil {
		return nil, nil, err
	}
	budget, err := c.changeBudget()
	if err != nil {
		return nil, nil, err
	}
	protected, err := guard.ParsePatterns(c.protected())
	if err != nil {
		return nil, nil, err
	}
	facade, err := scim.New(scim.Config{
		ChangeBudget:      budget,
		Protected:         protected,
		Directory:         u.directory,
		Jira:              u.jira,
		Organization:      u.organization,
		Events:            u.events,
		State:             store,
		Projects:          c.Projects,
		Account:           account,
		Entitlement:       entitlement,
		IssueFields:       fields,
		AdoptIssues:       c.IssueConflict == "adopt",
		TrustedSource:     c.TrustedSource,
		IgnoreUnsynced:    c.IgnoreUnsynced,
		ProvisioningWait:  c.ProvisioningWait,
		PublicURL:         c.PublicURL,
		TrustedProxies:    proxies,
		Callers:           callers,
		AllowFrom:         allowed,
		Issuer:            c.issuer(),
		Probes:            u.probes(),
		PublicDiscovery:   c.PublicDiscovery,
		MaxResults:        c.MaxResults,
		ScanBudget:        c.ScanBudget,
		SnapshotTTL:       c.SnapshotTTL,
		FeedInterval:      c.FeedInterval,
		FeedTrust:         c.FeedTrust,
		ChangeRetention:   c.ChangeRetention,
		AnnounceDelta:     c.AnnounceDelta,
		DeriveEmailDomain: c.DeriveEmailDomain,
		MaxInFlight:       c.MaxInFlight,
		MaxPerCaller:      c.MaxPerCaller,
		MaxBodyBytes:      c.MaxBodyBytes,
		BulkMaxOperations: c.BulkMaxOperations,
		BulkMaxPayload:    c.BulkMaxPayload,
		RequestTimeout:    c.RequestTimeout,
		Settings:          settingsInMessages,
		Version:           version(),
		CursorKey:         cursorKey,
		CursorTimeout:     c.CursorTimeout,
		KeptResultBytes:   c.KeptResultBytes,
		ShowPagination:    c.AnnouncePagination,
		Owners:            connector.Owners{Business: c.BusinessOwner, IT: c.ITOwner},
		Connector:         answers,
		OnRequest:         m.request,
		Logger:            logger,
	})
	return facade, u, err
}
