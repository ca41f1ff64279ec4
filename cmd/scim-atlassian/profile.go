//go:build profile

package main

import (
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
)

// With the build tag profile, for measure/bench only, the process serves profiles of itself on the socket PROFILE_SOCKET.
func init() {
	path := os.Getenv("PROFILE_SOCKET")
	if path == "" {
		return
	}
	os.Remove(path) // of the process before
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, nil)
}
