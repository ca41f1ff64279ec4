package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"
)

// passwordCost makes a guess cost about a tenth of a second of CPU.
const passwordCost = 11

func (p *program) hashPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash-password",
		Short: "Hash a password for the callers file",
		Long: "Hash a password for basic_bcrypt in the callers file. It is read from standard input, up to the end of the line:\n" +
			"an argument would show in the list of processes and in the shell's history.",
		Example: "  read -rs PASSWORD && printf '%s' \"$PASSWORD\" | scim-atlassian hash-password\n\n" +
			"  callers.json:\n" +
			"  [{\"name\": \"idhub\", \"username\": \"idhub\", \"basic_bcrypt\": \"$2a$11$…\", \"rights\": {\"*\": \"write\"}}]",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.hashPassword() },
	}
}

func (p *program) hashPassword() error {
	password, err := bufio.NewReader(io.LimitReader(p.stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot read the password: %w", err)
	}
	password = strings.TrimRight(password, "\r\n")
	if password == "" {
		return errors.New("no password on standard input")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), passwordCost)
	if err != nil {
		return fmt.Errorf("cannot hash the password: %w", err)
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", hash)
	return err
}
