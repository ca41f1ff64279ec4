package atlassian

import (
	"context"
	"time"
)

// APIToken is a token of an account. Atlassian does not say which of several is the one that a request carries.
type APIToken struct {
	Expiry time.Time `json:"expiry"` // zero: not told
}

// APITokens returns the API tokens of an account; one that the organization does not manage is Forbidden. It calls
// GET /users/{accountId}/manage/api-tokens, which wants a key without scopes.
func (o *Organization) APITokens(ctx context.Context, accountID string) (tokens list[APIToken], err error) {
	return tokens, o.call(ctx, request{op: "GET /users/{accountId}/manage/api-tokens", args: []string{accountID}, into: &tokens, reads: true})
}
