package emulator

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/directory"
	"scim-atlassian/atlassian/emulator/tenant"
)

// gatewayPage is the page of a proxy in front of Atlassian that is in trouble.
const gatewayPage = "<!DOCTYPE html>\n<html><head><title>Atlassian Cloud Notifications Page</title></head>\n" +
	"<body><h1>Your page is unavailable right now.</h1></body></html>\n"

// serveFault answers r as fault demands; the zero Fault spoils nothing. The
// delay has passed already.
func (e *Emulator) serveFault(w *notedWriter, r *http.Request, fault Fault) {
	routes := e.routes.Load()
	switch {
	case fault.Reset == "before":
		cut(w)
	case fault.Reset == "after":
		routes.ServeHTTP(tenant.NewHeldAnswer(), r)
		cut(w)
	case fault.Status != 0:
		held := tenant.NewHeldAnswer()
		e.writeFailure(held, r, fault)
		release(w, held, fault.Body)
	case fault.Body != "":
		held := tenant.NewHeldAnswer()
		routes.ServeHTTP(held, r)
		release(w, held, fault.Body)
	default:
		routes.ServeHTTP(w, r)
	}
}

// serveLate lets r take effect at once and answers after the delay of the fault,
// also if the caller has gone in the meantime. A status of the fault takes the
// place of the answer.
func (e *Emulator) serveLate(w *notedWriter, r *http.Request, fault Fault) {
	held := tenant.NewHeldAnswer()
	e.routes.Load().ServeHTTP(held, r)
	if fault.Status != 0 {
		held = tenant.NewHeldAnswer()
		e.writeFailure(held, r, fault)
	}
	if pause(r.Context(), e.options.Latency+fault.Delay) {
		release(w, held, fault.Body)
	}
}

// cut closes the connection without an answer. The caller sees a reset.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // a writer without a connection, or HTTP/2
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// release sends a held answer with its body spoilt in the given way. The HTTP
// message stays well formed: Content-Length is that of the spoilt body.
func release(w http.ResponseWriter, held *tenant.HeldAnswer, spoil string) {
	switch spoil {
	case "truncated":
		held.Body.Truncate(held.Body.Len() / 2)
	case "html":
		held.Header().Set("Content-Type", "text/html; charset=utf-8")
		held.Body.Reset()
		held.Body.WriteString(gatewayPage)
	case "empty":
		held.Body.Reset()
	}
	held.Release(w)
}

// writeFailure answers with the status of the fault, in the form of the API that
// the path belongs to.
func (e *Emulator) writeFailure(w http.ResponseWriter, r *http.Request, fault Fault) {
	if fault.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(fault.RetryAfter))
	}
	jira := strings.HasPrefix(r.URL.Path, "/rest/") || strings.HasPrefix(r.URL.Path, "/ex/jira/")
	if fault.Status == http.StatusTooManyRequests {
		tenant.SetRateLimitHeaders(w.Header(), 100, e.clock.now().Add(time.Duration(max(fault.RetryAfter, 1))*time.Second))
		if jira {
			w.Header().Set("RateLimit-Reason", "jira-burst-based")
		}
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/scim/"):
		directory.WriteFailure(w, fault.Status)
	case jira:
		tenant.WriteJSON(w, fault.Status, "application/json;charset=UTF-8", map[string]any{
			"errorMessages": []string{http.StatusText(fault.Status)}, "errors": map[string]string{},
		})
	default:
		tenant.WriteProxyError(w, fault.Status, http.StatusText(fault.Status))
	}
}
