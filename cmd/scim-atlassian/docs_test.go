package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateDocs = flag.Bool("update", false, "rewrite the output in docs as it is")

// shellBlock is a block of commands in a document with, if it shows one, the block of its output.
var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n(?:\n?^```text\n(.*?)^```\n)?")

// Every command in these documents, run in one shell against a fresh demo, has the output that the document shows.
func TestDocs(t *testing.T) {
	needShell(t)
	for _, name := range []string{"delta.md", "idhub.md", "issues.md", "plans.md", "../README.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("../../docs", name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := runDocument(t, string(text))
			if *updateDocs {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s (-says +is):\n%s", path, diff)
			}
		})
	}
}

func needShell(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s", tool)
		}
	}
}

// runDocument returns the document with the output of its commands as it is.
func runDocument(t *testing.T, document string) string {
	blocks := shellBlock.FindAllStringSubmatch(document, -1)
	commands := make([]string, len(blocks))
	for i, block := range blocks {
		commands[i] = block[1]
	}
	outputs := runShell(t, commands)
	n := -1
	return shellBlock.ReplaceAllStringFunc(document, func(string) string {
		n++
		text := "```sh\n" + commands[n] + "```\n"
		if outputs[n] != "" {
			text += "\n```text\n" + strings.TrimRight(outputs[n], "\n") + "\n```\n"
		}
		return text
	})
}

// runShell runs blocks of commands in one shell against a fresh demo and returns the output of each. Documents speak of
// the demo's usual addresses; this demo has others.
func runShell(t *testing.T, blocks []string) []string {
	t.Helper()
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	p.stdout.await(t, "(Ctrl-C)")
	var actual, usual []string
	for port, pattern := range map[string]string{"7001": `SCIM 2.0 +http://(\S+)/scim`, "7002": `Emulated Atlassian +http://([^, ]+)`, "7003": `Metrics +http://(\S+)/metrics`} {
		address := p.stdout.await(t, pattern)
		actual, usual = append(actual, "127.0.0.1:"+port, address), append(usual, address, "127.0.0.1:"+port)
	}

	const end = "\x1e"
	var script strings.Builder
	for _, block := range blocks {
		fmt.Fprintf(&script, "%s\nprintf '%s'\n", block, end)
	}
	shell := exec.CommandContext(t.Context(), "bash", "-u")
	shell.Dir = t.TempDir()
	shell.Stdin = strings.NewReader(strings.NewReplacer(actual...).Replace(script.String()))
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v after\n%s", err, out)
	}
	outputs := strings.Split(strings.NewReplacer(usual...).Replace(string(out)), end)
	if len(outputs) != len(blocks)+1 {
		t.Fatalf("%d outputs of %d blocks:\n%s", len(outputs)-1, len(blocks), out)
	}
	return outputs[:len(blocks)]
}

// commandLine is a command of the program as documents write it, with what follows in its line.
var commandLine = regexp.MustCompile("(?:[`$#] ?|\\./|cmd/|/|:0\\.2\\.0 )scim-atlassian(?::0\\.2\\.0)? ([a-z][a-z-]+)([^`|#\n]*)")

// flagsAlone is a command that a sentence names by its last word, with flags.
var flagsAlone = regexp.MustCompile("`(demo|emulator|serve|check|explain|reconcile|healthcheck|verify-audit|hash-password|seal)( --[^`|#\n]*)`")

// Every command that a document names is one, with these flags; every target of make is in the Makefile.
func TestDocsCommands(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, document := range append(documents, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range append(commandLine.FindAllStringSubmatch(string(text), -1), flagsAlone.FindAllStringSubmatch(string(text), -1)...) {
			named++
			command, _, err := new(program).rootCommand().Find([]string{line[1]})
			if err != nil {
				t.Errorf("%s: %s is no command", document, line[0])
				continue
			}
			for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(line[2], -1) {
				if command.Flag(flag[1]) == nil && !slices.Contains([]string{"help", "log-level"}, flag[1]) {
					t.Errorf("%s: %s: %s has no flag --%s", document, strings.TrimSpace(line[0]), line[1], flag[1])
				}
			}
		}
		for _, target := range regexp.MustCompile("`make ([a-z-]+)").FindAllStringSubmatch(string(text), -1) {
			named++
			if !strings.Contains(string(makefile), "\n"+target[1]+":") {
				t.Errorf("%s: there is no make %s", document, target[1])
			}
		}
	}
	if named < 40 {
		t.Errorf("%d commands were looked up, which is too few to be all", named)
	}
}

// The details in docs/errors.md are those of recorded answers, and the index has every page.
func TestDocsErrorsAndIndex(t *testing.T) {
	var recorded strings.Builder
	for _, pattern := range []string{"transcripts", "clients"} {
		files, err := filepath.Glob("../../testdata/" + pattern + "/*.txt")
		if err != nil || len(files) == 0 {
			t.Fatal(err, pattern)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			recorded.Write(text)
		}
	}
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| \\d{3}[^|]*\\| `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 15 {
		t.Errorf("only %d errors", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(recorded.String(), row[1]) {
			t.Errorf("no recorded answer says %q", row[1])
		}
	}

	index, err := os.ReadFile("../../docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(string(index), "("+name+")") {
			t.Errorf("docs/README.md does not list %s: say there what it is for", name)
		}
	}
}

// The tour gets where it says.
func TestTour(t *testing.T) {
	needShell(t)
	tour, err := os.ReadFile("../../docs/tour.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range shellBlock.FindAllStringSubmatch(string(tour), -1) {
		if !strings.HasPrefix(block[1], "base=") {
			continue
		}
		out := runShell(t, []string{block[1]})[0]
		for _, want := range []string{`"supported":true`, `"endpoint":"/Users"`, `"itemsPerPage":5`, "X-Upstream-Calls: 1", `"active":false`, "204 No Content", `"DELETE"`} {
			if !strings.Contains(out, want) {
				t.Errorf("no %s in\n%s", want, out)
			}
		}
		if strings.Contains(out, "messages:2.0:Error") {
			t.Errorf("an error in\n%s", out)
		}
		return
	}
	t.Error("docs/tour.md has no tour")
}

// The simulated IDHub does all that IDHub does, and finds each step done in Atlassian.
func TestSimulatedIDHub(t *testing.T) {
	needShell(t)
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	p.stdout.await(t, "(Ctrl-C)")
	script := exec.CommandContext(t.Context(), "../../examples/idhub.sh")
	script.Env = append(os.Environ(), "GRANTS=20", "FACADE="+p.stdout.await(t, `SCIM 2.0 +(http://[^/]+)/`),
		"ATLASSIAN="+p.stdout.await(t, `Emulated Atlassian +(http://[^, ]+)`))
	out, err := script.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "All of it holds in Atlassian.") {
		t.Errorf("%v\n%s", err, out)
	}
}
