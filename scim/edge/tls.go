package edge

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Files are the paths of the server's certificate, with those of its issuers behind it, of its key, and of the issuers of
// clients' certificates; all in PEM. Without ClientCA, clients are not asked for certificates.
type Files struct{ Certificate, Key, ClientCA string }

// TLS is the server's side of TLS, 1.2 at least. Its files are read again when Reload says so, and soon after they have
// changed; what they held before stays in use until they are whole. It is safe for concurrent use.
type TLS struct {
	files   Files
	logger  *zap.Logger
	present atomic.Pointer[material]

	mu     sync.Mutex
	looked time.Time // when the files were last looked at
	seen   [3]stamp  // of the files, when they were last read
}

// material is what was in the files.
type material struct {
	config *tls.Config
	leaf   *x509.Certificate
}

// stamp tells whether a file has changed.
type stamp struct {
	modified time.Time
	size     int64
}

// lookAgain is the time between two looks at the files, which a new connection causes.
const lookAgain = 5 * time.Second

// NewTLS reads the files.
func NewTLS(files Files, logger *zap.Logger) (*TLS, error) {
	t := &TLS{files: files, logger: logger}
	install, err := t.Prepare(files)
	if err != nil {
		return nil, err
	}
	install()
	return t, nil
}

// Prepare reads files, and returns what puts them in the place of those that there are, for every connection that comes
// afterwards.
func (t *TLS) Prepare(files Files) (install func(), err error) {
	seen := files.stamps()
	m, err := files.read()
	if err != nil {
		return nil, err
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.files, t.seen, t.looked = files, seen, time.Now()
		t.take(m)
	}, nil
}

// take puts other material in the place of that in use.
func (t *TLS) take(m *material) {
	if old := t.present.Swap(m); old != nil && old.leaf.Equal(m.leaf) {
		return
	}
	digest := sha256.Sum256(m.leaf.Raw)
	fields := []zap.Field{zap.Strings("names", m.leaf.DNSNames), zap.Time("notAfter", m.leaf.NotAfter), zap.String("sha256", hex.EncodeToString(digest[:]))}
	if t.Expired() != nil {
		t.logger.Error("TLS certificate in use, which has expired", fields...)
		return
	}
	t.logger.Info("TLS certificate in use", fields...)
}

// Expires returns when the certificate in use does.
func (t *TLS) Expires() time.Time { return t.present.Load().leaf.NotAfter }

// Expired returns an error if the certificate in use has expired.
func (t *TLS) Expired() error {
	if at := t.Expires(); time.Now().After(at) {
		return fmt.Errorf("the certificate has expired on %s", at.UTC().Format("2006-01-02 15:04Z"))
	}
	return nil
}

// config is the configuration of the next connection.
func (t *TLS) config() *tls.Config {
	t.look()
	return t.present.Load().config
}

// look reads the files again if they have changed, unless that was looked at a moment ago.
func (t *TLS) look() {
	if !t.mu.TryLock() {
		return // another connection looks
	}
	defer t.mu.Unlock()
	if time.Since(t.looked) < lookAgain {
		return
	}
	t.looked = time.Now()
	seen := t.files.stamps()
	if seen == t.seen {
		return
	}
	t.seen = seen
	m, err := t.files.read()
	if err != nil {
		t.logger.Error("the files of TLS have changed and cannot be used; what they held before stays in use", zap.Error(err))
		return
	}
	t.take(m)
}

func (f Files) stamps() (all [3]stamp) {
	for i, path := range []string{f.Certificate, f.Key, f.ClientCA} {
		if info, err := os.Stat(path); err == nil {
			all[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return all
}

// read makes a configuration of the files. Its errors never quote them.
func (f Files) read() (*material, error) {
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s: %w", f.Certificate, f.Key, err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if f.ClientCA != "" {
		text, err := os.ReadFile(f.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("the issuers of clients' certificates: %w", err)
		}
		config.ClientAuth, config.ClientCAs = tls.VerifyClientCertIfGiven, x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("the issuers of clients' certificates: %w", errors.New(f.ClientCA+" has no certificate in PEM"))
		}
	}
	return &material{config, pair.Leaf}, nil
}
