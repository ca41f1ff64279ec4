// Command day lets a day pass over a server that is fed by hints that cannot be relied on, and looks what it made of them.
//
//	go run ./measure/day -seed 1
//
// The emulator of Atlassian and the server share a clock that is moved. While a day passes on it, others change users,
// groups, memberships, roles of projects and issues, and some of it is done through the server. Of the entries of the two logs of
// changes a tenth never comes, a tenth comes an hour late, and one in twenty comes twice. The server is a process of its
// own with its state in a file; it is ended, and killed with SIGKILL, while it polls, while it reads everything, while it
// writes and in between. A client keeps a copy by delta queries alone, and takes its token with it.
//
// Everything that the client is told is held against what was ever true. After the day comes the next proof, and nothing
// else: then the copy of the client and the lists of the server are compared with what the tenant really holds. The
// program fails if anything was lost, deleted falsely or wrong.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	seed    uint64
	hours   int           // on the clock
	users   int           // of the tenant, in the beginning
	changes int           // in an hour, in the mean
	fates   fates         // of the entries of the logs of changes
	ends    int           // on how many polls there is an end of the process, in the mean
	ttl     time.Duration // for which lists believe a reading
}

// fates are the shares of the entries of the logs that never come, come an hour late, and come twice.
type fates struct{ drop, late, double float64 }

const (
	pollEvery  = 40 * time.Second // what serve makes of its default, 30s, where there are two logs
	deltaEvery = 15 * time.Minute // of the client
	lateBy     = time.Hour
	indexLag   = 2 * time.Minute // of Jira's searches
	proofs     = 24 * time.Hour
)

func main() {
	log.SetFlags(0)
	var o options
	var c served
	serving := flag.Bool("serve", false, "be the server that the others are told of, not the measurement")
	flag.StringVar(&c.upstream, "upstream", "", "with -serve: the `URL` of the emulator")
	flag.StringVar(&c.state, "state", "", "with -serve: `where` the state is")
	flag.DurationVar(&o.ttl, "ttl", 48*time.Hour, "how long lists believe a reading; as long as that, nothing but hints and proof brings anything")
	flag.Uint64Var(&o.seed, "seed", 1, "of changes and ends")
	flag.IntVar(&o.hours, "hours", 24, "that pass")
	flag.IntVar(&o.users, "users", 300, "in the beginning")
	flag.IntVar(&o.changes, "changes", 100, "in an hour")
	flag.IntVar(&o.ends, "ends", 40, "one of so many polls sees the process end")
	flag.Float64Var(&o.fates.drop, "drop", 0.1, "`share` of the log entries that never come")
	flag.Float64Var(&o.fates.late, "late", 0.1, "share that comes an hour late")
	flag.Float64Var(&o.fates.double, "double", 0.05, "share that comes twice")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *serving {
		c.ttl = o.ttl
		if err := c.run(ctx); err != nil {
			log.Fatalf("day: the server: %v", err)
		}
		return
	}
	found, err := measure(ctx, o)
	if err != nil {
		log.Fatalf("day: %v", err)
	}
	if found {
		os.Exit(1)
	}
}

// measure lets the day pass, prints what came of it and reports whether anything was found.
func measure(ctx context.Context, o options) (found bool, err error) {
	program, err := os.Executable()
	if err != nil {
		return false, err
	}
	d, err := newDay(ctx, o, program)
	if err != nil {
		return false, err
	}
	defer d.close()
	began := time.Now()
	if err := d.pass(ctx); err != nil {
		return false, err
	}
	if err := d.settle(ctx); err != nil {
		return false, err
	}
	fmt.Printf("%s%s\n", d.tally.text(o, time.Since(began)), d.report)
	return len(d.report) > 0, nil
}
