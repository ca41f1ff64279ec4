package reconcile_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/reconcile"
)

// An export of the active users of an emulated directory, with what it cost.
func ExampleRun() {
	upstream := httptest.NewServer(emulator.New(emulator.Options{Users: 250, Seed: 1}))
	defer upstream.Close()
	clients := atlassian.Config{OnCall: scim.CountCall}
	directory, err := atlassian.NewDirectory(clients, upstream.URL+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		panic(err)
	}
	jira, err := atlassian.NewJira(clients, upstream.URL, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		panic(err)
	}
	server, err := scim.New(scim.Config{Directory: directory, Jira: jira})
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "export")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	report, err := reconcile.Run(context.Background(), server, reconcile.Job{
		Resource: "Users", Filter: "active eq true", Out: filepath.Join(dir, "users.ndjson"),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("complete:", report.Complete, "mode:", report.Mode)
	fmt.Println(report.Read, "resources for", report.UpstreamCalls, "calls")
	fmt.Println(len(report.Keys.Empty), "without", report.Keys.Attribute, "to match them by,", len(report.Keys.Duplicates), "values twice")
	// Output:
	// complete: true mode: limited
	// 238 resources for 3 calls
	// 0 without emails.value to match them by, 0 values twice
}
