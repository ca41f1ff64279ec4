// Package loopback serves handlers on this machine, for the programs that measure.
package loopback

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Serve serves on a free port of loopback until stop is called. The address is host and port.
func Serve(s *http.Server) (address string, stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s.ReadHeaderTimeout = time.Minute
	go s.Serve(listener)
	return listener.Addr().String(), func() { s.Close() }, nil
}
