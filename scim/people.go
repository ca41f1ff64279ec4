package scim

import (
	"context"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/person"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// peopleOf knows the people of issues as users of the directory.
func peopleOf(users *directory.Users, schema *query.Schema, now func() time.Time) (person.Directory, error) {
	account, err := schema.Resolve(atlassian.ExternalSchema + ":atlassianAccountId")
	names := &userNames{users: users, account: account, now: now, ids: map[string]userID{}}
	return person.Directory{AccountOf: accountOf(users, schema), UserName: names.of}, err
}

// userNames finds the userNames of accounts in the copy of the users, if there is one,
// however old it is. It makes no call. It is safe for concurrent use.
type userNames struct {
	users   *directory.Users
	account query.Path
	now     func() time.Time

	mu  sync.Mutex
	ids map[string]userID // by account
}

// userID is the id of the user with an account.
type userID struct {
	id string // empty: there was none
	at time.Time
}

const (
	// maxUserNames bounds the accounts that are remembered.
	maxUserNames = 10_000

	// strangerFor is how long an account is not looked for again that no user had.
	strangerFor = 5 * time.Second
)

// of returns the userName of the user with an account, "" if there is none.
func (n *userNames) of(account string) string {
	if account == "" {
		return ""
	}
	n.mu.Lock()
	known, found := n.ids[account]
	n.mu.Unlock()
	if found && known.id == "" && n.now().Sub(known.at) < strangerFor {
		return ""
	}
	if found && known.id != "" {
		if user := n.users.KnownPart(known.id, "userName", atlassian.ExternalSchema); directory.AccountIDOf(user) == account {
			return user.Text("userName")
		}
	}
	name := ""
	known = userID{at: n.now()}
	for _, user := range n.users.Copied(query.Compare{Path: n.account, Op: query.Eq, Value: account}) {
		known.id, name = user.Text("id"), user.Text("userName")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.ids) >= maxUserNames {
		n.ids = map[string]userID{}
	}
	n.ids[account] = known
	return name
}

// accountOf finds the Atlassian account of a user of the directory, for issues that
// name people as the directory does.
func accountOf(users *directory.Users, schema *query.Schema) func(ctx context.Context, attribute, value string) (string, int, error) {
	return func(ctx context.Context, attribute, value string) (string, int, error) {
		if attribute == "id" {
			user, err := users.Read(ctx, value)
			if resource.IsMissing(err) {
				return "", 0, nil
			}
			return directory.AccountIDOf(user), 1, err
		}
		if attribute == "email" {
			attribute = "emails.value"
		}
		path, err := schema.Resolve(attribute)
		if err != nil {
			return "", 0, err
		}
		found, err := users.List(ctx, resource.ListQuery{Filter: query.Compare{Path: path, Op: query.Eq, Value: value}, Start: 1, Count: 2})
		if err != nil || found.Total != 1 {
			return "", total(found), err
		}
		return directory.AccountIDOf(found.Object(0)), 1, nil
	}
}

func total(r *resource.ListResult) int {
	if r == nil {
		return 0
	}
	return r.Total
}
