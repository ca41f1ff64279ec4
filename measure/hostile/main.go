//go:build linux

// Command hostile sends the server what nobody means well by, and measures the CPU that each costs.
//
//	go run ./measure/hostile -users 10000
//
// It runs the server over an emulated tenant whose users it has read already, and sends each input several times on
// loopback. What counts is the CPU of the whole process, without that of the emulator's answers and of the garbage
// collector, which works for both, in the cheapest of the attempts. It prints a line for each input, and fails if one of them costs more
// than the bound, or is answered with a status that blames the server.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	users    int
	attempts int
	most     time.Duration
	only     string
	profile  string
}

func main() {
	log.SetFlags(0)
	var o options
	flag.IntVar(&o.users, "users", 10_000, "users in the tenant")
	flag.IntVar(&o.attempts, "attempts", 5, "how often each input is sent")
	flag.DurationVar(&o.most, "most", 50*time.Millisecond, "CPU that an input may cost")
	flag.StringVar(&o.only, "only", "", "inputs with this `text` in their names")
	flag.StringVar(&o.profile, "profile", "", "`file` for a CPU profile")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	results, err := run(ctx, o)
	if err != nil {
		log.Fatalf("hostile: %v", err)
	}
	var over []string
	for _, r := range results {
		fmt.Printf("%8.1f ms  %d  %s\n", float64(r.cpu.Microseconds())/1000, r.status, r.name)
		if r.cpu > o.most || r.status >= 500 && r.status != 501 {
			over = append(over, r.name)
		}
	}
	if len(over) > 0 {
		log.Fatalf("hostile: beyond %v, or answered 5xx: %s", o.most, strings.Join(over, "; "))
	}
}

// result is what an input cost, and how it was answered.
type result struct {
	name   string
	status int
	cpu    time.Duration
}

// run sends every input, the dearest last in what it returns.
func run(ctx context.Context, o options) ([]result, error) {
	s, err := newSite(ctx, o.users)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if o.profile != "" {
		file, err := os.Create(o.profile)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	var results []result
	for _, in := range inputs(s) {
		if !strings.Contains(in.name, o.only) {
			continue
		}
		r := result{name: in.name, cpu: time.Hour}
		for range o.attempts {
			cpu, status, err := s.send(ctx, in)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", in.name, err)
			}
			r.cpu, r.status = min(r.cpu, cpu), status
		}
		results = append(results, r)
	}
	slices.SortStableFunc(results, func(a, b result) int { return int(a.cpu - b.cpu) })
	return results, nil
}

// cpu returns the CPU that the process (syscall.RUSAGE_SELF) or the thread (RUSAGE_THREAD) has used.
func cpu(who int) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(who, &used); err != nil {
		panic(err) // there is no reason for it to fail
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
