package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim"
	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/edge"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/health"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/origin"
	"scim-atlassian/scim/state"
)

// serveFlags are the command line of serve.
type serveFlags struct {
	listen, envFile, state string
	skipCheck              bool
	acceptDirectory        bool
	again                  reloads // how the settings that these lead to are read again
}

func (p *program) serveCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve SCIM in front of Atlassian Cloud",
		Long: "Serve SCIM in front of Atlassian Cloud, configured by environment variables, a file of them, and flags.\n" +
			"It listens at once, and is ready (/readyz) when Atlassian has accepted the credentials. An outage of Atlassian is waited\n" +
			"for; a credential that Atlassian refuses at start ends it. SIGHUP has it read callers, certificates, keys and secrets anew; if\n" +
			"anything is wrong with them, it says so in the log and keeps those that it has.",
		Example: "  scim-atlassian serve --env-file .env",
		Args:    stateFlag(&flags.state),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, doubts, err := p.configure(cmd, flags.envFile)
			if err != nil {
				return err
			}
			streams := p.streams()
			logger := streams.logger(c.LogLevel)
			for _, doubt := range doubts {
				logger.Warn("doubtful setting", zap.String("detail", doubt.Error()))
			}
			if flags.state != "" {
				c.State = secret(flags.state)
			}
			flags.again = reloads{load: func() (*config, error) {
				next, _, err := p.configure(cmd, flags.envFile)
				if err == nil && flags.state != "" {
					next.State = secret(flags.state)
				}
				return next, err
			}}
			if p.hangups != nil {
				flags.again.asked = p.hangups()
			}
			return c.serve(cmd.Context(), flags, streams, logger)
		},
	}
	cmd.Flags().StringVar(&flags.listen, "listen", "", "address to listen on (default \":$CONNECTOR_PORT\")")
	addEnvFileFlag(cmd, &flags.envFile)
	cmd.Flags().StringVar(&flags.state, "state", "", "where to keep the state: memory, file:PATH or postgres://… (default that of SCIM_ATLASSIAN_STATE, or \""+stateDefault+"\")")
	cmd.Flags().BoolVar(&flags.skipCheck, "skip-check", false, "start although Atlassian refuses the credentials")
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

// serve answers until ctx ends. It listens before it has anything to answer with, so that whoever asks is told that it
// starts.
func (c *config) serve(ctx context.Context, flags serveFlags, streams streams, logger *zap.Logger) error {
	callers, err := c.callers()
	if err != nil {
		return err
	}
	tls, err := c.tls(logger)
	if err != nil {
		return err
	}
	for _, f := range c.rightsFindings(callers) {
		logger.Warn("rights", zap.String("detail", f.Detail))
	}
	listener, err := listen(ctx, cmp.Or(flags.listen, fmt.Sprintf(":%d", c.ConnectorPort)))
	if err != nil {
		return err
	}
	defer listener.Close()
	m, front := newMetrics(), new(front)
	logger = m.watch.logger(logger)
	m.know(callers)
	if m.spans, err = c.tracer(ctx, logger); err != nil {
		return err
	}
	defer c.closeTracer(m.spans, logger)
	sites, facts, err := c.sites(ctx, callers, listener, front, m, logger)
	if err != nil {
		return err
	}
	sites[0].tls = tls
	logger.Info("starting", zap.Stringer("listener", listener.Addr()))
	running := &running{config: c, flags: flags, streams: streams, tls: tls, logger: logger, facts: facts, know: m.know, service: listener.Addr()}
	if len(sites) > 1 {
		running.admin = sites[1].listener
		if !local(running.admin) {
			sites[1].tls = tls // on this machine, /metrics and the console are plain http
		}
	}
	defer running.close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return running.start(ctx, callers, m, front) })
	group.Go(func() error { return serveSites(c.drained(ctx, front, logger), logger, sites...) })
	err = group.Wait()
	if front.inside.Load() != nil {
		logger.Info("stopped")
	}
	return err
}

// running is what stands behind the listener of serve, and works besides.
type running struct {
	*config
	flags   serveFlags
	streams streams
	tls     *edge.TLS // nil: without
	logger  *zap.Logger
	facts   []zap.Field // about where it listens
	know    func([]auth.Caller)
	service net.Addr
	admin   net.Listener // nil: there is none
	record  *auditRecord

	closers []func() // the last first
}

