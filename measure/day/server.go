package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
)

const token = "token-of-day"

// served is the process of the server: what serve runs, on the clock of the emulator. It polls when it is told to, since
// a timer would wait for a day of this machine's.
type served struct {
	upstream, state string
	ttl             time.Duration

	ahead  atomic.Int64 // of this machine's clock
	facade *scim.Server
}

func (s *served) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// run serves until ctx ends. It prints the address first.
func (s *served) run(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	store, err := state.Open(ctx, s.state, state.Options{Exclusive: 10 * time.Second, Now: s.now})
	if err != nil {
		return err
	}
	defer store.Close()
	if err := s.assemble(store); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.facade)
	mux.HandleFunc("POST /step", s.step)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	keeping := make(chan struct{})
	go func() {
		defer close(keeping)
		s.facade.Keep(ctx, proofs, func(mirror.Progress) {})
	}()
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go srv.Serve(listener)
	fmt.Println("listening", listener.Addr())
	<-ctx.Done()
	<-keeping
	return srv.Shutdown(context.WithoutCancel(ctx))
}

// assemble puts the server together as serve does.
func (s *served) assemble(store *state.Store) error {
	clients := atlassian.Config{OnCall: scim.CountCall, Work: scim.WorkOf}
	directory, err := atlassian.NewDirectory(clients, s.upstream+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		return err
	}
	jira, err := atlassian.NewJira(clients, s.upstream, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		return err
	}
	events, err := atlassian.NewOrganization(clients, s.upstream, emulator.OrganizationID, emulator.ScopedKey)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(token))
	s.facade, err = scim.New(scim.Config{
		Directory: directory, Jira: jira, Events: events, State: store, SnapshotTTL: s.ttl, FeedInterval: 30 * time.Second, FeedTrust: proofs, MirrorIssues: true, Now: s.now,
		Callers: []auth.Caller{{Name: "day", BearerSHA256: auth.Hashes{hex.EncodeToString(sum[:])}, Rights: map[string]auth.Right{auth.AnyType: auth.Write}}},
	})
	return err
}

// look sets the clock by that of the emulator.
func (s *served) look(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.upstream+"/_emulator/clock", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var clock struct{ Now time.Time }
	if err := json.NewDecoder(answer.Body).Decode(&clock); err != nil {
		return err
	}
	s.ahead.Store(int64(time.Until(clock.Now)))
	return nil
}

// copyState is what the server says of its copy of a type.
type copyState struct {
	Type        string
	Proven      time.Time
	Readings    uint64
	OnlyByProof uint64
}

// step is POST /step: time has passed, and with ?poll the logs of changes are asked. It answers with the state of the copies.
func (s *served) step(w http.ResponseWriter, r *http.Request) {
	err := s.look(r.Context())
	if err == nil && r.URL.Query().Has("poll") {
		err = s.facade.Poll(r.Context())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	var copies []copyState
	for _, m := range s.facade.Snapshots() {
		copies = append(copies, copyState{m.Type, m.Proven, m.Scans, m.OnlyByProof})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(copies) // whoever asks may be gone
}

const base = server.BasePath
