// Package atlassian has the clients of Atlassian Cloud that the SCIM server uses.
//
// A client is made from a [Config] and a credential; each of its methods is one operation, whose comment names the
// method and path it calls:
//
//	Directory     users and groups, over the user-provisioning (SCIM) API: directory.go, user.go, group.go
//	Jira          issues and searches (issue.go, search.go, transition.go), catalogues, roles and permissions, over the
//	              REST API version 3: jira.go, catalogue.go, role.go, permission.go
//	Organization  accounts that the directory does not know, over the administration APIs: organization.go
//
// Every operation takes the same way, in call.go: build the request, wait for admission (limit.go), send it, repeat it
// if that can do no harm (retry.go), classify the answer (errors.go), decode it. Jira's rich text is converted by the
// package adf, and the package emulator answers as Atlassian does; neither is imported here, and nothing of this
// module is.
//
// Clients are safe for concurrent use and keep within the limits of their Config. They fail with an [*Error], whose
// Kind says what went wrong; callers branch on the Kind and never on text. No client follows redirects, and a
// credential never appears in an error or a log record. Config.OnCall sees every attempt, for metrics and for the
// price of a request.
//
// Time is that of package time, for waits and comparisons alike: a test that needs another clock runs in a bubble of
// testing/synctest.
package atlassian

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/atlassian/admission"
	"scim-atlassian/atlassian/doubt"
	"scim-atlassian/atlassian/report"
)

// Secrets are texts that no error shows.
type Secrets = report.Secrets

// Config has the settings that all clients share. The zero value is usable; each field documents the meaning of zero.
// Every client that is made from a Config has limits and idle connections of its own.
type Config struct {
	// Transport carries the requests; nil means an own http.Transport with as many idle connections as MaxConcurrent.
	Transport http.RoundTripper
	// Logger gets one debug record per attempt; nil means none.
	Logger *zap.Logger
	// OnCall is called after every HTTP attempt, with the context of the operation. A retry is an attempt, and so is a
	// request that net/http sends again by itself because a connection was stale. OnCall must be safe for concurrent
	// use and quick: the attempt holds its place among MaxConcurrent until OnCall returns.
	OnCall func(ctx context.Context, c Call)
	// Work says on whose behalf an operation with this context is made; nil means on nobody's.
	Work func(ctx context.Context) Work
	// PlainHTTP accepts an upstream that is asked over plain http on another machine, such as an emulator on a private
	// network: the credentials cross it in the clear. By default http is for loopback only.
	PlainHTTP bool
	// Timeout bounds one attempt from the first byte sent to the last byte received; 0 means 20 s.
	Timeout time.Duration
	// MaxRetries is how often an operation may be repeated; 0 means 4, a negative number means never.
	MaxRetries int
	// MaxRetryWait bounds the sum of the waits of one operation; 0 means 15 s. When upstream asks for a longer wait
	// than the rest of that sum, or than the deadline of the context allows, the operation fails at once.
	MaxRetryWait time.Duration
	// RetryBase is the wait before the first repetition when upstream named none; it doubles each time, up to 30 s,
	// and varies by ±30 %. 0 means 1 s.
	RetryBase time.Duration
	// Rand returns numbers in [0,1) for that variation and must be safe for concurrent use; nil means math/rand/v2.
	Rand func() float64
	// Settle is how long upstream may go on with a request after Timeout, whether or not the client waited so long for
	// its answer. A write that was given up can take effect in that time, so that another one to the same resource waits
	// for its end; 0 means 10 s.
	Settle time.Duration
	// MaxConcurrent is the number of requests in flight per client; 0 means 16.
	MaxConcurrent int
	// RequestsPerSecond bounds the rate of attempts per client; 0 means unlimited.
	RequestsPerSecond float64
	// Secrets are texts that no error shows; every client adds its own. nil means its own alone.
	Secrets *Secrets
	// UserAgent is sent with every request; empty means "scim-atlassian".
	UserAgent string
	// MaxResponseBytes bounds an answer after decompression; 0 means 64 MiB. A longer one is Garbled.
	MaxResponseBytes int64
}

