package scim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// serverOver makes a server whose clients, made with cfg and counted, speak to
// the emulator at the URL upstream.
func serverOver(tb testing.TB, upstream string, cfg atlassian.Config, config scim.Config) *scim.Server {
	tb.Helper()
	cfg.OnCall = scim.CountCall
	var err error
	if config.Directory, err = atlassian.NewDirectory(cfg, upstream+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey); err != nil {
		tb.Fatal(err)
	}
	if config.Jira, err = atlassian.NewJira(cfg, upstream, emulator.AdminEmail, emulator.APIToken); err != nil {
		tb.Fatal(err)
	}
	server, err := scim.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return server
}

// bearer is a caller whose token is its name, with one right for everything.
func bearer(name string, right scim.Right) scim.Caller {
	return scim.Caller{Name: name, BearerSHA256: digest(name), Rights: map[string]scim.Right{scim.AnyType: right}}
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