func (r *running) atEnd(f func()) { r.closers = append(r.closers, f) }

// close ends what start has begun.
func (r *running) close() {
	for _, f := range slices.Backward(r.closers) {
		f()
	}
}

// start makes the server, opens the front to it, and returns when Atlassian has answered: with an error if it refuses a
// credential that the server cannot do without. An outage is waited for; mirror, discovery and honest refusals are there
// meanwhile. The end of ctx is no error.
func (r *running) start(ctx context.Context, callers []auth.Caller, m *metrics, front *front) error {
	store, err := r.openState(ctx, r.logger)
	if err != nil {
		return unlessLeaving(ctx, err)
	}
	r.atEnd(func() { store.Close() })
	r.record, err = r.openAudit(ctx, r.streams, foundation{store: store, logger: r.logger, metrics: m})
	if err != nil {
		return unlessLeaving(ctx, err)
	}
	r.atEnd(func() { r.record.close(r.logger) })
	facade, u, err := r.build(ctx, foundation{callers, store, r.logger, r.record.core, m})
	if err != nil {
		return unlessLeaving(ctx, err)
	}
	r.atEnd(u.closeIdle)
	r.atEnd(facade.Health().Close)
	if r.flags.acceptDirectory {
		if err := facade.AcceptDirectory(ctx, "--accept-directory"); err != nil {
			return err
		}
	}
	m.observe(facade, u, store)
	front.open(facade)
	r.openConsole(consoleParts{facade: facade, u: u, store: store, watch: m.watch, service: r.service, logger: r.logger})
	r.logger.Info("listening", r.facts...)
	if u.idhub != nil {
		r.atEnd(u.idhub.announceMeanwhile(ctx))
	}
	r.work(ctx, facade, u, store)
	r.watchCredentials(ctx, u)
	if r.flags.skipCheck {
		return nil
	}
	if refused := facade.Health().Await(ctx); refused != nil {
		return fmt.Errorf("%s: %s: %s (--skip-check starts anyway)", nameOf(connector.Finding{Capability: refused.Name}), refused.Reason, refused.Fix)
	}
	if ctx.Err() == nil {
		warnOf(ctx, facade, r.logger)
	}
	return nil
}

// unlessLeaving is err, or nil if the program was told to leave while it waited.
func unlessLeaving(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// watchCredentials begins to warn of the end of credentials.
func (r *running) watchCredentials(ctx context.Context, u *upstream) {
	var work sync.WaitGroup
	watching, stop := context.WithCancel(ctx)
	work.Go(func() {
		u.health.WatchCredentials(watching, func(ctx context.Context) { r.learnCredentials(atlassian.Background(ctx), u) })
	})
	r.atEnd(func() { stop(); work.Wait() })
}

// work begins what is done in the background.
func (r *running) work(ctx context.Context, facade *scim.Server, u *upstream, store *state.Store) {
	working, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { r.forget(working, store, r.logger) })
	work.Go(func() { facade.Follow(working) })
	if u.fieldsUnknown {
		work.Go(func() { r.learnFields(working, facade, u, store, r.logger) })
	}
	if r.ProofPeriod > 0 {
		work.Go(func() { facade.Keep(working, r.ProofPeriod, r.keepReadings(working, facade, store)) })
	}
	reloader := &reloader{load: r.flags.again.load, begun: r.config, present: r.config, facade: facade, store: store, know: r.know, up: u, tls: r.tls, admin: r.admin, record: r.record, logger: r.logger}
	work.Go(func() { reloader.follow(working, r.flags.again.asked) })
	r.atEnd(func() { stop(); work.Wait() })
}