// Call describes one HTTP attempt of an operation.
type Call struct {
	Op         string        // method and route template, such as "GET /Users/{id}"
	Host       string        // of the API, with its port where that is not the usual one
	Status     int           // 0 when there was no answer
	Duration   time.Duration // without the time spent waiting for the client's own limits
	Attempt    int           // from 1
	Waited     time.Duration // before it: a backoff, quiet that upstream asked for, and the client's own limits
	Err        error         // nil when there was a complete answer, whatever its status
	Verdict    *Error        // on a complete answer; nil: it is what was asked for. It is not to be changed or kept
	Replayed   bool          // net/http has sent the request again by itself, on another connection
	TraceID    string        // upstream's name of the request, from the header; empty: it has none
	Background bool          // nobody waited for it, see the function of this name
}

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 20*time.Second)
	c.MaxRetries = max(cmp.Or(c.MaxRetries, 4), 0)
	c.MaxRetryWait = cmp.Or(c.MaxRetryWait, 15*time.Second)
	c.RetryBase = cmp.Or(c.RetryBase, time.Second)
	c.Settle = cmp.Or(c.Settle, 10*time.Second)
	c.MaxConcurrent = cmp.Or(c.MaxConcurrent, 16)
	c.UserAgent = cmp.Or(c.UserAgent, "scim-atlassian")
	c.MaxResponseBytes = cmp.Or(c.MaxResponseBytes, 64<<20)
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.OnCall == nil {
		c.OnCall = func(context.Context, Call) {}
	}
	if c.Work == nil {
		c.Work = func(context.Context) Work { return Work{} }
	}
	if c.Secrets == nil {
		c.Secrets = new(Secrets)
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.Transport == nil {
		c.Transport = newTransport(c.MaxConcurrent)
	}
	return c
}

func newTransport(connections int) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        connections,
		MaxIdleConnsPerHost: connections,
		IdleConnTimeout:     90 * time.Second,
	}
}

// caller is the common part of the clients: one upstream, its credential and its limits. Every method of a client
// hands a request to call.
type caller struct {
	cfg           Config
	base          string // without a trailing slash
	authorization atomic.Pointer[string]
	contentType   string
	accept        string
	gate          *admission.Gate
	doubts        *doubt.Writes
	buffers       sync.Pool

	gateway  bool                        // an answer with no more than an error or a message is not the API's own
	probe    func(context.Context) error // a read that succeeds wherever the API is there; nil: a 404 is believed without
	answered atomic.Int64                // when the API last did what it was asked for, in Unix nanoseconds
}

func newCaller(cfg Config, limits admission.Config, base *url.URL, authorization string, secrets ...string) *caller {
	cfg = cfg.withDefaults()
	limits.Concurrent, limits.PerSecond = cfg.MaxConcurrent, cfg.RequestsPerSecond
	c := &caller{
		cfg:         cfg,
		base:        strings.TrimRight(base.String(), "/"),
		contentType: "application/json",
		accept:      "application/json",
		gate:        admission.New(limits),
		doubts:      doubt.New(cfg.Settle),
	}
	c.signInWith(authorization, secrets...)
	return c
}

// shown is what an error shows of a text of upstream.
func (c *caller) shown(text string) string { return c.cfg.Secrets.Shown(text) }

// hush returns an error whose text has no secrets.
func (c *caller) hush(err error) error { return c.cfg.Secrets.Hush(err) }

// signInWith sets the value of Authorization for the attempts that begin from now on, and the secrets in it.
func (c *caller) signInWith(authorization string, secrets ...string) {
	c.cfg.Secrets.Add(secrets...)
	c.authorization.Store(&authorization)
}

// renewal checks a key that is to be sent as a bearer token, and returns what puts it in the place of the present one.
func (c *caller) renewal(key string) (install func(), err error) {
	if err := checkSecret("API key", key); err != nil {
		return nil, err
	}
	return func() { c.signInWith("Bearer "+key, key) }, nil
}

// CloseIdleConnections closes the connections that carry no request. The client stays usable.
func (c *caller) CloseIdleConnections() {
	if t, ok := c.cfg.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Outage is the state of an API that does nothing but fail.
type Outage = admission.Outage

// Outage describes the API if it has done nothing but fail for some seconds, so that operations fail as Unavailable and
// nothing is sent but, from Retry on, the next operation, which finds out whether it is back. Cause is an *Error. It
// returns nil while operations are sent.
func (c *caller) Outage() *Outage { return c.gate.Outage() }

// Limits are the figures of what bounds the requests of a client.
type Limits = admission.Stats

// Limits returns the figures of now: what is in flight, who waits, and what is left of upstream's limits.
func (c *caller) Limits() Limits { return c.gate.Stats() }

// parseBase accepts https, and http on loopback only, unless plainHTTP says otherwise: a credential must not cross a
// network in the clear.
func parseBase(text string, plainHTTP bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("not a URL") // the parser's error would repeat the text, and with it a password
	case u.User != nil:
		return nil, errors.New("the URL must not contain credentials")
	case u.Hostname() == "":
		return nil, errors.New("the URL names no host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the URL must end with its path")
	case u.Scheme == "https", u.Scheme == "http" && (plainHTTP || isLoopback(u.Hostname())):
		return u, nil
	case u.Scheme == "http":
		return nil, fmt.Errorf("plain http is accepted on loopback only, not for %s", u.Hostname())
	}
	return nil, fmt.Errorf("scheme %q is not https", u.Scheme)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// checkSecret refuses a secret that a header cannot carry. Its error does not repeat the secret.
func checkSecret(name, secret string) error {
	if secret == "" {
		return fmt.Errorf("the %s is empty", name)
	}
	if strings.ContainsFunc(secret, isControl) {
		return fmt.Errorf("the %s contains a control character, such as a line end", name)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
