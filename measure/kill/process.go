package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// process is a running scim-atlassian.
type process struct {
	cmd  *exec.Cmd
	said *bufio.Reader
}

// launch starts a command whose standard output, or error, is read.
func launch(ctx context.Context, program string, environ []string, errors bool, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, environ...)
	pipe := cmd.StdoutPipe
	if errors {
		pipe = cmd.StderrPipe
	}
	out, err := pipe()
	if err != nil {
		return nil, err
	}
	return &process{cmd, bufio.NewReader(out)}, cmd.Start()
}

// await reads lines until one satisfies found, and from then on reads the rest away.
func (p *process) await(found func(line string) bool) error {
	var all strings.Builder
	for {
		line, err := p.said.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			return fmt.Errorf("%s ended: %s", p.cmd.Args[1], all.String())
		}
		if found(line) {
			go io.Copy(io.Discard, p.said)
			return nil
		}
	}
}

// kill ends a process with SIGKILL and waits for it.
func (p *process) kill() {
	if p == nil || p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Kill() // it has ended already, then
	_ = p.cmd.Wait()         // killed
}

// startEmulator starts an empty emulator and returns its address and the environment that points a server at it.
func startEmulator(ctx context.Context, program string) (p *process, address string, environ []string, err error) {
	p, err = launch(ctx, program, nil, false, "emulator", "--atlassian-listen", "127.0.0.1:0", "--users", "0", "--groups", "0", "--issues", "0", "--projects", "1")
	if err != nil {
		return nil, "", nil, err
	}
	err = p.await(func(line string) bool {
		line = strings.TrimSpace(line)
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			environ = append(environ, line)
			if name == "SITE_URL" {
				address = strings.TrimPrefix(value, "http://")
			}
		}
		return strings.HasPrefix(line, "SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY=")
	})
	return p, address, environ, err
}

// startServer starts a server and returns its address.
func startServer(ctx context.Context, program string, environ []string) (p *process, address string, err error) {
	p, err = launch(ctx, program, environ, true, "serve", "--listen", "127.0.0.1:0", "--skip-check")
	if err != nil {
		return nil, "", err
	}
	err = p.await(func(line string) bool {
		var said struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "listening" {
			address = said.Address
		}
		return address != ""
	})
	return p, address, err
}

// verify runs verify-audit.
func verify(ctx context.Context, program string, environ []string, path string) error {
	cmd := exec.CommandContext(ctx, program, "verify-audit", path)
	cmd.Env = environ
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.New(strings.TrimSpace(string(out)))
	}
	return nil
}
