package server

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/condition"
)

// record writes the one log line of a request, or of an operation of a bulk
// request under the same id, and, if it was to change something, the audit line.
// Neither holds a body or a credential.
func (s *Server) record(c *call, status int) {
	fields := append(s.identity(c), zap.Int("status", status), zap.Duration("duration", s.cfg.Now().Sub(c.began).Round(time.Microsecond)),
		zap.Int64("upstreamCalls", c.Upstream.Load()))
	if c.list != nil {
		fields = append(fields, zap.String("plan", c.list.Plan), zap.Int("results", c.list.Len()))
	}
	if c.bulk != nil {
		fields = append(fields, zap.Int("operations", c.bulk.operations), zap.Int("errors", c.bulk.errors))
	}
	level := zapcore.InfoLevel
	if c.err != nil && c.err != condition.ErrNotModified {
		fields = append(fields, zap.String("error", c.err.Error()))
	}
	if status >= 500 && status != http.StatusNotImplemented {
		level = zapcore.ErrorLevel
	}
	s.log.Log(level, "request", fields...)
	if c.write {
		s.cfg.Audit.Outcome(s.written(c, status))
	}
}

// intend writes the line that goes before a write, whose error is that it may not be
// carried out without one.
func (s *Server) intend(c *call) error {
	if !c.write || c.rehearsal != nil {
		return nil
	}
	return s.cfg.Audit.Intent(s.written(c, 0))
}

// written is the write as the audit tells it.
func (s *Server) written(c *call, status int) *audit.Write {
	who := s.identity(c)
	if c.address.IsValid() {
		who = append(who, zap.String("address", c.address.String()))
	}
	return &audit.Write{Request: &c.Request, Who: who, Type: c.rt, Body: c.body, Patch: c.patch, After: c.found, Status: status, Refusal: c.refusal}
}

func (s *Server) identity(c *call) []zap.Field {
	fields := append(make([]zap.Field, 0, 16), zap.String("requestId", c.id), zap.String("method", c.Method))
	if c.operation > 0 {
		fields = append(fields, zap.Int("operation", c.operation))
	}
	if c.caller != nil {
		fields = append(fields, zap.String("principal", c.caller.Name))
		if c.caller.Client != "" { // by an access token, hence no caller of that name in the callers file
			fields = append(fields, zap.String("client", c.caller.Client))
		}
	}
	switch {
	case c.rt != nil:
		fields = append(fields, zap.String("resourceType", c.rt.Name))
	case c.endpoint != "":
		fields = append(fields, zap.String("endpoint", c.endpoint))
	}
	if c.target != "" {
		fields = append(fields, zap.String("id", c.target))
	}
	return fields
}

// Request describes a request that was answered. Its texts come from small
// fixed sets, whatever clients send, so that they can label metrics.
type Request struct {
	Endpoint      string // resource type, such as "User", or another endpoint, such as "Schemas"; "" before authentication
	Method        string // "other" for those that SCIM does not use
	Status        int
	Duration      time.Duration // until the last byte was handed to the connection
	UpstreamCalls int64
	Caller        string // name in the callers file, accessToken for those that are in none; "" before authentication
	Plan          string // of a list: the first word of its plan; "" for other requests
	Results       int    // of a list: the resources that the filter matches, on all pages
	Scanned       int    // of a list: those that were looked at one by one to find them
	Operations    int    // of a bulk request
	Failed        int    // of them
}

// accessToken is how metrics call all callers that an issuer names: there may be any number.
const accessToken = "access token"

// plans are the first words of plans, as metrics know them.
var plans = []string{"empty", "lookup", "union", "scan", "page", "jql", "fetch", "continued"}

// planWord is the way in which a list was found, "several" for one of several types.
func planWord(plan string) string {
	if strings.Contains(plan, " | ") {
		return "several"
	}
	word := plan
	if end := strings.IndexAny(plan, " (="); end >= 0 {
		word = plan[:end]
	}
	if !slices.Contains(plans, word) {
		return "other"
	}
	return word
}

func (c *call) describe(status int, now time.Time) Request {
	r := Request{Endpoint: c.endpoint, Method: c.Method, Status: status, Duration: now.Sub(c.began), UpstreamCalls: c.Upstream.Load()}
	if !slices.Contains(methods.collection, r.Method) && !slices.Contains(methods.resource, r.Method) {
		r.Method = "other"
	}
	if c.caller != nil {
		r.Caller = c.caller.Name
		if c.caller.Issued {
			r.Caller = accessToken
		}
	}
	if c.list != nil {
		r.Plan, r.Results, r.Scanned = planWord(c.list.Plan), c.list.Total, c.list.Scanned
	}
	if c.bulk != nil {
		r.Operations, r.Failed = c.bulk.operations, c.bulk.errors
	}
	return r
}
