package upstream

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/resource"
)

// AsError turns any error into the answer the client gets, the errors of
// Atlassian's clients included.
func AsError(err error) *resource.Error {
	var e *resource.Error
	var ue *atlassian.Error
	if !errors.As(err, &ue) {
		return resource.AsError(err)
	}
	if !errors.As(err, &e) {
		return upstreamError(ue)
	}
	if ue.Ambiguous && !e.Unknown { // whoever made e did not say so
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
	said := ""
	if ue.Detail != "" {
		said = " It said: " + ue.Detail
		if !strings.ContainsAny(ue.Detail[len(ue.Detail)-1:], ".!?") {
			said += "." // more may follow
		}
	}
	switch ue.Kind {
	case atlassian.Invalid:
		e.Status, e.Type = http.StatusBadRequest, ue.ScimType
		if e.Type == "" {
			e.Type = resource.TypeInvalidValue
		}
		e.Detail = "Atlassian refused the request." + said
	case atlassian.NotFound:
		e.Status, e.Detail = http.StatusNotFound, "Atlassian knows no such resource."+said
	case atlassian.Conflict:
		e.Status, e.Type, e.Detail = http.StatusConflict, resource.TypeUniqueness, "Atlassian reports a conflict: such a resource already exists."+said
	case atlassian.TooLarge:
		e.Status, e.Detail = http.StatusRequestEntityTooLarge, "Atlassian refused the request as too large."+said
	case atlassian.RateLimited:
		e.Status, e.Detail = http.StatusTooManyRequests, "Atlassian's rate limit is reached; try again after the time in Retry-After."
		if e.RetryAfter == 0 {
			e.RetryAfter = 5 * time.Second
		}
	case atlassian.Unavailable:
		e.Status, e.Detail = http.StatusServiceUnavailable, "Atlassian is not available at the moment."+said
	case atlassian.Timeout:
		e.Status, e.Detail = http.StatusGatewayTimeout, "Atlassian did not answer in time."
	case atlassian.Unreachable:
		e.Status, e.Detail = http.StatusGatewayTimeout, "Atlassian did not answer: the connection failed."
	case atlassian.Unauthenticated, atlassian.Forbidden:
		e.Status, e.Detail = http.StatusBadGateway, "Atlassian refused this server's own credentials or rights; run the command check."+said
	default:
		e.Status, e.Detail = http.StatusBadGateway, "Atlassian answered something this server does not understand."
	}
	if ue.Ambiguous {
		e.Unknown = true
		e.Detail += " Whether the change was made is not known: read the resource before you repeat it."
	}
	return e
}

func IsGone(err error) bool { return err != nil && AsError(err).Status == http.StatusNotFound }

// Missing names the resource in upstream's 404.
func Missing(err error, resourceType, id string) error {
	if atlassian.KindOf(err) == atlassian.NotFound {
		return resource.NotFound(resourceType, id)
	}
	return err
}

// BadGateway says that Jira answered what it should not have.
func BadGateway(format string, args ...any) *resource.Error {
	return resource.Refuse(http.StatusBadGateway, "", format, args...)
}
