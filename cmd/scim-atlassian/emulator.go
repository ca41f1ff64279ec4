package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"scim-atlassian/atlassian/emulator"
)

// emulatorFlags are the flags that demo and emulator share.
type emulatorFlags struct {
	listen  string
	options emulator.Options
}

// addEmulatorFlags registers them with the emulator's own defaults.
func addEmulatorFlags(flags *pflag.FlagSet, f *emulatorFlags) {
	f.options = emulator.DefaultOptions()
	flags.StringVar(&f.listen, "atlassian-listen", "127.0.0.1:7002", "address of the emulator")
	flags.Var((*amount)(&f.options.Users), "users", "emulated users")
	flags.Var((*amount)(&f.options.Groups), "groups", "emulated groups")
	flags.Var((*amount)(&f.options.Projects), "projects", "emulated Jira projects")
	flags.Var((*amount)(&f.options.Issues), "issues", "emulated issues, over all projects")
	flags.Uint64Var(&f.options.Seed, "seed", f.options.Seed, "the same seed gives the same data")
	flags.DurationVar(&f.options.Latency, "latency", 0, "added to every emulated answer")
	flags.StringSliceVar(&f.options.VerifiedDomains, "verified-domain", nil, "e-mail domain of managed accounts, repeatable (default every domain)")
	flags.Var((*faultList)(&f.options.Faults), "fault", "fault rule, repeatable, such as 'path=/scim/ every=10 status=429 retry-after=2'")
	flags.BoolVar(&f.options.Jira.ServiceDesk, "service-desk", false, "add the project SD of Jira Service Management, whose requests need an approval")
	flags.Var((*indexLag)(&f.options), "index-lag", "until a write shows in Jira's and the organization's searches")
	events := &f.options.Organization.Events
	flags.Var((*streamEnd)(&events.NullEnd), "events", "how the organization's event stream ends: cursor or null")
	flags.Var((*eventFaults)(&events.Faults), "event-faults", "events that are dropped, late or doubled, such as 'drop=0.1 late=0.1:1h double=0.05'")
	flags.Var((*logged)(&events.NoFeed), "feed", "whether the organization's plan has an audit log; without, the event stream is empty")
	flags.Lookup("feed").NoOptDefVal = "true"
}

func (p *program) emulatorCommand() *cobra.Command {
	var flags emulatorFlags
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Run the emulator of Atlassian Cloud alone",
		Long: "Run the emulator of Atlassian Cloud alone. It prints the environment that points serve at it; who may call serve\n" +
			"is yours to say (SCIM_ATLASSIAN_CALLERS_FILE). --listen is another name for --atlassian-listen.",
		Example: "  scim-atlassian emulator --users 10000 --latency 20ms",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.emulate(cmd.Context(), flags)
		},
	}
	addEmulatorFlags(cmd.Flags(), &flags)
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "listen" { // there is only one thing here that listens
			name = "atlassian-listen"
		}
		return pflag.NormalizedName(name)
	})
	return cmd
}

func (p *program) emulate(ctx context.Context, flags emulatorFlags) error {
	listener, err := listen(ctx, flags.listen)
	if err != nil {
		return err
	}
	c := emulatorConfig(dialable(listener.Addr(), hostname()))
	fmt.Fprintf(p.stdout, "# Atlassian emulator on http://%s, %s\n", listener.Addr(), describe(flags.options))
	fmt.Fprintf(p.stdout, "SCIM_URL=%s\nDIRECTORY_ID=%s\nDIRECTORY_API_KEY=%s\nSITE_URL=%s\nADMIN_EMAIL=%s\nACCOUNT_SECURITY_API_KEY=%s\n",
		c.SCIMURL, c.DirectoryID, emulator.DirectoryKey, c.SiteURL, c.AdminEmail, emulator.APIToken)
	fmt.Fprintf(p.stdout, "SCIM_ATLASSIAN_ORGANIZATION_ID=%s\nSCIM_ATLASSIAN_ORGANIZATION_API_KEY=%s\nSCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY=%s\n",
		c.OrganizationID, emulator.OrganizationKey, emulator.ScopedKey)
	if u, err := url.Parse(c.SiteURL); err == nil && !isLoopback(u.Hostname()) {
		fmt.Fprintln(p.stdout, "SCIM_ATLASSIAN_INSECURE_UPSTREAM=true")
	}
	return serveSites(ctx, p.streams().logger(p.logLevel), emulatorSite(listener, emulator.New(flags.options), flags.options))
}

