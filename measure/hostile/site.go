//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/measure/loopback"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// site is the server over the emulator, in this process.
type site struct {
	base        string // of the server, without the SCIM path
	client      *http.Client
	user, group string       // ids
	emulated    atomic.Int64 // CPU of the emulator, in nanoseconds
	stops       []func()
}

const token = "hostile"

func newSite(ctx context.Context, users int) (s *site, err error) {
	s = &site{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	upstream, err := s.serve(s.apart(emulator.New(emulator.Options{Users: users, Groups: 20, Projects: 1, Issues: 10, Seed: 1})), 0)
	if err != nil {
		return nil, err
	}
	clients := atlassian.Config{Work: scim.WorkOf, OnCall: scim.CountCall}
	directory, err := atlassian.NewDirectory(clients, upstream+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		return nil, err
	}
	jira, err := atlassian.NewJira(clients, upstream, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, directory.CloseIdleConnections, jira.CloseIdleConnections, s.client.CloseIdleConnections)
	sum := sha256.Sum256([]byte(token))
	facade, err := scim.New(scim.Config{Directory: directory, Jira: jira, SnapshotTTL: time.Hour,
		Callers: []auth.Caller{{Name: "hostile", BearerSHA256: auth.Hashes{hex.EncodeToString(sum[:])}, Rights: map[string]auth.Right{auth.AnyType: auth.Write}}}})
	if err != nil {
		return nil, err
	}
	if s.base, err = s.serve(facade, 512<<10); err != nil {
		return nil, err
	}
	if s.user, err = s.first(ctx, "/Users?count=1&sortBy=userName"); err != nil {
		return nil, err
	}
	s.group, err = s.first(ctx, "/Groups?count=1&sortBy=displayName")
	return s, err
}

func (s *site) stop() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
}

// apart serves the emulator so that its CPU is known: each answer is made on a thread of its own.
func (s *site) apart(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before := cpu(syscall.RUSAGE_THREAD)
		handler.ServeHTTP(w, r)
		s.emulated.Add(int64(cpu(syscall.RUSAGE_THREAD) - before))
	})
}

// serve serves a handler on loopback until stop.
func (s *site) serve(handler http.Handler, maxHeader int) (url string, err error) {
	address, stop, err := loopback.Serve(&http.Server{Handler: handler, MaxHeaderBytes: maxHeader})
	if err != nil {
		return "", err
	}
	s.stops = append(s.stops, stop)
	return "http://" + address, nil
}

// first returns the id of the first resource of a list, which has the server read all of them.
func (s *site) first(ctx context.Context, path string) (string, error) {
	_, answer, err := s.ask(ctx, input{method: http.MethodGet, path: path})
	var list struct{ Resources []struct{ ID string } }
	if err == nil {
		err = json.Unmarshal(answer, &list)
	}
	if err != nil || len(list.Resources) == 0 {
		return "", fmt.Errorf("%s: %.200s: %w", path, answer, err)
	}
	return list.Resources[0].ID, nil
}

// send sends an input, and returns the CPU that it cost.
func (s *site) send(ctx context.Context, in input) (used time.Duration, status int, err error) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before, emulated := cpu(syscall.RUSAGE_SELF), s.emulated.Load()
	status, _, err = s.ask(ctx, in)
	used = cpu(syscall.RUSAGE_SELF) - before - time.Duration(s.emulated.Load()-emulated)
	return used, status, err
}

func (s *site) ask(ctx context.Context, in input) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, in.method, s.base+server.BasePath+in.path, strings.NewReader(in.body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/scim+json")
	for name, value := range in.header {
		req.Header.Set(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}
