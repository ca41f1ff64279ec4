package directory

import (
	"net/http"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// unkept is the error of a write that upstream answered success to without keeping some
// parts of it.
func unkept(what string, found query.Object, parts string) *resource.Error {
	return resource.Refuse(http.StatusBadGateway, "", "Atlassian answered success for the %s %q but did not keep %s.", what, found.Text("id"), parts)
}

// created returns the error of a creation after which the resource is there, nil if err is.
func created(err error, id string) error {
	if err == nil {
		return nil
	}
	e := upstream.Partial(err)
	e.Made = id
	e.Detail += " It was created."
	return e
}
