package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/term"
)

// passwordCost makes a guess cost about a tenth of a second of CPU.
const passwordCost = 11

func (p *program) hashPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash-password",
		Short: "Hash a password for the callers file",
		Long: "Hash a password for basic_bcrypt in the callers file. It is typed, or read from standard input up to the end of the\n" +
			"line: an argument would show in the list of processes and in the shell's history.",
		Example: "  scim-atlassian hash-password\n\n" +
			"  callers.json:\n" +
			"  [{\"name\": \"idhub\", \"username\": \"idhub\", \"basic_bcrypt\": \"$2a$11$…\", \"rights\": {\"*\": \"write\"}}]",
		Args: noSecret,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.hashPassword(cmd.Context()) },
	}
}

func (p *program) hashPassword(ctx context.Context) error {
	password, err := p.readSecret(ctx, "Password")
	if err != nil {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), passwordCost)
	if err != nil {
		return fmt.Errorf("cannot hash the password: %w", err)
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", hash)
	return err
}

// readSecret reads a line from standard input. A terminal asks for it by the name given and does not show it.
func (p *program) readSecret(ctx context.Context, name string) (secret string, err error) {
	if f, ok := p.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		secret, err = p.typedSecret(ctx, int(f.Fd()), name)
	} else {
		secret, err = bufio.NewReader(io.LimitReader(p.stdin, 64<<10)).ReadString('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read the %s: %w", strings.ToLower(name), err)
	}
	secret = strings.TrimRight(secret, "\r\n")
	if secret == "" {
		return "", fmt.Errorf("no %s on standard input", strings.ToLower(name))
	}
	return secret, nil
}

// typedSecret leaves the terminal as it was, also when a signal ends the waiting.
func (p *program) typedSecret(ctx context.Context, terminal int, name string) (string, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	type line struct {
		text []byte
		err  error
	}
	fmt.Fprintf(p.stderr, "%s: ", name)
	defer fmt.Fprintln(p.stderr)
	typed := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(terminal)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		return string(l.text), l.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(terminal, before))
	}
}
