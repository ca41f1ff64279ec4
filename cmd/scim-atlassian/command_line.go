package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// arguments takes exactly the arguments that are named, and tells which is missing or too many: cobra counts them, or
// takes one too many for the name of a command.
func arguments(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing", names[len(args)])
		case len(args) > len(names):
			return fmt.Errorf("the argument %q is one too many: flags begin with --, and what holds spaces needs quotes", args[len(names)])
		default:
			return nil
		}
	}
}

// noSecret takes no argument, and does not repeat one: it is a secret.
func noSecret(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errors.New("a secret is no argument: type it when asked, or give it on standard input")
	}
	return nil
}

// addCompletion adds the command completion, and has shells offer the values that a flag may have, and files only where a
// file is meant.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			describeCompletion(cmd)
		}
	}
	offer(root)
}

// describeCompletion gives the command completion, which cobra makes, examples, and refuses an unknown shell.
func describeCompletion(cmd *cobra.Command) {
	cmd.Example = "  source <(scim-atlassian completion bash)\n  scim-atlassian completion zsh --help"
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	examples := map[string]string{
		"bash":       "  source <(scim-atlassian completion bash)",
		"zsh":        "  source <(scim-atlassian completion zsh)",
		"fish":       "  scim-atlassian completion fish | source",
		"powershell": "  scim-atlassian completion powershell | Out-String | Invoke-Expression",
	}
	for _, shell := range cmd.Commands() {
		shell.Example = examples[shell.Name()]
	}
}

// offered are the values of flags that have few, and filed the flags and commands that files are named to.
var (
	offered = map[string][]cobra.Completion{
		"log-level": {"debug", "info", "warn", "error"},
		"resource":  {"Users", "Groups", "Issues", "Accounts", "Entitlements"},
		"mode":      {"full", "limited"},
		"events":    {"cursor", "null"},
	}
	filed = map[string]bool{"env-file": true, "out": true, "compare": true, "since": true, "state": true, "verify-audit": true, "backup": true}
)

func offer(cmd *cobra.Command) {
	if cmd.ValidArgsFunction == nil && !filed[cmd.Name()] {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	offerFlag := func(flag *pflag.Flag) {
		if !filed[flag.Name] {
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, cobra.FixedCompletions(offered[flag.Name], cobra.ShellCompDirectiveNoFileComp)) // fails for unknown flags, and those that have one
		}
	}
	cmd.Flags().VisitAll(offerFlag)
	cmd.PersistentFlags().VisitAll(offerFlag)
	for _, below := range cmd.Commands() {
		offer(below)
	}
}
