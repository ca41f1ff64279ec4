package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/errgroup"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console"
	"scim-atlassian/scim/server"
)

// The credentials that demo accepts on loopback. Anybody may know them.
const (
	demoUser      = "demo"
	demoPassword  = "demo"
	demoToken     = "demo-token"
	demoReadToken = "demo-read-token"
)

// demoCredentials are the secrets that a demo accepts.
type demoCredentials struct{ password, token, readToken string }

// credentialsFor returns the secrets for a demo that listens on host: those that everybody knows on this machine only,
// new ones for each start where others can reach it.
func credentialsFor(host string) demoCredentials {
	if isLoopback(host) {
		return demoCredentials{password: demoPassword, token: demoToken, readToken: demoReadToken}
	}
	return demoCredentials{password: rand.Text(), token: rand.Text(), readToken: rand.Text()}
}

// demoFlags are the command line of demo.
type demoFlags struct {
	listen, adminListen, state string
	emulator                   emulatorFlags
}

func (p *program) demoCommand() *cobra.Command {
	var flags demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the facade on an emulated Atlassian Cloud",
		Long: "Run the facade on an emulated Atlassian Cloud with sample data, both on this machine. It needs no configuration and no network.\n" +
			"Where the facade listens on more than loopback, as in a container, its credentials are new ones, which it prints.",
		Example: "  scim-atlassian demo --users 10000 --fault 'method=GET every=20 status=503'\n" +
			"  docker run -p 7001:7001 scim-atlassian demo --listen :7001",
		Args: stateFlag(&flags.state),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.demo(cmd.Context(), flags)
		},
	}
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:7001", "address of the facade")
	cmd.Flags().StringVar(&flags.adminListen, "admin-listen", adminDefault, "address of /metrics, on this machine only; any free port if the default is taken, none if empty")
	cmd.Flags().StringVar(&flags.state, "state", "memory", "where to keep the state: memory, file:PATH or postgres://…")
	addEmulatorFlags(cmd.Flags(), &flags.emulator)
	return cmd
}

func (p *program) demo(ctx context.Context, flags demoFlags) error {
	for _, a := range []string{cmp.Or(flags.adminListen, adminDefault), flags.emulator.listen} {
		if host, _, err := net.SplitHostPort(a); err != nil || !isLoopback(host) {
			return fmt.Errorf("%q is not an address of this machine: everybody knows the emulator's credentials, and metrics need none; use 127.0.0.1:PORT", a)
		}
	}
	host, _, err := net.SplitHostPort(flags.listen)
	if err != nil {
		return fmt.Errorf("--listen %q is no address: use 127.0.0.1:PORT, or :PORT to be reached from elsewhere", flags.listen)
	}
	credentials := credentialsFor(host)
	below, err := listen(ctx, flags.emulator.listen)
	if err != nil {
		return err
	}
	defer below.Close()
	above, err := listen(ctx, flags.listen)
	if err != nil {
		return err
	}
	defer above.Close()
	admin, err := listenAdmin(ctx, flags.adminListen, "127.0.0.1:0")
	if err != nil {
		return err
	}

	streams := p.streams()
	logger := streams.logger(p.logLevel)
	c := emulatorConfig(below.Addr().String())
	c.State = secret(flags.state)
	c.IssueFile = demoFieldsFile
	c.ChangeBudget, c.Protected = "off", "none"
	c.BusinessOwner, c.ITOwner = "Demo Business Owner", "Demo IT Owner"
	callers, err := demoCallers(credentials)
	if err != nil {
		return err
	}
	store, err := c.openState(ctx, logger)
	if err != nil {
		return err
	}
	defer store.Close()
	m := newMetrics()
	logger = m.watch.logger(logger)
	record, err := c.openAudit(ctx, streams, foundation{store: store, logger: logger, metrics: m})
	if err != nil {
		return err
	}
	defer record.close(logger)
	facade, u, err := c.build(ctx, foundation{callers, store, logger, record.core, m})
	if err != nil {
		return err
	}
	quiet := flags.emulator.options
	quiet.Faults = nil // until somebody was found for the example
	cloud := emulator.New(quiet)

	m.observe(facade, u, store)
	sites := []site{{listener: above, handler: m.around(facade), timeout: c.RequestTimeout, scim: true, drained: u.closeIdle}, emulatorSite(below, cloud, flags.emulator.options)}
	where := demoAddresses{facade: above.Addr(), cloud: below.Addr()}
	if admin != nil {
		c.openConsole(consoleParts{facade: facade, u: u, store: store, watch: m.watch, service: above.Addr(), cloud: cloud, logger: logger})
		sites = append(sites, m.site(admin, false))
		where.admin = admin.Addr()
	}

	group, ctx := errgroup.WithContext(ctx)
	context.AfterFunc(ctx, facade.Drain)
	group.Go(func() error { return serveSites(ctx, logger, sites...) })
	group.Go(func() error {
		userName := exampleUser(ctx, u.directory)
		cloud.ClearLog()
		cloud.SetFaults(flags.emulator.options.Faults)
		p.introduce(where, credentials, flags.emulator.options, userName)
		return nil
	})
	return group.Wait()
}

