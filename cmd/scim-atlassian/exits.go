package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exits says of each command what its exit codes 0 and 1 mean; 2 is a command line that is wrong, of every one. A
// command below another has the other's unless it has its own.
var exits = map[string]struct{ ok, failed string }{
	"demo":          {"a signal ended it and every request was answered", "it could not start, or requests were cut at the end"},
	"serve":         {"a signal ended it and every request was answered", "it could not start, Atlassian refused a credential at start, or requests were cut at the end"},
	"emulator":      {"a signal ended it", "it could not start"},
	"check":         {"nothing fails", "something does, and its line begins with FAIL"},
	"explain":       {"the plan is printed", "the filter or the resource type is refused"},
	"reconcile":     {"the export is complete, also if there are differences", "it is not, for whatever reason, a signal included"},
	"state":         {"it is done", "the state cannot be read, or the name is unknown"},
	"verify-audit":  {"the audit is as it was written", "it is not, and the first line that is not is named, or it cannot be read"},
	"seal":          {"the sealed secret is printed", "there is no secret, or no key"},
	"hash-password": {"the hash is printed", "there is no password"},
	"healthcheck":   {"the server is ready", "it is not, or does not answer"},
	"completion":    {"the script is printed", "it cannot be written"},
	"version":       {"always", "never"},
}

// tellExits ends the help of every command with its exit codes.
func tellExits(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if codes, ok := exits[cmd.Name()]; ok {
			tellExit(cmd, fmt.Sprintf("\n\nExit codes: 0 %s; 1 %s; 2 the command line is wrong.", codes.ok, codes.failed))
		}
	}
}

func tellExit(cmd *cobra.Command, text string) {
	if cmd.Long == "" {
		cmd.Long = cmd.Short + "."
	}
	cmd.Long = strings.TrimRight(cmd.Long, "\n") + text
	for _, below := range cmd.Commands() {
		tellExit(below, text)
	}
}
