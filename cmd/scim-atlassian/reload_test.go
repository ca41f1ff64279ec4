package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pair is a certificate that has signed itself, for 127.0.0.1 and for clients, in files.
type pair struct {
	certFile, keyFile string
	tls.Certificate
}

func newPair(t *testing.T, name string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	p := pair{certFile: write(t, name+".crt", certificate), keyFile: write(t, name+".key", private)}
	if p.Certificate, err = tls.LoadX509KeyPair(p.certFile, p.keyFile); err != nil {
		t.Fatal(err)
	}
	return p
}

// digest is what client_cert_sha256 is of the certificate.
func (p pair) digest() string {
	sum := sha256.Sum256(p.Leaf.Raw)
	return hex.EncodeToString(sum[:])
}

// client trusts the server's certificate, and has certificates of its own.
func (p pair) client(t *testing.T, own ...tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(p.Leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: own}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// ask returns the status of the answer to a request, 0 if there is none, and the protocol.
func ask(t *testing.T, client *http.Client, url, token string) (status int, protocol string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Proto
}

func tokenDigest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// TestServeTLS serves with TLS to clients with certificates and without, and to healthcheck.
func TestServeTLS(t *testing.T) {
	server, hr, foreign := newPair(t, "server"), newPair(t, "hr"), newPair(t, "foreign")
	environ := startEmulator(t)
	environ = append(environ,
		"SCIM_ATLASSIAN_TLS_CERT_FILE="+server.certFile, "SCIM_ATLASSIAN_TLS_KEY_FILE="+server.keyFile, "SCIM_ATLASSIAN_TLS_CLIENT_CA_FILE="+hr.certFile,
		"SCIM_ATLASSIAN_CALLERS_FILE="+write(t, "callers.json", fmt.Sprintf(`[{"name":"hr","client_cert_sha256":%q,"rights":{"*":"read"}},
			{"name":"it","bearer_sha256":%q,"rights":{"*":"read"}},
			{"name":"far","bearer_sha256":%q,"allow_from":["192.0.2.0/24"],"rights":{"*":"read"}}]`, hr.digest(), tokenDigest("it"), tokenDigest("far"))))
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	address := p.stderr.await(t, `"address":"([^"]+)"`)
	base := "https://" + address + "/scim/v2"
	for _, test := range []struct {
		name, token string
		client      *http.Client
		want        int
	}{
		{"certificate", "", server.client(t, hr.Certificate), 200},
		{"certificate and another's token", "it", server.client(t, hr.Certificate), 200},
		{"certificate and a wrong token", "wrong", server.client(t, hr.Certificate), 401},
		{"token", "it", server.client(t), 200},
		{"token from elsewhere", "far", server.client(t), 403},
		{"nothing", "", server.client(t), 401},
		{"certificate that is not asked for", "", server.client(t, foreign.Certificate), 401},
		{"who does not trust the server", "it", foreign.client(t), 0},
	} {
		if got, protocol := ask(t, test.client, base+"/Users?count=1", test.token); got != test.want || got != 0 && protocol != "HTTP/2.0" {
			t.Errorf("%s: got %d by %s, want %d", test.name, got, protocol, test.want)
		}
	}
	if got, _ := ask(t, http.DefaultClient, "http://"+address+"/healthz", ""); got != 400 {
		t.Errorf("http to the port of TLS: got %d, want 400", got)
	}
	_, port, _ := net.SplitHostPort(address)
	h := start(t, append(environ, "CONNECTOR_PORT="+port), "healthcheck")
	if code := h.wait(t); code != exitOK {
		t.Errorf("healthcheck: exit code %d, %s", code, h.stderr.String())
	}
	c := start(t, environ, "check")
	c.wait(t)
	if out := c.stdout.String(); !strings.Contains(out, "ok    TLS (SCIM_ATLASSIAN_TLS_CERT_FILE, _KEY_FILE, _CLIENT_CA_FILE): the certificate is good until ") {
		t.Errorf("check says\n%s", out)
	}
}

func TestServeTLSRefused(t *testing.T) {
	server := newPair(t, "server")
	certificate, key := "SCIM_ATLASSIAN_TLS_CERT_FILE="+server.certFile, "SCIM_ATLASSIAN_TLS_KEY_FILE="+server.keyFile
	environ := startEmulator(t)
	for want, with := range map[string][]string{
		"need each other":                       {certificate},
		"CLIENT_CA_FILE needs":                  {"SCIM_ATLASSIAN_TLS_CLIENT_CA_FILE=" + server.certFile},
		"/absent":                               {certificate, "SCIM_ATLASSIAN_TLS_KEY_FILE=/absent"},
		"has no certificate in PEM":             {certificate, key, "SCIM_ATLASSIAN_TLS_CLIENT_CA_FILE=" + server.keyFile},
		`SCIM_ATLASSIAN_ALLOW_FROM: "intranet"`: {"SCIM_ATLASSIAN_ALLOW_FROM=intranet"},
	} {
		p := start(t, append(environ, with...), "serve", "--listen", "127.0.0.1:0")
		if code := p.wait(t); code != exitFailed || !strings.Contains(p.stderr.String(), want) {
			t.Errorf("%s: exit code %d, %s", with, code, p.stderr.String())
		}
	}
}

// reloading is a serve that is told to reload, with the lines that it has logged of that.
type reloading struct {
	*process
	asked chan os.Signal
	count int
}

// reload waits for the next line on the outcome, and returns it.
func (r *reloading) reload(t *testing.T) string {
	t.Helper()
	r.asked <- syscall.SIGHUP
	r.count++
	var lines []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		lines = lines[:0]
		for line := range strings.Lines(r.stderr.String()) {
			if strings.Contains(line, `"msg":"reloaded `) || strings.Contains(line, `"msg":"not reloaded`) {
				lines = append(lines, line)
			}
		}
		if len(lines) == r.count {
			return lines[r.count-1]
		}
	}
	t.Fatalf("%d lines, want %d:\n%s", len(lines), r.count, r.stderr.String())
	return ""
}

