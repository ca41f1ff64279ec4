package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/edge"
)

// listen opens a TCP listener and fails with one sentence that names the address.
func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &addressInUse{address}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return l, nil
}

// dialable is a listener's address as clients write it: where it is every address of the machine, host stands for them.
func dialable(address net.Addr, host string) string {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort(host, strconv.Itoa(tcp.Port))
	}
	return address.String()
}

// addressInUse is the error of an address that somebody else listens on.
type addressInUse struct{ address string }

func (e *addressInUse) Error() string {
	return e.address + " is in use by another process: stop it or listen elsewhere"
}

func (e *addressInUse) Unwrap() error { return syscall.EADDRINUSE }

// site is a handler with the listener it answers on.
type site struct {
	listener net.Listener
	handler  http.Handler
	timeout  time.Duration // longest time that an answer takes
	scim     bool          // it answers SCIM: errors of HTTP too, with the headers of package edge
	tls      *edge.TLS     // with which it is answered; nil: without
	drained  func()        // called when the last request is answered; nil: nothing to do
}

// serveSites answers on all sites until ctx ends or one of them fails. Then it drains them in order, so that a
// site may rely on those after it until its last request is answered, and closes all listeners.
func serveSites(ctx context.Context, logger *zap.Logger, sites ...site) error {
	group, ctx := errgroup.WithContext(ctx)
	servers := make([]*http.Server, len(sites))
	for i, s := range sites {
		servers[i] = newHTTPServer(s, logger)
		group.Go(func() error {
			if err := s.serve(servers[i], logger); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	group.Go(func() error {
		<-ctx.Done()
		var failures []error
		for i, server := range servers {
			failures = append(failures, drain(server, sites[i].timeout))
			if sites[i].drained != nil {
				sites[i].drained()
			}
		}
		return errors.Join(failures...)
	})
	return group.Wait()
}

// serve answers until the server is shut down.
func (s site) serve(server *http.Server, logger *zap.Logger) error {
	if s.scim || s.tls != nil {
		return edge.Serve(server, s.listener, s.tls, logger)
	}
	return server.Serve(s.listener)
}

// drain waits for running requests no longer than one may take, then cuts them.
func drain(server *http.Server, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
		return fmt.Errorf("requests were cut at shutdown: %w", err)
	}
	return nil
}

func newHTTPServer(s site, logger *zap.Logger) *http.Server {
	errorLog, _ := zap.NewStdLogAt(logger, zap.WarnLevel) // fails for unknown levels only
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      s.timeout + 30*time.Second, // counts from the request's header; leaves time to send the answer
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    512 << 10, // an overlong filter gets a SCIM error, not a bare 431
		ErrorLog:          errorLog,
	}
}
