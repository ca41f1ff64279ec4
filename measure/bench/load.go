package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// concurrency is how many requests are in flight.
const concurrency = 8

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency, DisableCompression: true}}

// site is where requests go, and the bearer token they carry, or the user and token of Jira.
type site struct{ base, user, token string }

type answer struct {
	calls int // X-Upstream-Calls; 0 from a proxy, which does not tell
	body  []byte
}

// send sends one request and reads its answer. Everything but success is an error.
func (s site) send(ctx context.Context, r request) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, s.base+r.path, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	if req.Header.Set("Authorization", "Bearer "+s.token); s.user != "" {
		req.SetBasicAuth(s.user, s.token)
	}
	req.Header.Set("Cache-Control", "no-cache") // the server is to ask Atlassian, as the proxy does
	if r.body != "" {
		req.Header.Set("Content-Type", s.contentType())
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s %s", r.method, r.path, resp.Status, body)
	}
	calls, _ := strconv.Atoi(resp.Header.Get("X-Upstream-Calls")) // none: 0
	return answer{calls, body}, err
}

func (s site) contentType() string {
	if s.user != "" {
		return "application/json"
	}
	return "application/scim+json"
}

// load sends the requests of the numbers from first on, and returns how many
// calls to Atlassian they cost.
func (s site) load(ctx context.Context, request func(number int) request, first, requests int) (calls int, err error) {
	var sent, called atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range concurrency {
		group.Go(func() error {
			for {
				i := int(sent.Add(1)) - 1
				if i >= requests {
					return nil
				}
				answer, err := s.send(ctx, request(first+i))
				if err != nil {
					return err
				}
				called.Add(int64(answer.calls))
			}
		})
	}
	err = group.Wait()
	return int(called.Load()), err
}
