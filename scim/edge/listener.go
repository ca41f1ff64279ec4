package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

// plainListener accepts connections without TLS.
type plainListener struct{ net.Listener }

// Accept implements net.Listener.
func (l plainListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConnection(c), nil
}

// handshakeTime is how long a client may take to agree on TLS.
const handshakeTime = 10 * time.Second

// secureListener accepts connections that have agreed on TLS. Those that come to HTTP/2 are *tls.Conn, as net/http wants
// them for that. It makes a goroutine for each connection until it is accepted, and one of its own; Close ends them all.
type secureListener struct {
	net.Listener
	tls    *TLS
	logger *zap.Logger

	accepted chan accepted
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	work     sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

func newSecureListener(inner net.Listener, t *TLS, logger *zap.Logger) *secureListener {
	l := &secureListener{Listener: inner, tls: t, logger: logger, accepted: make(chan accepted)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.work.Go(l.run)
	return l
}

// Accept implements net.Listener.
func (l *secureListener) Accept() (net.Conn, error) {
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *secureListener) Close() error {
	l.cancel()
	err := l.Listener.Close()
	l.work.Wait()
	return err
}

func (l *secureListener) run() {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			l.hand(accepted{err: err}) // net/http waits a little before it asks again, or ends
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		l.work.Go(func() {
			if secured := l.agree(c); secured != nil {
				l.hand(accepted{conn: secured})
			}
		})
	}
}

// hand gives what was accepted to Accept, or closes it if nobody asks any more.
func (l *secureListener) hand(a accepted) {
	select {
	case l.accepted <- a:
	case <-l.ctx.Done():
		if a.conn != nil {
			a.conn.Close()
		}
	}
}

// agree makes the handshake. It returns nil, with the connection closed, if that fails.
func (l *secureListener) agree(c net.Conn) net.Conn {
	ctx, cancel := context.WithTimeout(l.ctx, handshakeTime)
	defer cancel()
	secured := tls.Server(c, l.tls.config())
	if err := secured.HandshakeContext(ctx); err != nil {
		var record tls.RecordHeaderError
		if errors.As(err, &record) && record.Conn != nil && looksLikeHTTP(record.RecordHeader[:]) {
			_, _ = c.Write(answer(http.StatusBadRequest, "This port speaks TLS: the URL begins with https.")) // the client may be gone
		}
		c.Close()
		if !errors.Is(err, io.EOF) && l.ctx.Err() == nil { // not a probe that looks whether the port is open, nor our own end
			l.logger.Info("no TLS", zap.Stringer("peer", c.RemoteAddr()), zap.Error(err))
		}
		return nil
	}
	if secured.ConnectionState().NegotiatedProtocol == "h2" {
		return secured
	}
	return secureConnection{newConnection(secured), secured}
}

// looksLikeHTTP reports whether the first bytes of a connection are those of a request without TLS.
func looksLikeHTTP(first []byte) bool {
	for _, method := range []string{"GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO"} {
		if bytes.HasPrefix(first, []byte(method)) {
			return true
		}
	}
	return false
}
