package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// serveProxy is a plain reverse proxy in front of target, as cheap as net/http
// makes one: it keeps as many idle connections as there are clients, where the
// default of 2 would have it open one for most requests, and uses its buffers
// again. It prints the address that it listens on.
func serveProxy(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: concurrency, DisableCompression: true}
	proxy.BufferPool = &buffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}}
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Without this, net/http may close the body of a request as soon as its answer begins, while the transport
		// looks for the body's end; the transport then cuts the connection, in the middle of a long answer.
		http.NewResponseController(w).EnableFullDuplex() // fails for HTTP/2 only
		proxy.ServeHTTP(w, r)
	}))
}

// buffers implements httputil.BufferPool.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte { return b.pool.Get().(*[32 << 10]byte)[:] }

func (b *buffers) Put(buffer []byte) { b.pool.Put((*[32 << 10]byte)(buffer)) }
