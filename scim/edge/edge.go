// Package edge is the outermost layer of a server: connections, with TLS or without; what net/http says of requests that
// reach no handler, as SCIM errors; and the headers that every answer has.
package edge

import (
	"context"
	"net"
	"net/http"

	"go.uber.org/zap"
)

// Serve answers on a listener, with TLS unless t is nil, until the server is shut down or closed, as http.Server.Serve
// does. It sets the fields of the server that it needs: its handler, which is wrapped, ConnContext, and
// DisableGeneralOptionsHandler, so that OPTIONS * is answered by the handler too.
func Serve(server *http.Server, listener net.Listener, t *TLS, logger *zap.Logger) error {
	server.Handler = withHeaders(server.Handler)
	server.ConnContext = withConnection
	server.DisableGeneralOptionsHandler = true
	if t == nil {
		return server.Serve(plainListener{listener})
	}
	return server.Serve(newSecureListener(listener, t, logger))
}

// withHeaders sets the headers of every answer: no browser is to guess types, to run, frame or keep anything, and where
// there is TLS it is to stay. It tells the connection that its request is being answered.
func withHeaders(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if c := connectionOf(r.Context()); c != nil { // HTTP/2 has none
			c.answering.Store(true)
			defer c.answered()
		}
		handler.ServeHTTP(w, r)
	})
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	switch c := c.(type) {
	case *connection:
		return context.WithValue(ctx, connectionKey{}, c)
	case secureConnection:
		return context.WithValue(ctx, connectionKey{}, c.connection)
	}
	return ctx
}

func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	return c
}
