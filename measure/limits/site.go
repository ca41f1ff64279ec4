package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/measure/loopback"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// site is the server in front of the emulator.
type site struct {
	base           string
	client         *http.Client
	users          []string     // ids
	calls, refused atomic.Int64 // of the directory, counted by the server's client
	stops          []func()
}

// callers are the tokens of those who may use the server: of the crowd, of whoever asks now and then, and of the batch.
const crowd, person, batch = "crowd", "person", "batch"

// newSite starts both. The limit holds from the first request that is measured on.
func newSite(ctx context.Context, rate int) (s *site, err error) {
	s = &site{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	cloud := emulator.New(emulator.Options{Users: 100, Seed: 1, Latency: 5 * time.Millisecond})
	upstream, err := s.serve(cloud)
	if err != nil {
		return nil, err
	}
	clients := atlassian.Config{Work: scim.WorkOf, OnCall: func(ctx context.Context, c atlassian.Call) {
		scim.CountCall(ctx, c)
		s.calls.Add(1)
		if c.Status == http.StatusTooManyRequests {
			s.refused.Add(1)
		}
	}}
	directory, err := atlassian.NewDirectory(clients, upstream+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		return nil, err
	}
	jira, err := atlassian.NewJira(clients, upstream, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, directory.CloseIdleConnections, jira.CloseIdleConnections, s.client.CloseIdleConnections)
	var callers []auth.Caller
	for _, name := range []string{crowd, person, batch} {
		sum := sha256.Sum256([]byte(name))
		callers = append(callers, auth.Caller{Name: name, BearerSHA256: auth.Hashes{hex.EncodeToString(sum[:])}, Rights: map[string]auth.Right{auth.AnyType: auth.Write}})
	}
	facade, err := scim.New(scim.Config{Directory: directory, Jira: jira, Callers: callers, RequestTimeout: 10 * time.Minute})
	if err != nil {
		return nil, err
	}
	address, err := s.serve(facade)
	if err != nil {
		return nil, err
	}
	s.base = address + server.BasePath
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	return s, s.limit(ctx, upstream, rate)
}

func (s *site) stop() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
}

// serve serves a handler on loopback until stop.
func (s *site) serve(handler http.Handler) (url string, err error) {
	address, stop, err := loopback.Serve(&http.Server{Handler: handler})
	if err != nil {
		return "", err
	}
	s.stops = append(s.stops, stop)
	return "http://" + address, nil
}

// limit sets the emulator's limit of the directory API.
func (s *site) limit(ctx context.Context, upstream string, rate int) error {
	rule := strings.NewReader(fmt.Sprintf("path=/scim/ rate=%d/s", rate))
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, upstream+"/_emulator/faults", rule)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the emulator does not take the limit: %s", resp.Status)
	}
	return nil
}

// list learns the ids of the users.
func (s *site) list(ctx context.Context) error {
	status, body, err := s.ask(ctx, crowd, http.MethodGet, "/Users?attributes=id", "")
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the users cannot be read: %d, %w", status, err)
	}
	var list struct{ Resources []struct{ ID string } }
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	for _, u := range list.Resources {
		s.users = append(s.users, u.ID)
	}
	return nil
}

// ask makes a request to the server.
func (s *site) ask(ctx context.Context, token, method, path, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// measure makes all measurements at one limit.
func measure(ctx context.Context, o options, rate int) (*result, error) {
	s, err := newSite(ctx, rate)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	r := &result{rate: rate, requests: rate * o.seconds, batchSize: rate * o.seconds / 2, answers: map[int]int{}}
	if err := s.crowd(ctx, o.clients, r); err != nil {
		return nil, err
	}
	if err := pause(ctx, 2*time.Second); err != nil { // what the crowd has left of the limit is no matter
		return nil, err
	}
	if r.alone, err = s.person(ctx, time.Duration(o.seconds)*time.Second/2, r); err != nil {
		return nil, err
	}
	var work sync.WaitGroup
	var failed error
	work.Go(func() { failed = s.batch(ctx, r) })
	r.beside, err = s.person(ctx, time.Duration(o.seconds)*time.Second/2, r)
	work.Wait()
	if err == nil {
		err = failed
	}
	return r, err
}

// crowd has clients ask for single users until all requests are made.
func (s *site) crowd(ctx context.Context, clients int, r *result) error {
	before, refused, begun := s.calls.Load(), s.refused.Load(), time.Now()
	var next atomic.Int64
	var mu sync.Mutex
	var failed error
	var work sync.WaitGroup
	for range clients {
		work.Go(func() {
			for n := next.Add(1); n <= int64(r.requests); n = next.Add(1) {
				status, _, err := s.ask(ctx, crowd, http.MethodGet, "/Users/"+s.users[int(n)%len(s.users)], "")
				mu.Lock()
				if status >= 300 {
					r.answers[status]++
				}
				if err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	r.took = time.Since(begun)
	r.calls, r.refused = s.calls.Load()-before, s.refused.Load()-refused
	return failed
}

// person asks for a user now and then, for a while, and returns the 95th percentile of how long that took.
func (s *site) person(ctx context.Context, d time.Duration, r *result) (time.Duration, error) {
	var took []time.Duration
	every := 4 * r.slot()
	for end := time.Now().Add(d); time.Now().Before(end); {
		begun := time.Now()
		status, _, err := s.ask(ctx, person, http.MethodGet, "/Users/"+s.users[len(took)%len(s.users)], "")
		if err != nil {
			return 0, err
		}
		if status >= 300 {
			r.answers[status]++
		}
		took = append(took, time.Since(begun))
		if err := pause(ctx, every-time.Since(begun)); err != nil {
			return 0, err
		}
	}
	slices.Sort(took)
	return took[len(took)*95/100], nil
}

// batch makes users in one bulk request.
func (s *site) batch(ctx context.Context, r *result) error {
	var operations []string
	for i := range r.batchSize {
		operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"b%d","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"batch%d@demo.example",
			"emails":[{"value":"batch%[1]d@demo.example"}],"name":{"givenName":"B","familyName":"%[1]d"}}}`, i, i))
	}
	begun := time.Now()
	status, answer, err := s.ask(ctx, batch, http.MethodPost, "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+strings.Join(operations, ",")+`]}`)
	r.batch = time.Since(begun)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the batch was answered %d, %w: %.200s", status, err, answer)
	}
	if made := strings.Count(string(answer), `"status":"201"`); made < r.batchSize {
		r.answers[http.StatusOK] += r.batchSize - made
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
