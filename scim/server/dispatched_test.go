package server

import (
	"net/http"
	"sync/atomic"
)

// CountDispatched counts the requests that reach the SCIM library from now on.
func (s *Server) CountDispatched() *atomic.Int64 {
	var n atomic.Int64
	counting := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			h.ServeHTTP(w, r)
		})
	}
	s.library.whole, s.library.parts = counting(s.library.whole), counting(s.library.parts)
	return &n
}
