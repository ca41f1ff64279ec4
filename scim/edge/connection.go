package edge

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"scim-atlassian/scim/resource"
)

// connection carries HTTP/1. net/http writes what it says of a request that reaches no handler straight to the connection,
// as plain text; here it becomes a SCIM error. A request whose header does not come in time is answered 408, where
// net/http says nothing.
type connection struct {
	net.Conn
	answering atomic.Bool // a handler runs
	begun     atomic.Bool // something of a request has come, and nothing was answered since
	over      atomic.Bool // the last answer is sent
}

func newConnection(c net.Conn) *connection { return &connection{Conn: c} }

// answered notes that the handler has ended.
func (c *connection) answered() {
	c.begun.Store(false)
	c.answering.Store(false)
}

// Read implements net.Conn.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	switch {
	case n > 0 && !c.answering.Load():
		c.begun.Store(true)
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.answering.Load() && c.begun.Swap(false):
		c.over.Store(true)
		_, _ = c.Conn.Write(answer(http.StatusRequestTimeout, "The request did not come to the end of its header in time.")) // the client may be gone
	}
	return n, err
}

// Write implements net.Conn.
func (c *connection) Write(b []byte) (int, error) {
	c.begun.Store(false)
	if c.over.Load() {
		return len(b), nil // net/http says that half a request is none
	}
	if status, text, ok := plainError(b); ok {
		if _, err := c.Conn.Write(answer(status, detailOf(status, text))); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// CloseWrite ends what is sent, so that a client reads an error before the connection is gone. net/http looks for it.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// secureConnection is a connection within TLS.
type secureConnection struct {
	*connection
	tls *tls.Conn
}

// ConnectionState tells net/http what becomes http.Request.TLS.
func (c secureConnection) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// plainHeader follows the status line in what net/http writes by itself. No answer of a handler has it: that has a Date
// before these, and a body of JSON has no line ends.
var plainHeader = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// plainError takes apart an answer that net/http has written by itself: its status, and its words beyond that of the status.
// The answer to an Expect that is not known has neither these headers nor words; no handler answers 417.
func plainError(b []byte) (status int, text string, ok bool) {
	line, ok := bytes.CutPrefix(b, []byte("HTTP/1.1 "))
	if !ok || len(line) < 4 {
		return 0, "", false
	}
	end := bytes.Index(line, []byte("\r\n"))
	if end < 4 || !bytes.HasPrefix(line, []byte("417 ")) && !bytes.HasPrefix(line[end:], plainHeader) {
		return 0, "", false
	}
	if status, _ = strconv.Atoi(string(line[:3])); status < 400 {
		return 0, "", false
	}
	_, text, _ = strings.Cut(string(line[4:end]), ": ")
	return status, text, true
}

// detailOf says what was wrong with a request that net/http did not take.
func detailOf(status int, text string) string {
	switch status {
	case http.StatusRequestHeaderFieldsTooLarge:
		return "The header of the request is too large; put a long filter into the body of a POST to /.search."
	case http.StatusNotImplemented:
		return "The request has a Transfer-Encoding other than chunked."
	case http.StatusExpectationFailed:
		return "The request has an Expect other than 100-continue."
	case http.StatusHTTPVersionNotSupported:
		return "The request is of a version of HTTP that is not spoken here: use HTTP/1.1 or HTTP/2."
	}
	return fmt.Sprintf("The request is malformed: %s.", cmp.Or(text, "its first line or its header breaks the rules of HTTP"))
}

// answer is a SCIM error (RFC 7644 section 3.12) as bytes of HTTP/1.1, after which the connection is closed.
func answer(status int, detail string) []byte {
	body := resource.ErrorDocument(&resource.Error{Status: status, Detail: detail}).AppendJSON(nil)
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(body), body)
}
