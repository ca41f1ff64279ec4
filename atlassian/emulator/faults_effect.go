package emulator

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// gatewayPage is what a proxy in front of Atlassian shows when it has trouble.
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
		routes.ServeHTTP(newHeldAnswer(), r)
		cut(w)
	case fault.Status != 0:
		held := newHeldAnswer()
		e.writeFailure(held, r, fault)
		held.release(w, fault.Body)
	case fault.Body != "":
		held := newHeldAnswer()
		routes.ServeHTTP(held, r)
		held.release(w, fault.Body)
	default:
		routes.ServeHTTP(w, r)
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

// heldAnswer keeps an answer back until it is known what becomes of it.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newHeldAnswer() *heldAnswer { return &heldAnswer{header: http.Header{}} }

func (h *heldAnswer) Header() http.Header { return h.header }

func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *heldAnswer) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}

// release sends the answer with its body spoilt in the given way. The HTTP
// message is well formed all the same: its length is that of what is sent.
func (h *heldAnswer) release(w http.ResponseWriter, spoil string) {
	h.WriteHeader(http.StatusOK)
	body := h.body.Bytes()
	switch spoil {
	case "truncated":
		body = body[:len(body)/2]
	case "html":
		h.header.Set("Content-Type", "text/html; charset=utf-8")
		body = []byte(gatewayPage)
	case "empty":
		body = nil
	}
	for name, values := range h.header {
		w.Header()[name] = values
	}
	if h.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(h.status)
	if h.status != http.StatusNoContent {
		w.Write(body)
	}
}

// writeFailure answers with the status of the fault, in the shape that the API
// below the path uses for it.
func (e *Emulator) writeFailure(w http.ResponseWriter, r *http.Request, fault Fault) {
	if fault.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(fault.RetryAfter))
	}
	jira := strings.HasPrefix(r.URL.Path, "/rest/") || strings.HasPrefix(r.URL.Path, "/ex/jira/")
	if fault.Status == http.StatusTooManyRequests {
		setRateLimitHeaders(w.Header(), 100, e.now().Add(time.Duration(max(fault.RetryAfter, 1))*time.Second))
		if jira {
			w.Header().Set("RateLimit-Reason", "jira-burst-based")
		}
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/scim/"):
		writeDirectoryFailure(w, fault.Status)
	case jira:
		writeJSON(w, fault.Status, "application/json;charset=UTF-8", map[string]any{
			"errorMessages": []string{http.StatusText(fault.Status)}, "errors": map[string]string{},
		})
	default:
		writeJSON(w, fault.Status, "application/json", proxyError{fault.Status, http.StatusText(fault.Status)})
	}
}

// proxyError is the body with which Atlassian's gateway refuses a request.
type proxyError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// setRateLimitHeaders adds the headers that the admin APIs and Jira share.
// They are documented for api.atlassian.com as
// developer.atlassian.com/cloud/admin/organization/rest/intro.
func setRateLimitHeaders(header http.Header, limit int, reset time.Time) {
	header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	header.Set("X-RateLimit-Remaining", "0")
	header.Set("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05Z"))
}
