package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go version",
		Example: "  scim-atlassian version",
		Args:    cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			info, _ := debug.ReadBuildInfo()
			fmt.Fprintf(p.stdout, "scim-atlassian %s, commit %s, %s\n", version(), commit(info), info.GoVersion)
		},
	}
}

// version returns the version of the module, "(devel)" when built from a working tree.
func version() string {
	info, _ := debug.ReadBuildInfo() // there is one: the program is always built with modules
	return info.Main.Version
}

// commit is the revision that was built, with "+" after it if files had changed since.
func commit(info *debug.BuildInfo) string {
	revision, modified := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+"
		}
	}
	return revision + modified
}
