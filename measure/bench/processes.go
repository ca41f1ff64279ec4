package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// trio is the three processes, and the two ways to reach the emulator.
type trio struct {
	emulator, server, proxy *exec.Cmd
	viaServer, viaProxy     site
	jira                    site   // by the proxy
	metrics                 string // URL of the server's metrics
	profiles                string // socket of the server's profiles, see -profile
	numbers                 int    // of the requests sent so far
}

// startTrio starts the program in dir as emulator, with so many users, and as
// server in front of it, and a proxy in front of the same emulator.
func startTrio(ctx context.Context, o options, dir string, users int) (t *trio, err error) {
	t = &trio{profiles: filepath.Join(dir, "profiles")}
	defer func() {
		if err != nil {
			t.stop()
		}
	}()
	program := filepath.Join(dir, "scim-atlassian")
	t.emulator = exec.CommandContext(ctx, program, "emulator", "--atlassian-listen", "127.0.0.1:0", "--users", strconv.Itoa(users), "--groups", "10")
	atlassian, err := startEmulator(t.emulator)
	if err != nil {
		return t, err
	}

	self, err := os.Executable()
	if err != nil {
		return t, err
	}
	t.proxy = exec.CommandContext(ctx, self, "-proxy", atlassian["SITE_URL"])
	address, err := startProxy(t.proxy)
	if err != nil {
		return t, err
	}
	t.viaProxy = site{"http://" + address + "/scim/directory/" + atlassian["DIRECTORY_ID"], "", atlassian["DIRECTORY_API_KEY"]}
	t.jira = site{"http://" + address + "/rest/api/3", atlassian["ADMIN_EMAIL"], atlassian["ACCOUNT_SECURITY_API_KEY"]}

	t.server = exec.CommandContext(ctx, program, "serve", "--listen", "127.0.0.1:0")
	t.server.Dir = dir
	t.server.Env = []string{"ADMIN_LISTEN=127.0.0.1:0", "SCIM_ATLASSIAN_CALLERS_FILE=callers.json", "PROFILE_SOCKET=" + t.profiles}
	for name, value := range atlassian {
		t.server.Env = append(t.server.Env, name+"="+value)
	}
	t.server.Env = append(t.server.Env, o.settings...)
	listening, err := startServer(t.server)
	t.viaServer = site{"http://" + listening.Address + "/scim/v2", "", benchToken}
	t.metrics = "http://" + listening.Metrics + "/metrics"
	return t, err
}

// stop ends the processes that were started, and waits for their end.
func (t *trio) stop() {
	for _, cmd := range []*exec.Cmd{t.server, t.proxy, t.emulator} {
		if cmd != nil && cmd.Process != nil {
			cmd.Process.Kill() // fails only if it has ended
			cmd.Wait()
		}
	}
}

// startEmulator starts an emulator and returns the settings it prints.
func startEmulator(cmd *exec.Cmd) (map[string]string, error) {
	out, err := start(cmd)
	if err != nil {
		return nil, err
	}
	const last = "SCIM_ATLASSIAN_ORGANIZATION_API_KEY"
	settings := map[string]string{}
	for lines := bufio.NewScanner(out); settings[last] == "" && lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok {
			settings[name] = value
		}
	}
	if settings[last] == "" {
		return nil, errors.New("the emulator did not start")
	}
	return settings, nil
}

// startProxy starts a proxy and returns the address it prints.
func startProxy(cmd *exec.Cmd) (string, error) {
	out, err := start(cmd)
	if err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	return strings.TrimSpace(line), err
}

// start starts a process and returns its standard output.
func start(cmd *exec.Cmd) (io.Reader, error) {
	cmd.Stderr = os.Stderr
	cmd.Env = []string{} // nothing that tunes the runtime of one and not of the other
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return out, cmd.Start()
}

// benchToken is the bearer token that the server takes.
const benchToken = "bench"

// listening is the line of the server's log that says where it listens.
type listening struct{ Msg, Address, Metrics string }

// startServer starts a server in cmd.Dir, with its log and audit in a file there,
// and waits until it listens.
func startServer(cmd *exec.Cmd) (listening, error) {
	callers := fmt.Sprintf(`[{"name":"bench","bearer_sha256":"%x","rights":{"*":"write"}}]`, sha256.Sum256([]byte(benchToken)))
	if err := os.WriteFile(filepath.Join(cmd.Dir, "callers.json"), []byte(callers), 0o600); err != nil {
		return listening{}, err
	}
	file, err := os.Create(filepath.Join(cmd.Dir, "server.log"))
	if err != nil {
		return listening{}, err
	}
	defer file.Close()
	cmd.Stderr = file
	if err := cmd.Start(); err != nil {
		return listening{}, err
	}
	var written []byte
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if written, err = os.ReadFile(file.Name()); err != nil {
			return listening{}, err
		}
		for line := range bytes.Lines(written) {
			var l listening
			if json.Unmarshal(line, &l) == nil && l.Msg == "listening" {
				return l, nil
			}
		}
	}
	return listening{}, fmt.Errorf("the server did not start:\n%s", written)
}

// cpu is the time that the process has run, in user and system mode. Linux tells
// it in hundredths of a second.
func cpu(cmd *exec.Cmd) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the third of proc_pid_stat(5) and those after it
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100, nil
}

// usage is what the processes have used since their start.
type usage struct {
	server, proxy  time.Duration // CPU
	bytes, objects float64       // allocated by the server
}

func (t *trio) used(ctx context.Context) (u usage, err error) {
	if u.bytes, u.objects, err = t.allocated(ctx); err != nil {
		return u, err
	}
	if u.proxy, err = cpu(t.proxy); err != nil {
		return u, err
	}
	u.server, err = cpu(t.server)
	return u, err
}

// allocated is what the server has allocated since its start, as its metrics tell.
func (t *trio) allocated(ctx context.Context) (memory, objects float64, err error) {
	answer, err := site{base: t.metrics}.send(ctx, request{method: "GET"})
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(answer.body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "go_memstats_alloc_bytes_total":
			memory, err = strconv.ParseFloat(value, 64)
		case "go_memstats_mallocs_total":
			objects, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	if memory == 0 || objects == 0 {
		return 0, 0, errors.New("the server's metrics do not tell what it allocated")
	}
	return memory, objects, nil
}
