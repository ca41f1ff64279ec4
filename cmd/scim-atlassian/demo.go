package main

import (
	"context"
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
	"scim-atlassian/scim"
)

// The credentials that demo accepts, on loopback only. Anybody may know them.
const (
	demoUser      = "demo"
	demoPassword  = "demo"
	demoToken     = "demo-token"
	demoReadToken = "demo-read-token"
)

func (p *program) demoCommand() *cobra.Command {
	var (
		address string
		flags   emulatorFlags
	)
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Run the facade on an emulated Atlassian Cloud",
		Long:    "Run the facade on an emulated Atlassian Cloud with sample data, both on this machine. It needs no configuration and no network.",
		Example: "  scim-atlassian demo --users 10000 --fault 'method=GET every=20 status=503'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.demo(cmd.Context(), address, flags)
		},
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:7001", "address of the facade, on this machine only")
	addEmulatorFlags(cmd.Flags(), &flags)
	return cmd
}

func (p *program) demo(ctx context.Context, address string, flags emulatorFlags) error {
	for _, a := range []string{address, flags.listen} {
		if host, _, err := net.SplitHostPort(a); err != nil || !isLoopback(host) {
			return fmt.Errorf("%q is not an address of this machine: everybody knows the demo's credentials; use 127.0.0.1:PORT", a)
		}
	}
	below, err := listen(ctx, flags.listen)
	if err != nil {
		return err
	}
	defer below.Close()
	above, err := listen(ctx, address)
	if err != nil {
		return err
	}
	defer above.Close()

	logger := p.logger(p.logLevel)
	c := emulatorConfig(below.Addr())
	callers, err := demoCallers()
	if err != nil {
		return err
	}
	facade, u, err := c.build(callers, logger)
	if err != nil {
		return err
	}
	quiet := flags.options
	quiet.Faults = nil // until somebody was found for the example
	cloud := emulator.New(quiet)

	group, ctx := errgroup.WithContext(ctx)
	context.AfterFunc(ctx, facade.Drain)
	group.Go(func() error {
		return serveSites(ctx, logger, site{listener: above, handler: facade, timeout: c.RequestTimeout, drained: u.closeIdle}, emulatorSite(below, cloud, flags.options))
	})
	group.Go(func() error {
		userName := exampleUser(ctx, u.directory)
		cloud.ClearLog()
		cloud.SetFaults(flags.options.Faults)
		p.introduce(above.Addr(), below.Addr(), flags.options, userName)
		return nil
	})
	return group.Wait()
}

// exampleUser is the name of somebody who is there, or in an empty tenant, of nobody.
func exampleUser(ctx context.Context, directory *atlassian.Directory) string {
	page, err := directory.Users(ctx, atlassian.ListOptions{StartIndex: 1, Count: 1})
	if err != nil || len(page.Resources) == 0 {
		return "nobody@demo.example"
	}
	return page.Resources[0].UserName
}

// introduce prints where everything is, and three requests to begin with.
func (p *program) introduce(facade, cloud net.Addr, options emulator.Options, userName string) {
	base := "http://" + facade.String() + scim.BasePath
	fmt.Fprintf(p.stdout, `SCIM 2.0            %[1]s
Basic               %[2]s:%[3]s
Bearer              %[4]s, or %[5]s that may only read
Emulated Atlassian  http://%[6]s, %[7]s

curl -s -u %[2]s:%[3]s '%[1]s/Users?count=3'
curl -s -G -u %[2]s:%[3]s '%[1]s/Users' --data-urlencode 'filter=userName eq %[8]s'
curl -s -G -H 'Authorization: Bearer %[5]s' '%[1]s/Issues' --data-urlencode 'filter=status.name eq "Done"' -d count=3

Ctrl-C ends it.
`, base, demoUser, demoPassword, demoToken, demoReadToken, cloud, describe(options), insideQuotes(strconv.Quote(userName)))
}

// insideQuotes is s as it is written between single quotes in a shell.
func insideQuotes(s string) string { return strings.ReplaceAll(s, "'", `'\''`) }

// demoCallers are the callers behind the well-known credentials.
func demoCallers() ([]scim.Caller, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(demoPassword), bcrypt.MinCost)
	if err != nil {
		return nil, fmt.Errorf("demo password: %w", err)
	}
	digest := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return hex.EncodeToString(sum[:])
	}
	return []scim.Caller{
		{Name: "demo", Username: demoUser, BasicBcrypt: string(hash), BearerSHA256: digest(demoToken), Rights: map[string]scim.Right{scim.AnyType: scim.Write}},
		{Name: "demo-read", BearerSHA256: digest(demoReadToken), Rights: map[string]scim.Right{scim.AnyType: scim.Read}},
	}, nil
}
