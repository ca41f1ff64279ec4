package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// library is the pattern of the SCIM library's functions.
const library = `^github\.com/elimity-com/scim`

// profile writes a CPU profile of the server under the case's load, and prints two
// shares of its samples: those in the SCIM library but not in our handler, which
// the library calls, and those in our handler.
func (t *trio) profile(ctx context.Context, o options, c benchCase) error {
	path := filepath.Join(o.profile, strings.NewReplacer(" ", "-", ",", "", ":", "").Replace(c.name)+".prof")
	if err := os.MkdirAll(o.profile, 0o755); err != nil {
		return err
	}
	done := make(chan struct{})
	group, loaded := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(done)
		return t.writeProfile(loaded, path)
	})
	group.Go(func() error {
		for {
			select {
			case <-done:
				return nil
			default:
			}
			if _, err := t.viaServer.load(loaded, c.request, t.numbers, concurrency); err != nil {
				return err
			}
			t.numbers += concurrency
		}
	})
	if err := group.Wait(); err != nil {
		return err
	}
	inLibrary, err := share(ctx, path, "-focus="+library, "-ignore="+o.handler)
	if err != nil {
		return err
	}
	inHandler, err := share(ctx, path, "-focus="+o.handler)
	fmt.Printf("%*s  library %4.1f %%, our handler %4.1f %%  %s\n", columns[0], c.name, inLibrary, inHandler, path)
	return err
}

// writeProfile has the server profile itself for ten seconds.
func (t *trio) writeProfile(ctx context.Context, path string) error {
	overSocket := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", t.profiles)
	}}}
	req, err := http.NewRequestWithContext(ctx, "GET", "http://server/debug/pprof/profile?seconds=10", nil)
	if err != nil {
		return err
	}
	resp, err := overSocket.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.ReadFrom(resp.Body)
	return err
}

// accounted is where pprof says which share of all samples its filters left.
var accounted = regexp.MustCompile(`accounting for [^,]+, ([0-9.]+)% of`)

// share asks pprof for the share, in percent, of the profile's samples that the filters leave.
func share(ctx context.Context, path string, filters ...string) (float64, error) {
	args := append([]string{"tool", "pprof", "-top", "-nodecount=1000000", "-nodefraction=0"}, filters...)
	out, err := exec.CommandContext(ctx, "go", append(args, path)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	found := accounted.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pprof does not tell a share:\n%s", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