// TestReload replaces, while serve runs, callers, the certificate, and the key of the directory; once with a mistake in
// each of them, which changes nothing.
func TestReload(t *testing.T) {
	first, second := newPair(t, "first"), newPair(t, "second")
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(path string) string {
		t.Helper()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	callers := func(token string) string {
		return fmt.Sprintf(`[{"name":"it","bearer_sha256":%q,"rights":{"*":"read"}}]`, tokenDigest(token))
	}
	var settings strings.Builder
	key := ""
	for _, pair := range startEmulator(t) {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "DIRECTORY_API_KEY":
			key = value
			pair = name + fileSuffix + "=" + file("key", value+"\n")
		case "SCIM_ATLASSIAN_CALLERS_FILE":
			pair = name + "=" + file("callers.json", callers("one"))
		}
		settings.WriteString(pair + "\n")
	}
	fmt.Fprintf(&settings, "SCIM_ATLASSIAN_TLS_CERT_FILE=%s\nSCIM_ATLASSIAN_TLS_KEY_FILE=%s\nSCIM_ATLASSIAN_SNAPSHOT_TTL=0\nSCIM_ATLASSIAN_FEED_INTERVAL=0\nSCIM_ATLASSIAN_PROOF_PERIOD=0\n",
		file("crt", read(first.certFile)), file("tls.key", read(first.keyFile)))
	env := file("env", settings.String())
	r := &reloading{asked: make(chan os.Signal)}
	r.process = (&program{hangups: func() <-chan os.Signal { return r.asked }}).start(t, "serve", "--listen", "127.0.0.1:0", "--env-file", env)
	users := "https://" + r.stderr.await(t, `"address":"([^"]+)"`) + "/scim/v2/Users?count=1&filter=" + "userName%20eq%20%22nobody%22"

	// what holds: the status of a request by each token, to each certificate
	type state struct{ One, Two, AtFirst, AtSecond int }
	expect := func(stage string, want state) {
		t.Helper()
		var got state
		atFirst, atSecond := first.client(t), second.client(t)
		got.AtFirst, _ = ask(t, atFirst, strings.Replace(users, "/scim/v2/Users", "/healthz", 1), "")
		got.AtSecond, _ = ask(t, atSecond, strings.Replace(users, "/scim/v2/Users", "/healthz", 1), "")
		client := atFirst
		if got.AtSecond == 200 {
			client = atSecond
		}
		got.One, _ = ask(t, client, users, "one")
		got.Two, _ = ask(t, client, users, "two")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", stage, diff)
		}
	}
	expect("at first", state{One: 200, Two: 401, AtFirst: 200})

	file("callers.json", callers("two"))
	if line := r.reload(t); !strings.Contains(line, `"needRestart":[]`) {
		t.Error(line)
	}
	expect("other callers", state{One: 401, Two: 200, AtFirst: 200})

	file("callers.json", `[{"name":"it","bearer_sha256":"12","rights":{"*":"read"}}]`)
	file("key", "wrong-key-that-nobody-sees")
	if line := r.reload(t); !strings.Contains(line, "bearer_sha256 must be 64") || strings.Contains(line, "wrong-key") {
		t.Error(line)
	}
	expect("callers that cannot be used, with another key", state{One: 401, Two: 200, AtFirst: 200})

	file("callers.json", callers("one"))
	file("key", key)
	file("crt", read(second.certFile)) // and not its key yet
	if line := r.reload(t); !strings.Contains(line, "not reloaded") || !strings.Contains(line, "private key does not match") {
		t.Error(line)
	}
	expect("half a certificate, with other callers", state{One: 401, Two: 200, AtFirst: 200})

	file("tls.key", read(second.keyFile))
	r.reload(t)
	expect("all of it", state{One: 200, Two: 401, AtSecond: 200})

	file("key", "wrong-key-that-nobody-sees")
	r.reload(t)
	expect("a key that the directory refuses", state{One: 502, Two: 401, AtSecond: 200})
	file("key", key)
	file("env", strings.Replace(settings.String(), "SNAPSHOT_TTL=0", "SNAPSHOT_TTL=7s", 1))
	if line := r.reload(t); !strings.Contains(line, `"needRestart":["SCIM_ATLASSIAN_SNAPSHOT_TTL"]`) {
		t.Error(line)
	}
	expect("the right key again", state{One: 200, Two: 401, AtSecond: 200})

	file("env", "DIRECTORY_ID=\n")
	if line := r.reload(t); !strings.Contains(line, "DIRECTORY_ID is missing") {
		t.Error(line)
	}
	expect("no settings", state{One: 200, Two: 401, AtSecond: 200})
	if strings.Contains(r.stderr.String(), "wrong-key") || strings.Contains(r.stderr.String(), key) {
		t.Error("a key is in the log")
	}
}

