// Command scim-atlassian is a SCIM 2.0 server in front of Atlassian Cloud, and an emulator of Atlassian Cloud
// to try it with. This package turns flags, environment and files into values and listeners; nothing below it
// reads any of them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), hangups: hangups}
	os.Exit(p.run(ctx, os.Args[1:]))
}
