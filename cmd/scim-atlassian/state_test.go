package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scim-atlassian/scim/state/statetest"
)

// stateIn is environ with the state in a file, which is returned too.
func stateIn(t *testing.T, environ []string) (file string, with []string) {
	file = filepath.Join(t.TempDir(), "state.db")
	return file, append(environ, "SCIM_ATLASSIAN_STATE=file:"+file)
}

// While serve has its file, others read it and no other serve starts.
func TestStateFile(t *testing.T) {
	t.Parallel()
	file, environ := stateIn(t, startEmulator(t))
	check := start(t, environ, "check")
	check.wait(t)
	if !strings.Contains(check.stdout.String(), "ok    state (SCIM_ATLASSIAN_STATE): none yet: serve makes it\n") {
		t.Errorf("check before serve:\n%s", check.stdout.String())
	}
	serve := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	if where := serve.stderr.await(t, `"msg":"state","where":"([^"]+)"`); where != "SQLite file "+file {
		t.Errorf("where: got %q", where)
	}
	serve.stderr.await(t, `"msg":"(listening)"`)
	began := time.Now()
	second := start(t, environ, "serve", "--listen", "127.0.0.1:0")

	check = start(t, environ, "check")
	if code := check.wait(t); code != exitOK || !strings.Contains(check.stdout.String(), "ok    state (SCIM_ATLASSIAN_STATE): SQLite file "+file+", at number ") {
		t.Errorf("check beside serve: exit code %d\n%s", code, check.stdout.String())
	}
	reconcile := start(t, environ, "reconcile", "--resource", "Users", "--out", filepath.Join(t.TempDir(), "out"))
	if code := reconcile.wait(t); code != exitOK {
		t.Errorf("reconcile beside serve: exit code %d\n%s", code, reconcile.stderr.String())
	}

	if code := second.wait(t); code != exitFailed || time.Since(began) < stateWait {
		t.Errorf("second serve: exit code %d after %s", code, time.Since(began))
	}
	if said := second.stderr.String(); !strings.Contains(said, "in use by another process") || strings.Count(said, "\n") != 2 || !strings.Contains(said, `"starting"`) {
		t.Errorf("second serve says %q", said)
	}
}

// A cursor goes on after a restart, since the state keeps its key.
func TestCursorOutlivesServe(t *testing.T) {
	t.Parallel()
	_, environ := stateIn(t, startEmulator(t))
	page := func(query string) (status int, next string) {
		serve := start(t, environ, "serve", "--listen", "127.0.0.1:0")
		defer func() { serve.leave(); serve.wait(t) }()
		var list struct{ NextCursor string }
		status, _, body := get(t, "http://"+serve.stderr.await(t, `"address":"([^"]+)"`)+"/scim/v2/Users?count=2&"+query, "ann", "secret")
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatal(err)
		}
		return status, list.NextCursor
	}
	_, cursor := page("cursor")
	if status, _ := page("cursor=" + url.QueryEscape(cursor)); cursor == "" || status != 200 {
		t.Errorf("cursor %q: status %d", cursor, status)
	}
}

// Replicas on one database take each other's cursors, and say where they are without the password.
func TestReplicas(t *testing.T) {
	t.Parallel()
	place := strings.Replace(statetest.StartPostgres(t).Database(t), "postgres@", "postgres:hunter2@", 1)
	environ := append(startEmulator(t), "SCIM_ATLASSIAN_STATE="+place)
	a := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	b := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	var list struct{ NextCursor string }
	_, _, body := get(t, "http://"+a.stderr.await(t, `"address":"([^"]+)"`)+"/scim/v2/Users?count=2&cursor", "ann", "secret")
	if err := json.Unmarshal(body, &list); err != nil || list.NextCursor == "" {
		t.Fatalf("%v in %s", err, body)
	}
	status, _, body := get(t, "http://"+b.stderr.await(t, `"address":"([^"]+)"`)+"/scim/v2/Users?count=2&cursor="+url.QueryEscape(list.NextCursor), "ann", "secret")
	if status != 200 {
		t.Errorf("status %d: %s", status, body)
	}
	check := start(t, environ, "check")
	if code := check.wait(t); code != exitOK || !strings.Contains(check.stdout.String(), "ok    state (SCIM_ATLASSIAN_STATE): PostgreSQL database ") {
		t.Errorf("check: exit code %d\n%s", code, check.stdout.String())
	}
	if strings.Contains(a.stderr.String()+check.stdout.String(), "hunter2") {
		t.Error("the password was told")
	}
}

