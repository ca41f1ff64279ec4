// Command limits holds the server to Atlassian's limits: it is to use them up and not to run into them.
//
//	go run ./measure/limits -rates 50,5
//
// It starts the emulator of Atlassian with a limit on the directory API, and the server in front of it, both behind HTTP on
// loopback. A crowd of clients asks for single users as fast as they are answered: that takes the number of requests to
// Atlassian divided by its rate at least, and should take little more, without an error. Then one client asks for a user now
// and then, first alone and then beside a bulk request of another, and should hardly notice.
//
// It prints what it took, and fails if that is more than what the options allow.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	rates   []int // requests a second that Atlassian takes
	clients int
	seconds int     // that the crowd works at least
	most    float64 // of the least time that the crowd may take
}

func main() {
	log.SetFlags(0)
	var o options
	rates := flag.String("rates", "50,5", "limits of Atlassian, in requests a second")
	flag.IntVar(&o.clients, "clients", 32, "number of clients in the crowd")
	flag.IntVar(&o.seconds, "seconds", 20, "how long the crowd works at least")
	flag.Float64Var(&o.most, "most", 1.05, "how long the crowd may take, in least times")
	flag.Parse()
	for text := range strings.SplitSeq(*rates, ",") {
		rate, err := strconv.Atoi(text)
		if err != nil || rate < 1 {
			log.Fatalf("limits: %q is no rate", text)
		}
		o.rates = append(o.rates, rate)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var missed []string
	for _, rate := range o.rates {
		r, err := measure(ctx, o, rate)
		if err != nil {
			log.Fatalf("limits: %v", err)
		}
		fmt.Print(r)
		missed = append(missed, r.missed(o)...)
	}
	if len(missed) > 0 {
		log.Fatalf("limits: %s", strings.Join(missed, "; "))
	}
}

// result is what was measured at one limit.
type result struct {
	rate      int
	requests  int           // of the crowd
	calls     int64         // that they cost at Atlassian
	refused   int64         // calls that Atlassian has answered 429
	took      time.Duration // from the first request to the last answer
	answers   map[int]int   // statuses other than 2xx
	alone     time.Duration // 95th percentile of a request now and then, without others
	beside    time.Duration // beside a batch
	batch     time.Duration // that the batch took
	batchSize int
}

// least is the time below which Atlassian's limit does not let the crowd's requests come. Those that it refuses do not count.
func (r *result) least() time.Duration {
	return time.Duration(float64(r.calls-r.refused) / float64(r.rate) * float64(time.Second))
}

// slot is the time of one request at Atlassian's limit.
func (r *result) slot() time.Duration { return time.Second / time.Duration(r.rate) }

// allowed is how long a request may take beside a batch: twice as long as alone, and one slot.
func (r *result) allowed() time.Duration { return 2*r.alone + r.slot() }

func (r *result) errors() int {
	n := 0
	for _, count := range r.answers {
		n += count
	}
	return n
}

func (r *result) String() string {
	return fmt.Sprintf("%d/s: %d requests cost %d calls (%d answered 429) in %v, %.3f of the least; %d errors %v\n"+
		"%d/s: 95th percentile alone %v, beside a batch of %d (%v) %v, allowed %v\n",
		r.rate, r.requests, r.calls, r.refused, r.took.Round(time.Millisecond), r.took.Seconds()/r.least().Seconds(), r.errors(), r.answers,
		r.rate, r.alone.Round(time.Millisecond), r.batchSize, r.batch.Round(time.Millisecond), r.beside.Round(time.Millisecond), r.allowed().Round(time.Millisecond))
}

// missed lists what is more than allowed.
func (r *result) missed(o options) (all []string) {
	if took := r.took.Seconds() / r.least().Seconds(); took > o.most {
		all = append(all, fmt.Sprintf("at %d/s the crowd took %.3f of the least time", r.rate, took))
	}
	if r.errors() > 0 {
		all = append(all, fmt.Sprintf("at %d/s %d requests failed", r.rate, r.errors()))
	}
	if r.beside > r.allowed() {
		all = append(all, fmt.Sprintf("at %d/s a request beside a batch took %v", r.rate, r.beside))
	}
	return all
}
