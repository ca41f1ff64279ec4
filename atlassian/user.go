package atlassian

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Schemas of the directory API.
const (
	UserSchema       = "urn:ietf:params:scim:schemas:core:2.0:User"
	EnterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	ExternalSchema   = "urn:scim:schemas:extension:atlassian-external:1.0"
	GroupSchema      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	patchSchema      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// User is a user as the directory stores it. Absent attributes are zero values and are left out when written; Active
// is a pointer because absent means true on creation.
type User struct {
	Schemas           []string     `json:"schemas,omitzero"`
	ID                string       `json:"id,omitzero"`
	ExternalID        string       `json:"externalId,omitzero"`
	UserName          string       `json:"userName,omitzero"`
	Name              *Name        `json:"name,omitzero"`
	DisplayName       string       `json:"displayName,omitzero"`
	NickName          string       `json:"nickName,omitzero"`
	Title             string       `json:"title,omitzero"`
	PreferredLanguage string       `json:"preferredLanguage,omitzero"`
	Timezone          string       `json:"timezone,omitzero"`
	Department        string       `json:"department,omitzero"`   // at the top level, outside RFC 7643
	Organization      string       `json:"organization,omitzero"` // at the top level, outside RFC 7643
	Emails            []MultiValue `json:"emails,omitzero"`
	PhoneNumbers      []MultiValue `json:"phoneNumbers,omitzero"`
	Active            *bool        `json:"active,omitzero"`
	Groups            []Reference  `json:"groups,omitzero"` // set by upstream, like Meta and Atlassian
	Meta              *Meta        `json:"meta,omitzero"`
	Enterprise        *Enterprise  `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,omitzero"`
	Atlassian         *External    `json:"urn:scim:schemas:extension:atlassian-external:1.0,omitzero"`
}

// Name holds the parts of a person's name.
type Name struct {
	Formatted       string `json:"formatted,omitzero"`
	FamilyName      string `json:"familyName,omitzero"`
	GivenName       string `json:"givenName,omitzero"`
	MiddleName      string `json:"middleName,omitzero"`
	HonorificPrefix string `json:"honorificPrefix,omitzero"`
	HonorificSuffix string `json:"honorificSuffix,omitzero"`
}

// MultiValue is an e-mail address or a phone number.
type MultiValue struct {
	Value   string `json:"value,omitzero"`
	Type    string `json:"type,omitzero"`
	Display string `json:"display,omitzero"`
	Primary bool   `json:"primary,omitzero"`
}

// Reference points from a user to a group or from a group to a member.
type Reference struct {
	Value   string `json:"value,omitzero"`
	Display string `json:"display,omitzero"`
	Type    string `json:"type,omitzero"`
	Ref     string `json:"$ref,omitzero"`
}

// Meta has the directory's facts about a record. ResourceType is User or Group, in upper case in older answers.
type Meta struct {
	ResourceType string    `json:"resourceType,omitzero"`
	Location     string    `json:"location,omitzero"`
	Created      time.Time `json:"created,omitzero"`
	LastModified time.Time `json:"lastModified,omitzero"`
}

// Enterprise is the part of the enterprise extension (RFC 7643 section 4.3) that the directory stores.
type Enterprise struct {
	Organization string `json:"organization,omitzero"`
	Department   string `json:"department,omitzero"`
}

// External links a record to an Atlassian account; the id may be missing for a while after creation.
type External struct {
	AtlassianAccountID string `json:"atlassianAccountId,omitzero"`
}

func (u *User) accept() bool { return u != nil && u.ID != "" && u.Meta.isOf("User") }

func (u *User) identity() string { return u.ID }

// isOf reports whether the facts may be those of a resource of the type.
func (m *Meta) isOf(resourceType string) bool {
	return m == nil || m.ResourceType == "" || strings.EqualFold(m.ResourceType, resourceType)
}

// outgoing returns u as it is sent: with its schemas, without the attributes that only upstream sets.
func (u *User) outgoing() *User {
	out := *u
	out.ID, out.Groups, out.Meta, out.Atlassian = "", nil, nil, nil
	out.Schemas = []string{UserSchema}
	if u.Enterprise != nil {
		out.Schemas = append(out.Schemas, EnterpriseSchema)
	}
	return &out
}

// Users returns one page of users. It calls GET /Users.
func (d *Directory) Users(ctx context.Context, list ListOptions) (*Page[*User], error) {
	return listOf[*User](ctx, d, "GET /Users", list)
}

// User returns one user. It calls GET /Users/{id}.
func (d *Directory) User(ctx context.Context, id string) (*User, error) {
	return fetch[User](ctx, d.caller, request{op: "GET /Users/{id}", args: []string{id}, named: id, reads: true})
}

// CreateUser creates u and returns it as stored. It calls POST /Users. A taken name or address is a Conflict with
// ScimType uniqueness; an existing managed account with the address is linked instead.
func (d *Directory) CreateUser(ctx context.Context, u *User) (*User, error) {
	return fetch[User](ctx, d.caller, request{op: "POST /Users", body: u.outgoing(), unique: true, whole: true})
}

// ReplaceUser makes the user equal to u: attributes that u lacks are erased. It calls PUT /Users/{id}.
func (d *Directory) ReplaceUser(ctx context.Context, id string, u *User) (*User, error) {
	return fetch[User](ctx, d.caller, request{
		op: "PUT /Users/{id}", args: []string{id}, named: id, body: u.outgoing(), repeatable: true,
	})
}

// PatchUser changes parts of a user and returns it as stored. It calls PATCH /Users/{id}.
func (d *Directory) PatchUser(ctx context.Context, id string, ops []PatchOperation) (*User, error) {
	return fetch[User](ctx, d.caller, request{
		op: "PATCH /Users/{id}", args: []string{id}, named: id, body: newPatch(ops), repeatable: idempotent(ops), revokes: deactivates(ops),
	})
}

// DeleteUser removes a user from the directory for good: creating it again gives it another id and no groups. It
// calls DELETE /Users/{id}.
func (d *Directory) DeleteUser(ctx context.Context, id string) error {
	return d.call(ctx, request{op: "DELETE /Users/{id}", args: []string{id}, repeatable: true, revokes: true})
}

// PatchOperation is one operation of a PATCH (RFC 7644 section 3.5.2).
type PatchOperation struct {
	Op    string `json:"op"` // add, replace or remove
	Path  string `json:"path,omitzero"`
	Value any    `json:"value,omitzero"`
}

// deactivates reports whether ops disable a user.
func deactivates(ops []PatchOperation) bool {
	return slices.ContainsFunc(ops, func(op PatchOperation) bool { return op.Path == "active" && op.Value == false })
}

type patch struct {
	Schemas    []string         `json:"schemas"`
	Operations []PatchOperation `json:"Operations"`
}

func newPatch(ops []PatchOperation) *patch { return &patch{[]string{patchSchema}, ops} }

// idempotent reports whether ops may be applied twice. Adding is the exception, since nothing says that the directory
// keeps a list of addresses free of duplicates; members are a set.
func idempotent(ops []PatchOperation) bool {
	return !slices.ContainsFunc(ops, func(op PatchOperation) bool {
		return op.Op != "replace" && op.Op != "remove" && op.Path != "members"
	})
}
