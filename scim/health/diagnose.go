package health

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"scim-atlassian/atlassian"
)

// Advice names what mends a refusal, in the words of whoever runs the server.
type Advice struct {
	Credential string // what is refused with 401, and where a new one is made
	Access     string // what a 403 is about
	Place      string // what a 404 is about
	Address    string // the setting of the URL
}

// Finding is what one failure tells of an upstream.
type Finding struct {
	State  State
	Reason string // in words, without ids, hosts and texts of upstream
	Fix    string // empty: nothing but time mends it
}

// Diagnose tells what an error of an upstream is about: nil is Up, 401, 403 and 404 are Refused, anything else is Down.
// Errors about a resource, and being asked to wait, are Up: the API answers.
func Diagnose(err error, a Advice) Finding {
	if err == nil {
		return Finding{State: Up}
	}
	var e *atlassian.Error
	if !errors.As(err, &e) {
		return connection(err, a)
	}
	switch e.Kind {
	case atlassian.Unauthenticated:
		return Finding{Refused, "it does not accept the credential (401)", a.Credential}
	case atlassian.Forbidden:
		return Finding{Refused, "it refuses access to what the credential is for (403)", a.Access}
	case atlassian.RateLimited, atlassian.Invalid, atlassian.Conflict, atlassian.TooLarge:
		return Finding{State: Up}
	case atlassian.Unavailable:
		if e.Status == 0 {
			return Finding{Down, "it has been failing, so that it is asked only now and then", ""}
		}
		return Finding{Down, fmt.Sprintf("it answers with errors of its own (%d)", e.Status), ""}
	case atlassian.Timeout:
		return Finding{Down, "it does not answer in time", ""}
	case atlassian.NotFound:
		return notThere(a)
	case atlassian.Garbled, atlassian.Other:
		return garbled(e, a)
	}
	return connection(err, a)
}

func notThere(a Advice) Finding {
	return Finding{Refused, "it answers that there is no such thing (404)", a.Place}
}

// garbled tells apart an API that says that it has nothing at the URL from what is no API at all.
func garbled(e *atlassian.Error, a Advice) Finding {
	switch {
	case e.Status == http.StatusNotFound && e.Err == nil: // in JSON
		return notThere(a)
	case e.Status >= 300 && e.Status < 400:
		return Finding{Down, fmt.Sprintf("what answers leads elsewhere (%d): it is not the API", e.Status), "look at " + a.Address + ": it must be the address of the API itself, with https and without a path of the site"}
	case e.Status == http.StatusProxyAuthRequired:
		return Finding{Down, "a proxy wants credentials (407)", proxyFix}
	}
	return Finding{Down, fmt.Sprintf("what answers is not the API (%d)", e.Status), "look at " + a.Address + ", and for a proxy or a sign-in page between here and there"}
}

const proxyFix = "look at HTTPS_PROXY and NO_PROXY, and at what the proxy lets through"

// connection tells why there is no answer.
func connection(err error, a Advice) Finding {
	var lookup *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect", strings.Contains(err.Error(), "Proxy Authentication Required"):
		return Finding{Down, "the proxy does not connect", proxyFix}
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return Finding{Down, "its name is not known (DNS)", "look at " + a.Address + " for a misspelt host, and at the DNS of this machine"}
	case errors.As(err, &lookup):
		return Finding{Down, "its name cannot be looked up (DNS)", "look at the DNS of this machine or container"}
	case errors.As(err, &certificate):
		return badCertificate(certificate, a)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return Finding{Down, "what listens there does not speak TLS", "look at " + a.Address + " for http in place of https, or a wrong port"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return Finding{Down, "nothing listens there (connection refused)", "look at " + a.Address + " for a wrong port, and at the firewall"}
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return Finding{Down, "there is no way to it (network unreachable)", "look at the network of this machine or container, and whether it needs HTTPS_PROXY"}
	}
	return Finding{Down, "there is no connection", "look at the network of this machine, at the firewall, and whether it needs HTTPS_PROXY"}
}

func badCertificate(failed *tls.CertificateVerificationError, a Advice) Finding {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(failed, &unknown):
		return Finding{Down, "its certificate is of an unknown authority (TLS)", "a proxy that opens TLS has an authority of its own: give it to this program with SSL_CERT_FILE"}
	case errors.As(failed, &host):
		return Finding{Down, "its certificate is for another name (TLS)", "look at " + a.Address + " for a misspelt host, and at the DNS of this machine"}
	case errors.As(failed, &invalid) && invalid.Reason == x509.Expired:
		return Finding{Down, "its certificate is not valid at the time that this machine has (TLS)", "look at the clock of this machine"}
	}
	return Finding{Down, "its certificate is not accepted (TLS)", "look at what stands between here and " + a.Address}
}