// emulatorTimeout is how long an answer of the emulator may take, without the latency and the delays asked for.
const emulatorTimeout = time.Minute

func emulatorSite(listener net.Listener, e *emulator.Emulator, options emulator.Options) site {
	longest := options.Latency + emulatorTimeout
	for _, fault := range options.Faults {
		longest = max(longest, fault.Delay+options.Latency+emulatorTimeout)
	}
	return site{listener: listener, handler: e, timeout: longest}
}

// hostname is what other machines and containers of a network call this one, if it knows.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// emulatorConfig is the configuration of a facade in front of the emulator at address, a host with a port.
func emulatorConfig(address string) *config {
	c := defaultConfig()
	c.SiteURL = "http://" + address
	c.SCIMURL = c.SiteURL + "/scim/directory"
	c.DirectoryID, c.DirectoryAPIKey = emulator.DirectoryID, emulator.DirectoryKey
	c.AdminEmail, c.AccountSecurityAPIKey = emulator.AdminEmail, emulator.APIToken
	c.OrganizationID, c.OrganizationAPIKey, c.OrganizationEventsKey = emulator.OrganizationID, emulator.OrganizationKey, emulator.ScopedKey
	return c
}

func describe(o emulator.Options) string {
	return strings.Join([]string{count(o.Users, "user"), count(o.Groups, "group"), count(o.Projects, "project"), count(o.Issues, "issue")}, ", ")
}

// amount is a flag that counts things.
type amount int

// Set implements pflag.Value.
func (a *amount) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return errors.New("must be a whole number, 0 or more")
	}
	*a = amount(n)
	return nil
}

// String implements pflag.Value.
func (a *amount) String() string { return strconv.Itoa(int(*a)) }

// Type implements pflag.Value.
func (a *amount) Type() string { return "number" }

// faultList is a flag that takes one fault rule each time it is given.
type faultList []emulator.Fault

// Set implements pflag.Value.
func (l *faultList) Set(s string) error {
	faults, err := emulator.ParseFaults(s)
	if err != nil {
		return err
	}
	*l = append(*l, faults...)
	return nil
}

// String implements pflag.Value.
func (l *faultList) String() string {
	rules := make([]string, len(*l))
	for i, fault := range *l {
		rules[i] = fault.String()
	}
	return strings.Join(rules, "; ")
}

// Type implements pflag.Value.
func (l *faultList) Type() string { return "rule" }

// indexLag is a flag for the lag of all search indexes of the emulator.
type indexLag emulator.Options

// Set implements pflag.Value.
func (l *indexLag) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return errors.New("must be a duration such as 2s")
	}
	l.Jira.IndexLag, l.Organization.IndexLag = d, d
	return nil
}

// String implements pflag.Value.
func (l *indexLag) String() string { return l.Organization.IndexLag.String() }

// Type implements pflag.Value.
func (l *indexLag) Type() string { return "duration" }

// streamEnd is a flag that says whether the event stream ends without a cursor.
type streamEnd bool

// Set implements pflag.Value.
func (e *streamEnd) Set(s string) error {
	if s != "cursor" && s != "null" {
		return errors.New("must be cursor or null")
	}
	*e = s == "null"
	return nil
}

// String implements pflag.Value.
func (e *streamEnd) String() string {
	if *e {
		return "null"
	}
	return "cursor"
}

// Type implements pflag.Value.
func (e *streamEnd) Type() string { return "end" }

// eventFaults is a flag that takes the faults of the event stream.
type eventFaults emulator.EventFaults

// Set implements pflag.Value.
func (f *eventFaults) Set(s string) error {
	faults, err := emulator.ParseEventFaults(s)
	*f = eventFaults(faults)
	return err
}

// String implements pflag.Value.
func (f *eventFaults) String() string { return emulator.EventFaults(*f).String() }

// Type implements pflag.Value.
func (f *eventFaults) Type() string { return "words" }

// logged is a flag that says that there is an event stream; its variable says that there is none.
type logged bool

// Set implements pflag.Value.
func (f *logged) Set(s string) error {
	on, err := strconv.ParseBool(s)
	*f = logged(!on)
	return err
}

// String implements pflag.Value.
func (f *logged) String() string { return strconv.FormatBool(!bool(*f)) }

// Type implements pflag.Value.
func (f *logged) Type() string { return "bool" }