// What cannot be opened stops serve with one line that says what to do.
func TestStateRefused(t *testing.T) {
	t.Parallel()
	environ := startEmulator(t)
	dir := t.TempDir()
	text := write(t, "text", strings.Repeat("no database ", 100))
	for _, tt := range []struct {
		place string
		says  []string
	}{
		{"file:" + dir + "/absent/state.db", []string{"SCIM_ATLASSIAN_STATE", "cannot be made", "volume", "memory"}},
		{"file:" + text, []string{"SCIM_ATLASSIAN_STATE", text, "damaged", "backup"}},
		{"postgres://u:hunter2@127.0.0.1:1/d", []string{"SCIM_ATLASSIAN_STATE", "out of reach"}},
		{"sqlite:x", []string{"SCIM_ATLASSIAN_STATE", "memory, file:PATH or postgres://"}},
	} {
		p := start(t, append(environ, "SCIM_ATLASSIAN_STATE="+tt.place), "serve", "--listen", "127.0.0.1:0")
		if code := p.wait(t); code != exitFailed {
			t.Errorf("%s: exit code %d", tt.place, code)
		}
		for _, want := range tt.says {
			if !strings.Contains(p.stderr.String(), want) {
				t.Errorf("%s: %q lacks %q", tt.place, p.stderr.String(), want)
			}
		}
		if strings.Contains(p.stderr.String(), "hunter2") {
			t.Errorf("the password is in %q", p.stderr.String())
		}
	}
}

func TestStateFlag(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "demo.db")
	demo := []string{"demo", "--listen", "127.0.0.1:0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", ""}
	p := start(t, nil, append(demo, "--state", "file:"+file)...)
	p.stdout.await(t, "(Ctrl-C)")
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	p = start(t, nil, demo...)
	if where := p.stderr.await(t, `"msg":"state","where":"([^"]+)"`); where != "memory" {
		t.Errorf("the demo's default: %q", where)
	}
	for _, place := range []string{"nowhere", "postgres://u:hunter2@h/d", "postgres://h/d?password=hunter2"} {
		p := start(t, nil, "serve", "--state", place)
		if code := p.wait(t); code != exitUsage || strings.Contains(p.stderr.String(), "hunter2") {
			t.Errorf("%s: exit code %d, %s", place, code, p.stderr.String())
		}
	}
}

// A copy made beside serve is a state with another id.
func TestStateCommands(t *testing.T) {
	t.Parallel()
	_, environ := stateIn(t, startEmulator(t))
	run := func(args ...string) (int, string) {
		p := start(t, environ, args...)
		return p.wait(t), p.stdout.String() + p.stderr.String()
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if code, says := run("state", "backup", copied); code != exitFailed || !strings.Contains(says, "no state to copy") {
		t.Errorf("backup before serve: exit code %d, %s", code, says)
	}
	serve := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	serve.stderr.await(t, `"msg":"(listening)"`)
	if code, says := run("state", "backup", copied); code != exitOK || !strings.Contains(says, copied+" is a copy of the SQLite file ") {
		t.Errorf("backup: exit code %d, %s", code, says)
	}
	if code, says := run("state", "restored"); code != exitFailed || !strings.Contains(says, "in use") {
		t.Errorf("restored beside serve: exit code %d, %s", code, says)
	}
	serve.leave()
	serve.wait(t)
	if code, says := run("state", "restored"); code != exitOK || !strings.Contains(says, "has a new id") {
		t.Errorf("restored: exit code %d, %s", code, says)
	}
}
