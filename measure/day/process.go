package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is a running server.
type process struct {
	cmd     *exec.Cmd
	address string
	ended   chan struct{}
}

// launch starts the server of this program and waits until it listens.
func launch(ctx context.Context, program string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, append([]string{"-serve"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	line, err := bufio.NewReader(out).ReadString('\n')
	if n, _ := fmt.Sscanf(line, "listening %s", &p.address); n != 1 {
		_ = cmd.Wait() // it has said why
		return nil, fmt.Errorf("the server ended: %w: %s", err, said.String())
	}
	go func() {
		_ = cmd.Wait() // it was made to end
		close(p.ended)
	}()
	return p, nil
}

// end ends the process, with SIGKILL or as an operator does, and waits for it.
func (p *process) end(kill bool) error {
	if kill {
		_ = p.cmd.Process.Kill() // it has ended already, then
	} else {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("the server did not end within a minute after SIGTERM")
	}
}
