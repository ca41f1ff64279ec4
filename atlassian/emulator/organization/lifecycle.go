package organization

import (
	"net/http"
	"time"

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
	o.tenant.Lock()
	defer o.tenant.Unlock()
	a, active := o.managed(w, r), action == "enable"
	if a == nil {
		return
	}
	if a.Active != active {
		a.Active = active
		told := map[bool]string{true: tenant.UserReactivated, false: tenant.UserDeactivated}[active]
		o.tenant.Record(tenant.Change{Action: told, By: o.actor(r), Account: a})
	}
	w.WriteHeader(http.StatusNoContent)
}

// listTokens is GET /users/{account}/manage/api-tokens. The administrator has the
// one token that Jira accepts, good for a year; others have none.
func (o *Organization) listTokens(w http.ResponseWriter, r *http.Request) {
	o.tenant.Lock()
	defer o.tenant.Unlock()
	tokens := []map[string]string{}
	switch a := o.managed(w, r); {
	case a == nil:
		return
	case a.Email == tenant.AdminEmail:
		tokens = append(tokens, map[string]string{"id": "1", "label": "scim-atlassian", "createdAt": o.began.Format(time.RFC3339), "expiry": o.began.AddDate(1, 0, 0).Format(time.RFC3339)})
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", tokens)
}

// managed returns the account of the path. It answers, and returns nil, if there is
// none or the organization does not manage it.
func (o *Organization) managed(w http.ResponseWriter, r *http.Request) *tenant.Account {
	a := o.tenant.Accounts.WithID(r.PathValue("account"))
	switch {
	case a == nil || a.Deleted || !a.Visible(o.tenant.Now()):
		writeLifecycleError(w, http.StatusNotFound, "accountNotFound", "account-not-found", "Error: User account not found")
		return nil
	case !a.Managed:
		writeLifecycleError(w, http.StatusForbidden, "forbidden", "forbidden", "Error: Caller must be a verified org admin of targeted account")
		return nil
	}
	return a
}

type lifecycleError struct {
	Key         string `json:"key"`
	ErrorKey    string `json:"errorKey,omitempty"`
	ErrorDetail string `json:"errorDetail,omitempty"`
}

func writeLifecycleError(w http.ResponseWriter, status int, key, errorKey, detail string) {
	tenant.WriteJSON(w, status, "application/json", lifecycleError{key, errorKey, detail})
}
