package auth

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// Right is what a caller may do with the resources of one type.
type Right string

// The rights, each including the one before it.
const (
	Read  Right = "read"
	Write Right = "write"
)

// AnyType is the key in Caller.Rights that stands for every resource type without an entry of its own.
const AnyType = "*"

// Caller is a party that may use the server: how it proves who it is, and what it may do then.
// The server holds hashes only; it never knows a caller's secret.
type Caller struct {
	Name         string           `json:"name"`          // who the log says it was; unique
	BearerSHA256 string           `json:"bearer_sha256"` // SHA-256 of a bearer token, hexadecimal; empty: no token
	Username     string           `json:"username"`      // user name for Basic; unique, without a colon (RFC 7617 section 2)
	BasicBcrypt  string           `json:"basic_bcrypt"`  // bcrypt hash of the password of Username
	RealmRole    string           `json:"realm_role"`    // of an access token's holder; see Issuer
	ClientRole   string           `json:"client_role"`   // likewise, "client/role"
	Scope        string           `json:"scope"`         // of an access token
	Rights       map[string]Right `json:"rights"`        // by resource type ("User") or AnyType; absent: none
	Strict       bool             `json:"strict"`        // hold this caller to the letter of the RFCs
	ContentType  string           `json:"content_type"`  // of every answer to this caller; empty: negotiated

	PutWithoutMembers string `json:"put_without_members"` // of a group: Keep or Clear; empty: Keep, Clear if Strict
	UnknownMembers    string `json:"unknown_members"`     // of a group: Refuse or Ignore; empty: Refuse
	MemberRef         bool   `json:"member_ref"`          // show $ref in members and groups

	UntypedEmail string `json:"untyped_email"` // type that an e-mail address without one is shown with, such as "work"; empty: none

	Client string `json:"-"` // the OAuth client that an access token was made for
}

// What a caller's settings may say.
const (
	Keep   = "keep"
	Clear  = "clear"
	Refuse = "refuse"
	Ignore = "ignore"
)

// ParseCallers reads a JSON array of callers. Unknown and repeated members are refused, and every problem
// of every caller is reported at once, joined into one error with a line each. Rights may name a resource
// type or its endpoint ("User" or "Users"); they come back as types.
func ParseCallers(data []byte) ([]Caller, error) {
	var callers []Caller
	if err := json.Unmarshal(data, &callers, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("not a JSON array of callers: %w", err)
	}
	if len(callers) == 0 {
		return nil, errors.New("no callers: nobody could use the server")
	}
	if err := CheckCallers(callers); err != nil {
		return nil, err
	}
	return callers, nil
}

// CheckCallers reports every problem of every caller, joined into one error with a line each, and gives rights
// their canonical names.
func CheckCallers(callers []Caller) error {
	var problems []error
	seen := make(map[string]int)
	for i := range callers {
		for _, problem := range callers[i].problems() {
			problems = append(problems, fmt.Errorf("caller %d (%s): %w", i+1, callers[i].Name, problem))
		}
		for _, id := range callers[i].identities() {
			if first, ok := seen[id.what+id.value]; ok {
				problems = append(problems, fmt.Errorf("caller %d (%s): has the %s of caller %d", i+1, callers[i].Name, id.what, first))
				continue
			}
			seen[id.what+id.value] = i + 1
		}
	}
	return errors.Join(problems...)
}

// identity is a value that belongs to one caller only.
type identity struct{ what, value string }

// emailTypes are the types of e-mail addresses, RFC 7643 section 4.1.2.
var emailTypes = []string{"work", "home", "other"}
