package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version of this source; a build may name another one, with -ldflags "-X main.release=…".
var release = "0.2.0"

// revision is the commit that a build without git was told, with -ldflags "-X main.revision=…".
var revision string

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go version",
		Example: "  scim-atlassian version",
		Args:    arguments(),
		Run: func(*cobra.Command, []string) {
			info, _ := debug.ReadBuildInfo()
			fmt.Fprintf(p.stdout, "scim-atlassian %s, commit %s, %s\n", version(), commit(info), info.GoVersion)
		},
	}
}

// version returns the version that is built, the same with git and without.
func version() string { return release }

// commit is the revision that was built, with "+" after it if files had changed since; "unknown" where nobody knows.
func commit(info *debug.BuildInfo) string {
	recorded, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			recorded = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+"
		}
	}
	return cmp.Or(revision, cmp.Or(recorded, "unknown")+modified)
}
