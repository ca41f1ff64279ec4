// Package upstream is the table from a failure at Atlassian to the answer that a
// client gets. Backends also use it to name the resource in a 404 and to say that
// Atlassian's answer makes no sense.
package upstream

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/resource"
)

// AsError converts any error to the answer that the client gets. An
// *atlassian.Error in its chain is mapped by kind, unless a *resource.Error around
// it says more; a write of unknown outcome is marked Unknown in either case. All
// other errors are left to resource.AsError.
func AsError(err error) *resource.Error {
	var e *resource.Error
	var ue *atlassian.Error
	if !errors.As(err, &ue) {
		return resource.AsError(err)
	}
	if !errors.As(err, &e) {
		return upstreamError(ue)
	}
	if ue.Ambiguous && !e.Unknown {
		unknown := *e
		unknown.Unknown = true
		return &unknown
	}
	return e
}

// upstreamError maps the class of an Atlassian failure to the answer: the one
// table from Kind to status and scimType.
func upstreamError(ue *atlassian.Error) *resource.Error {
	e := &resource.Error{RetryAfter: ue.RetryAfter, Err: ue}
	quote := sentence(ue.Detail)
	switch ue.Kind {
	case atlassian.Invalid:
		e.Status, e.Type = http.StatusBadRequest, ue.ScimType
		if e.Type == "" {
			e.Type = resource.TypeInvalidValue
		}
		e.Detail = "Atlassian refused the request." + quote
	case atlassian.NotFound:
		e.Status, e.Detail = http.StatusBadGateway, "Atlassian does not know something that the request needs."+quote
	case atlassian.Conflict:
		e.Status, e.Type, e.Detail = http.StatusConflict, resource.TypeUniqueness, "Atlassian reports a conflict: such a resource already exists."+quote
	case atlassian.TooLarge:
		e.Status, e.Detail = http.StatusRequestEntityTooLarge, "Atlassian refused the request as too large."+quote
	case atlassian.RateLimited:
		e.Status, e.Detail = http.StatusTooManyRequests, "Atlassian's rate limit is reached; try again after the time in Retry-After."
		if e.RetryAfter == 0 {
			e.RetryAfter = soon
		}
	case atlassian.Unavailable:
		e.Status, e.Detail = http.StatusServiceUnavailable, "Atlassian is not available at the moment."+quote
	case atlassian.Timeout:
		e.Status, e.Detail = http.StatusGatewayTimeout, "Atlassian did not answer in time."
	case atlassian.Unreachable:
		e.Status, e.Detail = http.StatusGatewayTimeout, "Atlassian did not answer: the connection failed."
	case atlassian.Unauthenticated, atlassian.Forbidden:
		e.Status, e.Detail = http.StatusBadGateway, "Atlassian refused this server's own credentials or rights; run the command check."+quote
	default:
		e.Status, e.Detail = http.StatusBadGateway, "Atlassian answered something this server does not understand."
	}
	if ue.Ambiguous {
		e.Status, e.Type, e.Unknown = http.StatusGatewayTimeout, "", true
		e.Detail += " Whether the change was made is not known: read the resource before you repeat it."
	}
	if (e.Status == http.StatusServiceUnavailable || e.Status == http.StatusGatewayTimeout) && e.RetryAfter == 0 {
		e.RetryAfter = soon
	}
	return e
}

// soon is when to come back where Atlassian does not say.
const soon = 5 * time.Second

// Unsettled reports whether err says that a write was sent and its outcome is not known.
func Unsettled(err error) bool {
	var ue *atlassian.Error
	return errors.As(err, &ue) && ue.Ambiguous
}

// Settled returns err for a write that is known not to have been made after all.
func Settled(err error) error {
	var ue *atlassian.Error
	if !errors.As(err, &ue) {
		return err
	}
	settled := *ue
	settled.Ambiguous = false
	return &settled
}

// Unread returns the error of a write that was made, while reading what became of it failed with err. The detail is a
// clause that says what was done.
func Unread(done string, err error) *resource.Error {
	e := Partial(err)
	e.Unknown, e.Type = false, ""
	e.Detail = done + ", but reading it afterwards failed: " + e.Detail
	return e
}

// Partial returns the error of a write that did something before it failed with err. No 4xx but 429 comes out, since it
// would say that nothing was done. The detail is still that of err: whoever asks adds what was done.
func Partial(err error) *resource.Error {
	e := *AsError(err)
	if e.Status < http.StatusInternalServerError && e.Status != http.StatusTooManyRequests {
		e.Status, e.Type = http.StatusBadGateway, ""
	}
	e.Partial, e.Err = true, err
	e.Detail = strings.Replace(e.Detail, "; nothing was changed.", ".", 1)
	return &e
}

// sentence quotes Atlassian's words as a sentence to append to another, empty if
// there are none.
func sentence(detail string) string {
	if detail == "" {
		return ""
	}
	if strings.ContainsAny(detail[len(detail)-1:], ".!?") {
		return " It said: " + detail
	}
	return " It said: " + detail + "."
}

// IsGone reports whether err says that the resource does not exist: ours, or Atlassian's that nobody has made more of.
func IsGone(err error) bool {
	var e *resource.Error
	if errors.As(err, &e) {
		return e.Status == http.StatusNotFound
	}
	return atlassian.KindOf(err) == atlassian.NotFound && !Unsettled(err)
}

// Missing returns a 404 that names the resource if err is Atlassian's, else err. Only who calls it knows that the
// resource which Atlassian does not know is the one that the client asks for; to the client, any other is a 502.
func Missing(err error, resourceType, id string) error {
	if atlassian.KindOf(err) == atlassian.NotFound {
		return resource.NotFound(resourceType, id)
	}
	return err
}

// BadGateway returns a 502, for an answer of Atlassian that cannot be true or that
// this server does not understand. The detail is formatted as by fmt.Sprintf.
func BadGateway(format string, args ...any) *resource.Error {
	return resource.Refuse(http.StatusBadGateway, "", format, args...)
}