// exampleUser returns the name of a user of the tenant; in an empty tenant no user has it.
func exampleUser(ctx context.Context, directory *atlassian.Directory) string {
	page, err := directory.Users(ctx, atlassian.ListOptions{StartIndex: 1, Count: 1})
	if err != nil || len(page.Resources) == 0 {
		return "nobody@demo.example"
	}
	return page.Resources[0].UserName
}

// demoAddresses are where the parts of the demo listen.
type demoAddresses struct{ facade, cloud, admin net.Addr }

// introduce prints where everything is, and three requests to begin with.
func (p *program) introduce(where demoAddresses, credentials demoCredentials, options emulator.Options, userName string) {
	base := "http://" + dialable(where.facade, "127.0.0.1") + server.BasePath
	metrics, pages := "off", "off"
	if where.admin != nil {
		metrics = "http://" + where.admin.String() + "/metrics"
		pages = "http://" + where.admin.String() + console.Path
	}
	fmt.Fprintf(p.stdout, `SCIM 2.0            %[1]s
Basic               %[2]s:%[3]s
Bearer              %[4]s, or %[5]s that may only read
Emulated Atlassian  http://%[6]s, %[7]s
Console             %[10]s
Metrics             %[9]s

curl -sw '\n' -u %[2]s:%[3]s '%[1]s/Users?count=3'
curl -sw '\n' -G -u %[2]s:%[3]s '%[1]s/Users' --data-urlencode 'filter=userName eq %[8]s'
curl -sw '\n' -G -H 'Authorization: Bearer %[5]s' '%[1]s/Issues' --data-urlencode 'filter=status.name eq "Done"' -d count=3

Ctrl-C ends it.
`, base, demoUser, credentials.password, credentials.token, credentials.readToken, where.cloud, describe(options), insideQuotes(strconv.Quote(userName)), metrics, pages)
}

// insideQuotes is s as it is written between single quotes in a shell.
func insideQuotes(s string) string { return strings.ReplaceAll(s, "'", `'\''`) }

// demoCallers are the callers behind the credentials.
func demoCallers(credentials demoCredentials) ([]auth.Caller, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(credentials.password), bcrypt.MinCost)
	if err != nil {
		return nil, fmt.Errorf("demo password: %w", err)
	}
	digest := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return hex.EncodeToString(sum[:])
	}
	return []auth.Caller{
		{Name: "demo", Username: demoUser, BasicBcrypt: auth.Hashes{string(hash)}, BearerSHA256: auth.Hashes{digest(credentials.token)}, Rights: map[string]auth.Right{auth.AnyType: auth.Write}, Console: true, Release: true},
		{Name: "demo-read", BearerSHA256: auth.Hashes{digest(credentials.readToken)}, Rights: map[string]auth.Right{auth.AnyType: auth.Read}},
	}, nil
}