// keepReadings says in the log how the reading of everything goes on, and in the state how it ended.
func (r *running) keepReadings(ctx context.Context, facade *scim.Server, store *state.Store) func(mirror.Progress) {
	log := logProgress(r.logger)
	return func(p mirror.Progress) {
		log(p)
		if !p.Done {
			return
		}
		if err := keepRun(ctx, store, readingOf(p, facade.Snapshots(), time.Now())); err != nil && ctx.Err() == nil {
			r.logger.Warn("state", zap.String("outcome", "a reading is not listed in the console"), zap.Error(err))
		}
	}
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

// sites are where the program answers: on listener, and where the settings want it for metrics. The facts about them are
// for the log.
func (c *config) sites(ctx context.Context, callers []auth.Caller, listener net.Listener, front *front, m *metrics, logger *zap.Logger) (sites []site, facts []zap.Field, err error) {
	sites = []site{{listener: listener, handler: m.around(front), timeout: c.RequestTimeout, scim: true}}
	facts = []zap.Field{zap.Stringer("address", listener.Addr()), zap.Bool("tls", c.TLSCertFile != ""), zap.String("version", version())}
	admin, err := listenAdmin(ctx, c.AdminListen, "")
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("ADMIN_LISTEN: %w", err)
	case admin != nil:
		if err := errors.Join(c.checkConsole(callers, admin), c.checkProfiles(admin)); err != nil {
			return nil, nil, err
		}
		sites = append(sites, m.site(admin, c.Profiles))
		facts = append(facts, zap.Stringer("metrics", admin.Addr()))
	case c.AdminListen != "":
		logger.Warn("no metrics: the default of ADMIN_LISTEN is in use by another process", zap.String("taken", c.AdminListen))
	}
	return sites, facts, nil
}