// TestReloadTells has metrics know the callers of now, and only what waits for a restart be told as such.
func TestReloadTells(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	callers := func(name, made string) string {
		return fmt.Sprintf(`[{"name":%q,"bearer_sha256":%q,"made":%q,"rights":{"*":"read"}}]`, name, tokenDigest(name), made)
	}
	settings := func(key string) string {
		var b strings.Builder
		for _, pair := range startEmulator(t) {
			if name, _, _ := strings.Cut(pair, "="); name != "SCIM_ATLASSIAN_CALLERS_FILE" && name != "ADMIN_LISTEN" {
				b.WriteString(pair + "\n")
			}
		}
		return b.String() + "SCIM_ATLASSIAN_CALLERS_FILE=" + filepath.Join(dir, "callers.json") + "\nADMIN_LISTEN=127.0.0.1:0\nSCIM_ATLASSIAN_CURSOR_KEY=" + strings.Repeat(key, 32) + "\n"
	}
	file("callers.json", callers("hr", "2026-01-02"))
	first := settings("a")
	env := file("env", first)
	r := &reloading{asked: make(chan os.Signal)}
	r.process = (&program{hangups: func() <-chan os.Signal { return r.asked }}).start(t, "serve", "--listen", "127.0.0.1:0", "--env-file", env)
	metrics := r.stderr.await(t, `"msg":"listening".*"metrics":"([^"]+)"`)
	made := func() (lines []string) {
		t.Helper()
		_, _, body := get(t, "http://"+metrics+"/metrics", "", "")
		for line := range strings.Lines(string(body)) {
			if strings.HasPrefix(line, "scim_atlassian_caller_secret_made_timestamp_seconds{") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		return lines
	}
	if diff := cmp.Diff([]string{`scim_atlassian_caller_secret_made_timestamp_seconds{caller="hr"} 1.767312e+09`}, made()); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	file("callers.json", callers("it", "2026-01-03"))
	file("env", strings.Replace(first, strings.Repeat("a", 32), strings.Repeat("b", 32), 1))
	if line := r.reload(t); !strings.Contains(line, `"needRestart":[]`) {
		t.Error(line)
	}
	if diff := cmp.Diff([]string{`scim_atlassian_caller_secret_made_timestamp_seconds{caller="it"} 1.7673984e+09`}, made()); diff != "" {
		t.Errorf("reloaded (-want +got):\n%s", diff)
	}
}

// TestNeedRestart says of the place of the state, and of the key of cursors, when another one waits for a restart.
func TestNeedRestart(t *testing.T) {
	for _, test := range []struct {
		was, is config
		want    []string
	}{
		{config{State: "postgres://a:one@db/x"}, config{State: "postgres://a:two@db/x"}, []string{}},
		{config{State: "postgres://a:one@db/x"}, config{State: "postgres://a:one@db/y"}, []string{"SCIM_ATLASSIAN_STATE"}},
		{config{}, config{State: stateDefault}, []string{}},
		{config{State: "memory"}, config{}, []string{"SCIM_ATLASSIAN_STATE"}},
		{config{CursorKey: "a"}, config{CursorKey: "b"}, []string{}},
		{config{}, config{CursorKey: "b"}, []string{"SCIM_ATLASSIAN_CURSOR_KEY"}},
	} {
		if diff := cmp.Diff(test.want, test.was.needRestart(&test.is)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
