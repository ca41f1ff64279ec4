package edge

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.certificate = sign(t, template, template, &a.key.PublicKey, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, issuer *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// issue makes a certificate for 127.0.0.1, or of a client, that is called name.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	c := sign(t, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.certificate, &key.PublicKey, a.key)
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// write puts a certificate, its key and the authority into files.
func (a *authority) write(t *testing.T, files Files, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		files.Certificate: {Type: "CERTIFICATE", Bytes: c.Certificate[0]},
		files.Key:         {Type: "PRIVATE KEY", Bytes: key},
		files.ClientCA:    {Type: "CERTIFICATE", Bytes: a.certificate.Raw},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func newFiles(t *testing.T) Files {
	dir := t.TempDir()
	return Files{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt")}
}

// serve serves the handler for the time of the test, and returns its address.
func serve(t *testing.T, server *http.Server, secured *TLS, logger *zap.Logger) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := Serve(server, listener, secured, logger); err != http.ErrServerClosed {
			t.Errorf("ended with %v", err)
		}
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return listener.Addr().String()
}

// about answers with what it sees of the connection.
var about = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	client := "nobody"
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		client = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	fmt.Fprintf(w, "%s %t %s", r.Proto, r.TLS != nil, client)
})

// secure serves about with TLS, and returns what a client needs.
func secure(t *testing.T) (address string, secured *TLS, a *authority, log *observer.ObservedLogs) {
	t.Helper()
	a = newAuthority(t)
	files := newFiles(t)
	a.write(t, files, a.issue(t, "first"))
	core, log := observer.New(zapcore.InfoLevel)
	secured, err := NewTLS(files, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, &http.Server{Handler: about}, secured, zap.New(core)), secured, a, log
}

// get asks for the root, on a connection of its own.
func get(t *testing.T, address string, config *tls.Config, http2 bool) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2, DisableKeepAlives: !http2}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestTLS(t *testing.T) {
	address, _, a, _ := secure(t)
	stranger := newAuthority(t)
	client, foreign := a.issue(t, "hr"), stranger.issue(t, "hr")
	for _, test := range []struct {
		name    string
		config  *tls.Config
		http2   bool
		want    string
		refused bool
	}{
		{name: "HTTP/1.1", want: "HTTP/1.1 true nobody"},
		{name: "HTTP/2", http2: true, want: "HTTP/2.0 true nobody"},
		{name: "TLS 1.2", config: &tls.Config{MaxVersion: tls.VersionTLS12}, want: "HTTP/1.1 true nobody"},
		{name: "TLS 1.1", config: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, refused: true},
		{name: "client certificate", config: &tls.Config{Certificates: []tls.Certificate{client}}, want: "HTTP/1.1 true hr"},
		{name: "client certificate, HTTP/2", config: &tls.Config{Certificates: []tls.Certificate{client}}, http2: true, want: "HTTP/2.0 true hr"},
		{name: "client certificate of a stranger", config: &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &foreign, nil }}, refused: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := test.config.Clone() // nil stays nil
			if config == nil {
				config = new(tls.Config)
			}
			config.RootCAs = a.pool()
			resp, got, err := get(t, address, config, test.http2)
			if (err != nil) != test.refused || got != test.want {
				t.Fatalf("got %q, %v", got, err)
			}
			if test.refused {
				return
			}
			want := map[string]string{
				"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
				"Cache-Control": "no-store", "Strict-Transport-Security": "max-age=31536000",
			}
			for name, value := range want {
				if got := resp.Header.Get(name); got != value {
					t.Errorf("%s: %q", name, got)
				}
			}
		})
	}
}

