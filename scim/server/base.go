package server

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// baseURL is the SCIM base URL as the client sees it: the configured one, else
// what a trusted proxy says it was asked for, else what this server was.
func (s *Server) baseURL(r *http.Request) string {
	if s.cfg.PublicURL != "" {
		return s.cfg.PublicURL + BasePath
	}
	origin := origin{scheme: "http", host: r.Host}
	if r.TLS != nil {
		origin.scheme = "https"
	}
	if s.trusts(r.RemoteAddr) {
		origin.forwarded(r.Header)
	}
	return origin.scheme + "://" + origin.host + origin.prefix + BasePath
}

// trusts reports whether the peer at addr may say which URL its client asked for.
func (s *Server) trusts(addr string) bool {
	peer, err := netip.ParseAddrPort(addr)
	return err == nil && slices.ContainsFunc(s.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

// origin is the URL of the server's root as a client sees it.
type origin struct{ scheme, host, prefix string }

var (
	hostForm   = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)
	prefixForm = regexp.MustCompile(`^(/[A-Za-z0-9._~%-]+)+$`)
)

// forwarded takes the origin that a proxy reports: Forwarded (RFC 7239) or, where
// that is silent, X-Forwarded-Proto, -Host and -Prefix. Of several proxies the
// client spoke to the first. Values that cannot be part of a URL are passed over.
func (o *origin) forwarded(h http.Header) {
	standard := forwardedPairs(h.Get("Forwarded"))
	first := func(pair, header string) string {
		if v := standard[pair]; v != "" {
			return v
		}
		v, _, _ := strings.Cut(h.Get(header), ",")
		return strings.TrimSpace(v)
	}
	if scheme := strings.ToLower(first("proto", "X-Forwarded-Proto")); scheme == "http" || scheme == "https" {
		o.scheme = scheme
	}
	if host := first("host", "X-Forwarded-Host"); hostForm.MatchString(host) {
		o.host = host
	}
	if prefix := strings.TrimRight(first("", "X-Forwarded-Prefix"), "/"); prefixForm.MatchString(prefix) {
		o.prefix = prefix
	}
}

// forwardedPairs reads the first element of a Forwarded header.
func forwardedPairs(header string) map[string]string {
	element, _, _ := strings.Cut(header, ",")
	pairs := map[string]string{}
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(pair, "=")
		pairs[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	return pairs
}
