// Command kill kills the server, the emulator of Atlassian, or both, in the middle of a bulk request, and compares what
// each side knows of it.
//
//	go run ./measure/kill -rounds 20 -operations 1000 -seed 1
//
// Every process is a real one and is killed with SIGKILL. Between server and emulator stands a wire that sees every write
// and every answer, also those whose sender or receiver is dead by then. After the kill it holds that every write that
// went over the wire has an intent in the audit, that nothing is done in the audit or in the client's answer that Atlassian
// has not confirmed, and that the chain of the audit is whole. Then what was killed is started again and the request is
// repeated: in the end everything must be there once, since it has a unique name or an externalId.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	program    string
	rounds     int
	operations int
	seed       uint64
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.program, "program", "", "the `binary` of scim-atlassian (default: it is built)")
	flag.IntVar(&o.rounds, "rounds", 20, "how often to kill")
	flag.IntVar(&o.operations, "operations", 1000, "in the bulk request")
	flag.Uint64Var(&o.seed, "seed", 1, "of when the kills are")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, log.Printf); err != nil {
		log.Fatalf("kill: %v", err)
	}
}

// victims are who is killed, in turns.
var victims = []struct {
	name             string
	server, emulator bool
}{{"server", true, false}, {"emulator", false, true}, {"both", true, true}}

// run kills as often as wanted and fails if anybody has told what is not true.
func run(ctx context.Context, o options, say func(format string, args ...any)) error {
	dir, err := os.MkdirTemp("", "kill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.program == "" {
		o.program = filepath.Join(dir, "scim-atlassian")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", o.program, "scim-atlassian/cmd/scim-atlassian").CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w: %s", err, out)
		}
	}
	random := rand.New(rand.NewPCG(o.seed, 0))
	failed := 0
	for i := range o.rounds {
		r := &round{
			options: o, dir: filepath.Join(dir, fmt.Sprint(i)), victim: victims[i%len(victims)],
			after: 1 + random.IntN(o.operations*9/10), late: random.IntN(2) == 1, pause: time.Duration(random.IntN(3000)) * time.Microsecond,
		}
		if err := os.Mkdir(r.dir, 0o700); err != nil {
			return err
		}
		found, err := r.play(ctx)
		r.close()
		if err != nil {
			return fmt.Errorf("round %d, %s: %w", i+1, r.victim.name, err)
		}
		say("round %2d: %-8s killed at write %4d: %4d sent, %4d confirmed, %4d intents, %4d outcomes; again: %4d made, %4d there already, %d open; %d wrong",
			i+1, r.victim.name, r.after, r.sent, r.confirmed, r.intents, r.outcomes, r.made, r.there, r.open, len(found))
		for _, f := range found {
			say("  %s", f)
		}
		failed += len(found)
	}
	if failed > 0 {
		return fmt.Errorf("%d things are wrong", failed)
	}
	return nil
}
