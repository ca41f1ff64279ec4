package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/measure/loopback"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

const (
	clientToken = "chaos-client"
	requestTime = 6 * time.Second // for one request to the server
)

// secrets must not be in any answer or line of the log.
var secrets = []string{emulator.DirectoryKey, emulator.APIToken, clientToken}

// world is a server, and Atlassian as it meets it in bad weather, both behind HTTP on loopback.
type world struct {
	seed      uint64
	base      string // of the server's SCIM API
	atlassian string // URL, through the weather
	weather   *weather
	audits    *audits
	report    *report
	http      *http.Client
	stop      func()
}

// newWorld starts the servers. A small tenant is there from the start.
func newWorld(o options) (w *world, err error) {
	tenant := emulator.Options{Users: 60, Groups: 5, Projects: 2, Issues: 20, Seed: o.seed, Latency: 2 * time.Millisecond}
	tenant.Jira.IndexLag = o.lag
	e := emulator.New(tenant)
	w = &world{seed: o.seed, weather: newWeather(e, o.seed, o.share, o.kinds), report: newReport()}
	w.audits = newAudits(w.report)
	w.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: o.clients}}
	var stops []func()
	w.stop = func() {
		w.http.CloseIdleConnections()
		for i := range stops {
			stops[len(stops)-1-i]()
		}
	}
	upstream, stop, err := loopback.Serve(&http.Server{Handler: w.weather})
	if err != nil {
		return nil, err
	}
	stops, w.atlassian = append(stops, stop), "http://"+upstream
	facade, closeIdle, err := w.facade()
	if err != nil {
		w.stop()
		return nil, err
	}
	stops = append(stops, closeIdle)
	address, stop, err := loopback.Serve(&http.Server{Handler: facade})
	if err != nil {
		w.stop()
		return nil, err
	}
	stops, w.base = append(stops, stop), "http://"+address+server.BasePath
	return w, nil
}

// facade makes the server. Its times are as usual but short, so that much happens in a minute.
func (w *world) facade() (handler http.Handler, closeIdle func(), err error) {
	clients := atlassian.Config{OnCall: scim.CountCall, Work: scim.WorkOf, Timeout: patience, Settle: settle, RetryBase: 20 * time.Millisecond, MaxRetryWait: 3 * time.Second}
	directory, err := atlassian.NewDirectory(clients, w.atlassian+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		return nil, nil, err
	}
	jira, err := atlassian.NewJira(clients, w.atlassian, emulator.AdminEmail, emulator.APIToken)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256([]byte(clientToken))
	facade, err := scim.New(scim.Config{
		Directory: directory, Jira: jira, SnapshotTTL: time.Minute, RequestTimeout: requestTime, ProvisioningWait: 2 * time.Second, Logger: w.audits.logger(),
		Callers: []auth.Caller{{Name: "chaos", BearerSHA256: auth.Hashes{hex.EncodeToString(sum[:])}, Rights: map[string]auth.Right{auth.AnyType: auth.Write}}},
	})
	return facade, func() { directory.CloseIdleConnections(); jira.CloseIdleConnections() }, err
}

// audits reads the server's log: it keeps the outcomes of its audit lines by request, and looks for secrets. It is a
// zapcore.Core and safe for concurrent use.
type audits struct {
	report *report
	zapcore.LevelEnabler

	mu       sync.Mutex
	written  *sync.Cond
	outcomes map[string]string // by request id, and of an operation of a bulk request by id/number
}

func newAudits(r *report) *audits {
	a := &audits{report: r, LevelEnabler: zapcore.InfoLevel, outcomes: map[string]string{}}
	a.written = sync.NewCond(&a.mu)
	return a
}

func (a *audits) logger() *zap.Logger { return zap.New(a) }

// With implements zapcore.Core. The server adds no fields to its logger.
func (a *audits) With([]zapcore.Field) zapcore.Core { return a }

// Check implements zapcore.Core.
func (a *audits) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if a.Enabled(e.Level) {
		return ce.AddCore(e, a)
	}
	return ce
}

// Sync implements zapcore.Core.
func (a *audits) Sync() error { return nil }

// Write implements zapcore.Core.
func (a *audits) Write(e zapcore.Entry, fields []zapcore.Field) error {
	line := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(line)
	}
	for _, secret := range secrets {
		if strings.Contains(fmt.Sprint(e.Message, line.Fields), secret) {
			a.report.find(leaked, "the log has a secret: %s", e.Message)
		}
	}
	if e.Message != "audit" {
		return nil
	}
	key := fmt.Sprint(line.Fields["requestId"])
	if n, ok := line.Fields["operation"]; ok {
		key = fmt.Sprintf("%s/%v", key, n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outcomes[key] = fmt.Sprint(line.Fields["outcome"])
	a.written.Broadcast()
	return nil
}

// outcome returns what the audit says of a write that was not answered with success. A write without a line is in doubt.
func (a *audits) outcome(key string) outcome {
	deadline := time.AfterFunc(time.Second, a.written.Broadcast) // the line may be written after the answer
	defer deadline.Stop()
	begun := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.outcomes[key] == "" && time.Since(begun) < time.Second {
		a.written.Wait()
	}
	defer delete(a.outcomes, key)
	switch a.outcomes[key] {
	case "done":
		return done
	case "refused", "failed":
		return refused
	}
	return doubtful
}
