package organization

import (
	"net/http"

	"scim-atlassian/atlassian/emulator/tenant"
)

// changeLifecycle is POST /users/{account}/manage/lifecycle/enable and
// disable. It changes the account alone. A user of the directory that is linked
// to the account stays as it is, and the next write to that user wins.
func (o *Organization) changeLifecycle(w http.ResponseWriter, r *http.Request) {
	action := r.PathValue("action")
	if action != "enable" && action != "disable" {
		writeLifecycleError(w, http.StatusNotFound, "notFound", "", "")
		return
	}
	switch o.setActive(r, action == "enable") {
	case http.StatusNotFound:
		writeLifecycleError(w, http.StatusNotFound, "accountNotFound", "account-not-found", "Error: User account not found")
	case http.StatusForbidden:
		writeLifecycleError(w, http.StatusForbidden, "forbidden", "forbidden",
			"Error: Caller must be a verified org admin of targeted account")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// setActive enables or disables the account of the path and returns the status of
// the answer.
func (o *Organization) setActive(r *http.Request, active bool) int {
	o.tenant.Lock()
	defer o.tenant.Unlock()
	a := o.tenant.Accounts.WithID(r.PathValue("account"))
	switch {
	case a == nil || a.Deleted || !a.Visible(o.tenant.Now()):
		return http.StatusNotFound
	case !a.Managed:
		return http.StatusForbidden
	case a.Active == active:
		return http.StatusNoContent
	}
	a.Active = active
	change := tenant.Change{Action: tenant.UserReactivated, By: o.actor(r), Account: a}
	if !active {
		change.Action = tenant.UserDeactivated
	}
	o.tenant.Record(change)
	return http.StatusNoContent
}

type lifecycleError struct {
	Key         string `json:"key"`
	ErrorKey    string `json:"errorKey,omitempty"`
	ErrorDetail string `json:"errorDetail,omitempty"`
}

func writeLifecycleError(w http.ResponseWriter, status int, key, errorKey, detail string) {
	tenant.WriteJSON(w, status, "application/json", lifecycleError{key, errorKey, detail})
}
