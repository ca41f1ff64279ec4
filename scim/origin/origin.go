// Package origin tells where a request comes from: the address of its client, and the URL that the client asked for,
// behind proxies whose word is taken.
package origin

import (
	"net/http"
	"net/netip"
	"regexp"
	"strings"
)

// Address returns the address of the client behind a request: of those through which it came, the last that is no trusted
// proxy. They are in X-Forwarded-For, or in the for of Forwarded (RFC 7239) where there is none, and count only as far as
// a trusted proxy has written them. It returns the zero Addr if the peer has no IP address.
func Address(r *http.Request, trusted Networks) netip.Addr {
	address, ok := parseAddress(r.RemoteAddr)
	if !ok || !trusted.Contain(address) {
		return address
	}
	hops := forwardedFor(r.Header)
	for i := len(hops) - 1; i >= 0 && trusted.Contain(address); i-- {
		hop, ok := parseAddress(hops[i])
		if !ok {
			break
		}
		address = hop
	}
	return address
}

// forwardedFor lists the addresses that proxies have written, the nearest last.
func forwardedFor(h http.Header) []string {
	if values := h.Values("X-Forwarded-For"); len(values) > 0 {
		return strings.Split(strings.Join(values, ","), ",")
	}
	var hops []string
	for element := range strings.SplitSeq(strings.Join(h.Values("Forwarded"), ","), ",") {
		hops = append(hops, forwardedPairs(element)["for"])
	}
	return hops
}

// parseAddress reads an IP address, which may have a port.
func parseAddress(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap(), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(text)
	return address.Unmap(), err == nil
}

// URL returns the URL of the server's root as the client sees it, without a slash at its end: as a trusted proxy says
// that it was asked for, else as the request came in.
func URL(r *http.Request, trusted Networks) string {
	root := root{scheme: "http", host: r.Host}
	if r.TLS != nil {
		root.scheme = "https"
	}
	if peer, ok := parseAddress(r.RemoteAddr); ok && trusted.Contain(peer) {
		root.forwarded(r.Header)
	}
	return root.scheme + "://" + root.host + root.prefix
}

// root is the URL of the server's root as a client sees it.
type root struct{ scheme, host, prefix string }

var (
	hostForm   = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)
	prefixForm = regexp.MustCompile(`^(/[A-Za-z0-9._~%-]+)+$`)
)

// forwarded takes the URL that a proxy reports: Forwarded (RFC 7239) or, where
// that is silent, X-Forwarded-Proto, -Host and -Prefix. Of several proxies the
// client spoke to the first. Values that cannot be part of a URL are passed over.
func (o *root) forwarded(h http.Header) {
	element, _, _ := strings.Cut(h.Get("Forwarded"), ",")
	standard := forwardedPairs(element)
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

// forwardedPairs reads one element of a Forwarded header.
func forwardedPairs(element string) map[string]string {
	pairs := map[string]string{}
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(pair, "=")
		pairs[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	return pairs
}