// nameOf is the name in the certificate of the server at an address.
func nameOf(t *testing.T, address string) string {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it looks at what there is
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// TestReload replaces the files, by whole and by broken ones, with and without Prepare.
func TestReload(t *testing.T) {
	address, secured, a, log := secure(t)
	expect := func(want string, lines ...string) {
		t.Helper()
		if got := nameOf(t, address); got != want {
			t.Errorf("the certificate is of %q, want %q", got, want)
		}
		var got []string
		for _, entry := range log.TakeAll() {
			got = append(got, entry.Message)
		}
		if diff := cmp.Diff(lines, got); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	}
	past := func() { // the time until the files are looked at again is over
		secured.mu.Lock()
		defer secured.mu.Unlock()
		secured.looked = time.Time{}
	}
	const inUse, broken = "TLS certificate in use", "the files of TLS have changed and cannot be used; what they held before stays in use"
	expect("first", inUse)
	connection, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()

	a.write(t, secured.files, a.issue(t, "second"))
	expect("first")
	past()
	expect("second", inUse)
	past()
	expect("second")

	if err := os.WriteFile(secured.files.Key, []byte("half a ke"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secured.Prepare(secured.files); err == nil || strings.Contains(err.Error(), "half a ke") {
		t.Errorf("a broken key: %v", err)
	}
	past()
	expect("second", broken)
	past()
	expect("second") // told once

	a.write(t, secured.files, a.issue(t, "third"))
	install, err := secured.Prepare(secured.files)
	if err != nil {
		t.Fatal(err)
	}
	install()
	expect("third", inUse)

	fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(connection), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("a connection from before: %v", err)
	}
}

func TestFilesRefused(t *testing.T) {
	a := newAuthority(t)
	for name, spoil := range map[string]func(f *Files){
		"no certificate":  func(f *Files) { f.Certificate += "x" },
		"no key":          func(f *Files) { os.Remove(f.Key) },
		"another's key":   func(f *Files) { other := newFiles(t); a.write(t, other, a.issue(t, "other")); f.Key = other.Key },
		"no issuers":      func(f *Files) { f.ClientCA += "x" },
		"a key as issuer": func(f *Files) { f.ClientCA = f.Key },
	} {
		files := newFiles(t)
		a.write(t, files, a.issue(t, "server"))
		spoil(&files)
		if _, err := NewTLS(files, zap.NewNop()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestPlainErrors sends what no handler sees, and what a handler does, with TLS and without.
func TestPlainErrors(t *testing.T) {
	address, _, a, _ := secure(t)
	server := &http.Server{Handler: about, MaxHeaderBytes: 1 << 10}
	plain := serve(t, server, nil, zap.NewNop())
	for _, test := range []struct {
		name, request string
		want          int
		detail        string
	}{
		{"good", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200, ""},
		{"all of the server", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200, ""},
		{"no HTTP", "hello there\r\n\r\n", 400, "The request is malformed: its first line or its header breaks the rules of HTTP."},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400, "The request is malformed: missing required Host header."},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "The request is malformed: its first line or its header breaks the rules of HTTP."},
		{"control character", "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400, "The request is malformed: its first line or its header breaks the rules of HTTP."},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "The request is malformed: its first line or its header breaks the rules of HTTP."},
		{"version", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "The request is of a version of HTTP that is not spoken here: use HTTP/1.1 or HTTP/2."},
		{"coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "The request has a Transfer-Encoding other than chunked."},
		{"expectation", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: miracles\r\n\r\nx", 417, "The request has an Expect other than 100-continue."},
		{"large header", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", 431, "The header of the request is too large; put a long filter into the body of a POST to /.search."},
		{"TLS without TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "The request is malformed: its first line or its header breaks the rules of HTTP."},
	} {
		for way, dial := range map[string]func() (net.Conn, error){
			"plain": func() (net.Conn, error) { return net.Dial("tcp", plain) },
			"TLS":   func() (net.Conn, error) { return tls.Dial("tcp", address, &tls.Config{RootCAs: a.pool()}) },
		} {
			t.Run(test.name+", "+way, func(t *testing.T) {
				c, err := dial()
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				go io.WriteString(c, test.request) // the answer may come before all of it is sent
				status, detail := readError(t, c)
				if status != test.want || detail != test.detail {
					t.Errorf("got %d %q, want %d %q", status, detail, test.want, test.detail)
				}
			})
		}
	}
	t.Run("HTTP to TLS", func(t *testing.T) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if status, detail := readError(t, c); status != 400 || detail != "This port speaks TLS: the URL begins with https." {
			t.Errorf("got %d %q", status, detail)
		}
	})
}

// readError reads an answer, which is a SCIM error, after which the connection ends, unless it is 200.
func readError(t *testing.T, c net.Conn) (status int, detail string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	all, err := io.ReadAll(c)
	resp, parseErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil)
	if parseErr != nil {
		t.Fatalf("no answer: %v, %v, %q", err, parseErr, all)
	}
	defer resp.Body.Close()
	if resp.StatusCode == 200 {
		return 200, ""
	}
	var answer struct {
		Schemas        []string
		Status, Detail string
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%v in %q", err, all)
	}
	if diff := cmp.Diff([]string{"urn:ietf:params:scim:api:messages:2.0:Error"}, answer.Schemas); diff != "" || answer.Status != fmt.Sprint(resp.StatusCode) ||
		resp.Header.Get("Content-Type") != "application/scim+json" {
		t.Errorf("no SCIM error: %q", all)
	}
	return resp.StatusCode, answer.Detail
}

// TestSlowHeader holds that a header that does not come in time is answered, and that a connection on which nothing was
// asked is not.
func TestSlowHeader(t *testing.T) {
	server := &http.Server{Handler: about, ReadHeaderTimeout: 100 * time.Millisecond, IdleTimeout: 100 * time.Millisecond}
	address := serve(t, server, nil, zap.NewNop())
	for _, test := range []struct{ name, sent, want string }{
		{"half a header", "GET / HTTP/1.1\r\nHost: x\r\n", "HTTP/1.1 408 Request Timeout"},
		{"two characters", "GE", "HTTP/1.1 408 Request Timeout"},
		{"nothing", "", ""},
		{"one request, then nothing", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, test.sent)
			c.SetReadDeadline(time.Now().Add(20 * time.Second))
			all, err := io.ReadAll(c)
			line, _, _ := strings.Cut(string(all), "\r\n")
			if err != nil || line != test.want || strings.Count(string(all), "Content-Length") > 1 {
				t.Errorf("got %q, %v", all, err)
			}
		})
	}
}

// TestCloseEndsHandshakes closes a server while a client does not go on with its handshake; goleak sees what stays.
func TestCloseEndsHandshakes(t *testing.T) {
	a := newAuthority(t)
	files := newFiles(t)
	a.write(t, files, a.issue(t, "server"))
	secured, err := NewTLS(files, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := newSecureListener(inner, secured, zap.NewNop())
	silent, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	done, err := tls.Dial("tcp", inner.Addr().String(), &tls.Config{RootCAs: a.pool()}) // is never accepted
	if err != nil {
		t.Fatal(err)
	}
	defer done.Close()
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]net.Conn{"silent": silent, "never accepted": done} {
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: still open", name)
		}
	}
}