// drained returns a context that ends when the listeners are to close: some time after ctx, in which the facade says
// already that nothing more is to be sent; at once if there is no facade yet.
func (c *config) drained(ctx context.Context, front *front, logger *zap.Logger) context.Context {
	open, shut := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		facade := front.inside.Load()
		if facade == nil {
			shut()
			return
		}
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
	health       *health.Monitor         // told of every request
	idhub        *idhubClient            // nil: not configured
	secrets      *atlassian.Secrets      // that none of them shows

	fieldsUnknown bool // Jira has not told the fields that the mapping of issues names
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

// leastHidden is the shortest secret that is hidden in what Atlassian says: a shorter one may be a word of it.
const leastHidden = 8

// hidden returns what errors do not show, besides what the clients send themselves.
func (c *config) hidden() []string {
	var all []string
	for _, s := range []secret{c.BasicPassword, c.OIDCClientSecret, c.OIDCPassword, c.AccessToken, c.RefreshToken, c.CursorKey, c.OrganizationAPIKey, c.OrganizationEventsKey, c.OTLPHeaders} {
		if len(s) >= leastHidden {
			all = append(all, string(s))
		}
	}
	return all
}

// connect makes the clients; it sends nothing.
func (c *config) connect(logger *zap.Logger, m *metrics) (*upstream, error) {
	clients := atlassian.Config{
		Logger:        logger.Named("atlassian"),
		Work:          scim.WorkOf,
		Timeout:       c.UpstreamTimeout,
		MaxRetries:    c.UpstreamMaxRetries,
		MaxRetryWait:  c.UpstreamRetryWait,
		MaxConcurrent: c.UpstreamConcurrency,
		PlainHTTP:     c.InsecureUpstream,
		UserAgent:     "scim-atlassian/" + version(),
		Secrets:       new(atlassian.Secrets),
	}
	clients.Secrets.Add(c.hidden()...)
	if clients.MaxRetries == 0 {
		clients.MaxRetries = -1 // there, 0 is the default
	}
	u := &upstream{health: health.New(logger, time.Now), secrets: clients.Secrets}
	told := func(name string) atlassian.Config {
		clients := clients
		clients.OnCall = func(ctx context.Context, call atlassian.Call) {
			m.call(ctx, call)
			u.health.Traffic(name, call)
			m.watch.call(name, call)
		}
		return clients
	}
	var err error
	u.directory, err = atlassian.NewDirectory(told(scim.UpstreamDirectory), c.SCIMURL, c.DirectoryID, string(c.DirectoryAPIKey))
	if err != nil {
		return nil, fmt.Errorf("SCIM_URL, DIRECTORY_ID: %w", err)
	}
	u.jira, err = atlassian.NewJira(told(scim.UpstreamJira), c.SiteURL, c.AdminEmail, string(c.AccountSecurityAPIKey))
	if err != nil {
		return nil, fmt.Errorf("SITE_URL, ADMIN_EMAIL: %w", err)
	}
	if c.OrganizationID != "" {
		u.organization, err = atlassian.NewOrganization(told(scim.UpstreamOrganization), c.organizationURL(), c.OrganizationID, string(c.OrganizationAPIKey))
		if err != nil {
			return nil, fmt.Errorf("SCIM_URL, SCIM_ATLASSIAN_ORGANIZATION_ID: %w", err)
		}
		u.organization.OldLists = c.OrganizationOldList
	}
	if c.OrganizationEventsKey != "" {
		u.events, err = atlassian.NewOrganization(told(scim.UpstreamEvents), c.organizationURL(), c.OrganizationID, string(c.OrganizationEventsKey))
		if err != nil {
			return nil, fmt.Errorf("SCIM_URL, SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY: %w", err)
		}
	}
	for _, credential := range c.credentials() {
		u.health.Credential(credential)
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

// warnOf logs what does not work of what the server can do without.
func warnOf(ctx context.Context, facade *scim.Server, logger *zap.Logger) {
	for _, f := range facade.Test(ctx) {
		if f.Outcome != connector.OutcomeOK && f.Outcome != connector.OutcomeOff && ctx.Err() == nil {
			logger.Warn("does not work", zap.String("capability", nameOf(f)), zap.String("outcome", string(f.Outcome)), zap.String("detail", f.Detail))
		}
	}
}

// settingsInMessages are the settings that messages of the server offer as a remedy.
var settingsInMessages = scim.Settings{
	DeriveEmailDomain: "SCIM_ATLASSIAN_DERIVE_EMAIL_DOMAIN",
	IgnoreUnsynced:    "SCIM_ATLASSIAN_IGNORE_UNSYNCED",
	Projects:          "SCIM_ATLASSIAN_PROJECTS",
	ChangeBudget:      "SCIM_ATLASSIAN_CHANGE_BUDGET",
	Protected:         "SCIM_ATLASSIAN_PROTECTED",

	DirectoryKey: "DIRECTORY_API_KEY", DirectoryID: "DIRECTORY_ID", DirectoryURL: "SCIM_URL",
	JiraToken: "ACCOUNT_SECURITY_API_KEY", JiraUser: "ADMIN_EMAIL", Site: "SITE_URL",
	OrganizationKey: "SCIM_ATLASSIAN_ORGANIZATION_API_KEY", OrganizationID: "SCIM_ATLASSIAN_ORGANIZATION_ID",
	OrganizationEventsKey: "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY", Issuer: "SCIM_ATLASSIAN_OIDC_ISSUER",
}

// foundation is what a server is built on besides its settings.
type foundation struct {
	callers []auth.Caller
	store   *state.Store // may be nil
	logger  *zap.Logger
	audit   zapcore.Core // nil: that of logger
	metrics *metrics
}

// build makes the clients and the server on top of them; it sends nothing.
func (c *config) build(ctx context.Context, on foundation) (*scim.Server, *upstream, error) {
	u, err := c.connect(on.logger, on.metrics)
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
	cursorKey, err := c.cursorKey(ctx, on.store)
	if err != nil {
		return nil, nil, err
	}
	fields, err := c.issueFields(ctx, u.jira, on.store)
	if u.fieldsUnknown = errors.Is(err, errFieldsUnknown); u.fieldsUnknown {
		on.logger.Warn("issues are not served until Jira answers", zap.Error(err))
	} else if err != nil {
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
		Health:            u.health,
		State:             on.store,
		Projects:          c.Projects,
		Account:           account,
		Entitlement:       entitlement,
		IssueFields:       fields,
		FieldsPending:     u.fieldsUnknown,
		AdoptIssues:       c.IssueConflict == "adopt",
		TrustedSource:     c.TrustedSource,
		IgnoreUnsynced:    c.IgnoreUnsynced,
		ProvisioningWait:  c.ProvisioningWait,
		PublicURL:         c.PublicURL,
		TrustedProxies:    proxies,
		Callers:           on.callers,
		AllowFrom:         allowed,
		Issuer:            c.issuer(),
		Probes:            u.probes(),
		PublicDiscovery:   c.PublicDiscovery,
		MaxResults:        c.MaxResults,
		ScanBudget:        c.ScanBudget,
		SnapshotTTL:       c.SnapshotTTL,
		FeedInterval:      c.FeedInterval,
		FeedTrust:         c.FeedTrust,
		MirrorIssues:      c.MirrorIssues,
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
		OnRequest:         on.metrics.request,
		Logger:            on.logger,
		Audit:             on.audit,
		AuditValues:       audit.Values(c.AuditValues),
		AuditRequired:     c.AuditRequired,
	})
	return facade, u, err
}
