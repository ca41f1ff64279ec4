package directory

import (
	"slices"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/query"
)

// Written is a write of which the organization's audit log should tell: that of a user
// by its account, of a group by its name, or of a membership by both.
type Written struct {
	Account, Email string    // empty: not meant, or not known
	Group          string    // likewise
	At             time.Time // when it was sent
}

// writtenUser is the write of a user.
func writtenUser(u query.Object, at time.Time) Written {
	w := Written{Account: AccountIDOf(u), At: at}
	for _, e := range u.Elements("emails") {
		if primary, _ := e.Get("primary"); w.Email == "" || primary == true {
			w.Email = e.Text("value")
		}
	}
	return w
}

// isHeardOf reports whether the account has changed with a user. Of one that was not
// known before, nobody can tell.
func isHeardOf(before, now query.Object) bool {
	if before == nil {
		return false
	}
	was, told := before.Get("active")
	is, shown := now.Get("active")
	return told && shown && was != is || before.Text("displayName") != now.Text("displayName")
}

// moved returns a user whom one of the operations has named, and who has joined or left
// the group by the change, nil if there is none, or that is not known.
func (d *provisioning) moved(change changes.Change, ops []atlassian.PatchOperation) query.Object {
	for _, op := range ops {
		if named, _ := op.Value.([]atlassian.Reference); op.Op == "add" {
			for _, id := range idsOf(named) {
				if slices.Contains(change.Joined, id) {
					return d.users.Known(id)
				}
			}
		}
		if left, ok := removedMember(op); ok && slices.Contains(change.Left, left) {
			return d.users.Known(left)
		}
	}
	return nil
}
