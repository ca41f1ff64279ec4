// Command chaos tries to have the server lose, double or invent something.
//
//	go run ./measure/chaos -duration 60s -seed 1
//
// It starts the emulator of Atlassian and the server, both behind HTTP on loopback, and between them a weather that spoils
// a share of the requests: limits, errors, cut connections, answers that come late or never, or are not what they should
// be. Jira's searches lag behind what was written. Many clients make random operations on things of their own. Each keeps a model of what must be true, from nothing
// but the server's answers and its audit, and holds every read against it. In the end the weather clears, and the models
// are compared with what the tenant really holds.
//
// It prints what the operations were answered with and what was found, by kind, and fails if anything was. The same seed
// makes the same operations and the same faults, request by request; only their interleaving differs, and with -clients 1
// not even that.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	duration time.Duration
	seed     uint64
	clients  int
	share    float64       // of the requests to Atlassian that are spoilt
	kinds    []string      // of faults
	lag      time.Duration // after which searches know a write of an issue
}

func main() {
	log.SetFlags(0)
	var o options
	flag.DurationVar(&o.duration, "duration", time.Minute, "how long the clients make requests")
	flag.Uint64Var(&o.seed, "seed", 1, "of operations and faults")
	flag.IntVar(&o.clients, "clients", 64, "number of clients, at most 100")
	flag.Float64Var(&o.share, "faults", 0.05, "`share` of the requests to Atlassian that are spoilt")
	flag.DurationVar(&o.lag, "lag", 500*time.Millisecond, "how long Jira's searches do not know of a write")
	all := strings.Join(slices.Sorted(maps.Keys(faultsByName)), ",")
	kinds := flag.String("kinds", all, "comma-separated `names` of the faults that may happen")
	flag.Parse()
	o.kinds = strings.Split(*kinds, ",")
	slices.Sort(o.kinds)
	for _, kind := range o.kinds {
		if faultsByName[kind] == nil {
			log.Fatalf("chaos: no fault is named %q; there are %s", kind, all)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if r, err := run(ctx, o); err != nil {
		log.Fatalf("chaos: %v", err)
	} else if fmt.Print(r); !r.clean() {
		log.Fatalf("chaos: again with: go run ./measure/chaos -duration %v -seed %d -clients %d -faults %v -lag %v -kinds %q", o.duration, o.seed, o.clients, o.share, o.lag, *kinds)
	}
}

// run makes a world, has the clients work in it and compares what they believe with what is true.
func run(ctx context.Context, o options) (*report, error) {
	before := runtime.NumGoroutine()
	w, err := newWorld(o)
	if err != nil {
		return nil, err
	}
	clients := make([]*client, o.clients)
	for i := range clients {
		clients[i] = newClient(w, i)
	}
	w.work(ctx, o, clients)
	w.weather.clear()
	time.Sleep(o.lag) // the truth is read by a search too
	if err := w.settle(clients); err != nil {
		return nil, err
	}
	w.stop()
	w.weather.late.Wait()
	w.leftovers(before)
	return w.report, nil
}

// work has the clients make requests for a while, and samples what they cost.
func (w *world) work(ctx context.Context, o options, clients []*client) {
	ctx, cancel := context.WithTimeout(ctx, o.duration)
	defer cancel()
	samples := newSamples(o.duration / 60)
	var working sync.WaitGroup
	for _, c := range clients {
		working.Go(func() { c.run(ctx) })
	}
	samples.take(ctx)
	working.Wait()
	fmt.Print(samples)
	w.weather.mu.Lock()
	fmt.Println("faults:", w.weather.struck)
	w.weather.mu.Unlock()
}

// settle compares models and truth.
func (w *world) settle(clients []*client) error {
	t, err := readTruth(w.weather.atlassian)
	if err != nil {
		return err
	}
	for _, c := range clients {
		t.compare(c)
	}
	t.strangers(clients, w.report)
	return nil
}

// leftovers looks for goroutines that outlived the servers.
func (w *world) leftovers(before int) {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		switch now := runtime.NumGoroutine(); {
		case now <= before:
			return
		case time.Now().After(deadline):
			stacks := make([]byte, 1<<20)
			w.report.find(leaked, "%d goroutines were left over: %s", now-before, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}
