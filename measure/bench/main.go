// Command bench measures the CPU that the server takes for a request beside the
// CPU that a plain reverse proxy takes for the same one.
//
//	go run ./measure/bench
//
// It builds scim-atlassian and starts three processes on loopback: the emulator,
// `scim-atlassian serve` in front of it, and a reverse proxy in front of the same
// emulator. It sends the same requests to server and proxy in turn and reads the
// CPU time of either process before and after. Client and emulator count on
// neither side. docs/performance.md says more about the figures.
//
// The server has its state in memory, its audit in a file and no change budget. With
// -defaults all is measured once more with the defaults of `serve`, but for the budget,
// which the writes would exceed.
//
// No figure makes it fail unless -most says so; it fails if it cannot measure. Linux
// only, since it reads /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
)

// options are the command line.
type options struct {
	effort   float64        // share of each case's usual number of requests
	members  int            // of the large group; 0: no cases with it
	only     *regexp.Regexp // names of the cases to run
	settings []string       // NAME=value, for the server
	defaults bool           // measure with the defaults of serve too
	most     []bound        // of the first measurement
	profile  string         // folder for CPU profiles; empty: measure
	handler  string         // functions by which the library calls us, a pattern
}

func main() {
	log.SetFlags(0)
	o := options{only: regexp.MustCompile("")}
	flag.Float64Var(&o.effort, "effort", 1, "`share` of the usual number of requests, such as 0.01 to see whether it works")
	flag.IntVar(&o.members, "members", 50_000, "`members` of the large group; 0 leaves its cases out")
	flag.Func("only", "`pattern` of the names of the cases to run (default all)", func(s string) (err error) {
		o.only, err = regexp.Compile(s)
		return err
	})
	flag.Func("set", "`NAME=value` of a setting of the server, repeatable", func(s string) error {
		o.settings = append(o.settings, s)
		return nil
	})
	flag.BoolVar(&o.defaults, "defaults", false, "measure once more with the defaults of serve, without bounds")
	flag.Func("most", "`pattern=ratio` of the cases that may not take more, in the median, repeatable", func(s string) error {
		b, err := parseBound(s)
		o.most = append(o.most, b)
		return err
	})
	flag.StringVar(&o.profile, "profile", "", "instead of measuring, write a CPU profile of the server for each case into `folder`, and print the SCIM library's share")
	flag.StringVar(&o.handler, "handler", `^scim-atlassian/scim/server\.handler\.`, "`pattern` of the functions by which the SCIM library calls the server back, for -profile")
	target := flag.String("proxy", "", "be the proxy in front of this `URL`; bench starts itself so")
	flag.Parse()
	var err error
	if *target != "" {
		err = serveProxy(*target)
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, o)
		stop()
	}
	if err != nil {
		log.Fatalf("bench: %v", err)
	}
}

// measured is how the server runs while it is measured, and unbudgeted its defaults, with
// which it would refuse the writes of the cases after a while.
var (
	measured   = []string{"SCIM_ATLASSIAN_STATE=memory", "SCIM_ATLASSIAN_AUDIT=audit.jsonl", "SCIM_ATLASSIAN_CHANGE_BUDGET=off"}
	unbudgeted = []string{"SCIM_ATLASSIAN_CHANGE_BUDGET=off"}
)

// run measures, or profiles, in the ways that the options ask for.
func run(ctx context.Context, o options) error {
	given := o.settings
	o.settings = slices.Concat(measured, given)
	err := runAll(ctx, o)
	if !o.defaults || err != nil && !errors.As(err, new(exceeded)) {
		return err
	}
	fmt.Println("\nwith the defaults of serve:")
	o.settings, o.most = slices.Concat(unbudgeted, given), nil
	return errors.Join(err, runAll(ctx, o))
}

// runAll runs the cases of the small tenant, then those of the large group.
func runAll(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, tags := filepath.Join(dir, "scim-atlassian"), ""
	if o.profile != "" {
		tags = "profile"
	}
	build := exec.CommandContext(ctx, "go", "build", "-tags", tags, "-o", program, "scim-atlassian/cmd/scim-atlassian")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if o.profile == "" {
		printHead()
	}
	small := errors.Join(runCases(ctx, o, dir, 1000, smallCases), runCases(ctx, o, dir, 200, issueCases))
	if o.members == 0 || small != nil && !errors.As(small, new(exceeded)) {
		return small
	}
	return errors.Join(small, runCases(ctx, o, dir, o.members+guests, groupCases))
}

// runCases runs the cases that prepare returns over a fresh tenant of so many users. A
// case that exceeds a bound makes it fail at the end.
func runCases(ctx context.Context, o options, dir string, users int, prepare func(context.Context, *trio, int) ([]benchCase, error)) error {
	t, err := startTrio(ctx, o, dir, users)
	if err != nil {
		return err
	}
	defer t.stop()
	cases, err := prepare(ctx, t, users)
	if err != nil {
		return err
	}
	var beyond error
	for _, c := range cases {
		if !o.only.MatchString(c.name) {
			continue
		}
		c.requests = max(concurrency, int(float64(c.requests)*o.effort))
		if o.profile != "" {
			err = t.profile(ctx, o, c)
		} else {
			err = t.measure(ctx, c, o.most)
		}
		switch {
		case errors.As(err, new(exceeded)):
			beyond = errors.Join(beyond, fmt.Errorf("%s: %w", c.name, err))
		case err != nil:
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return beyond
}
