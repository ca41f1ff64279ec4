package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// settingsBlock is a block of settings in docs/connect.md with, if it shows them, the new findings of check.
var settingsBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n(?:\n?^```text\n(.*?)^```\n)?")

// today is what a finding says of a time that goes on.
var today = regexp.MustCompile(`\d{4}-\d\d-\d\d, in \d+ days`)

// After each step of docs/connect.md check says what the page says that it does, against the emulator.
func TestDocsConnect(t *testing.T) {
	const page = "../../docs/connect.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	emulated := start(t, nil, "emulator", "--listen", "127.0.0.1:0")
	address := emulated.stdout.await(t, `SITE_URL=http://(\S+)`)
	callers := write(t, "callers.json", regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(string(text))[1])
	actual := strings.NewReplacer("127.0.0.1:7002", address, "config/callers.json", callers)
	shown := strings.NewReplacer(address, "127.0.0.1:7002", callers, "config/callers.json")

	environ := []string{"SCIM_ATLASSIAN_STATE=file:" + filepath.Join(t.TempDir(), "state.db")}
	var said []string
	steps := 0
	got := settingsBlock.ReplaceAllStringFunc(string(text), func(block string) string {
		steps++
		settings := settingsBlock.FindStringSubmatch(block)[1]
		for _, line := range strings.Split(settings, "\n") {
			if strings.Contains(line, "=") {
				environ = append(environ, actual.Replace(line))
			}
		}
		p := start(t, environ, "check")
		p.wait(t)
		var fresh []string
		findings := strings.Split(strings.TrimSpace(today.ReplaceAllString(shown.Replace(p.stdout.String()), "2027-12-01, in 365 days")), "\n")
		for _, finding := range findings {
			if strings.HasPrefix(finding, "FAIL") || !slices.Contains(said, finding) {
				fresh = append(fresh, finding)
			}
		}
		said = findings
		return "```sh\n" + settings + "```\n\n```text\n" + strings.Join(fresh, "\n") + "\n```\n"
	})
	if steps != 9 {
		t.Errorf("%d steps with settings, want 9", steps)
	}
	checkDocument(t, page, string(text), got)
}
