package directory

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// userAttributes are the attributes of a user that a client can write. The JSON
// has them in this order, and encoding/json takes names in any case.
type userAttributes struct {
	UserName          string      `json:"userName"`
	ExternalID        string      `json:"externalId,omitempty"`
	Name              *personName `json:"name,omitempty"`
	DisplayName       string      `json:"displayName,omitempty"`
	NickName          string      `json:"nickName,omitempty"`
	Title             string      `json:"title,omitempty"`
	PreferredLanguage string      `json:"preferredLanguage,omitempty"`
	Timezone          string      `json:"timezone,omitempty"`
	Department        string      `json:"department,omitempty"`
	Organization      string      `json:"organization,omitempty"`
	Emails            []contact   `json:"emails,omitempty"`
	PhoneNumbers      []contact   `json:"phoneNumbers,omitempty"`
	Enterprise        *enterprise `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,omitempty"`
	Active            *looseBool  `json:"active,omitempty"` // nil: not given, which means true
}

type personName struct {
	Formatted       string `json:"formatted,omitempty"`
	FamilyName      string `json:"familyName,omitempty"`
	GivenName       string `json:"givenName,omitempty"`
	MiddleName      string `json:"middleName,omitempty"`
	HonorificPrefix string `json:"honorificPrefix,omitempty"`
	HonorificSuffix string `json:"honorificSuffix,omitempty"`
}

type contact struct {
	Value   string    `json:"value,omitempty"`
	Type    string    `json:"type,omitempty"`
	Primary looseBool `json:"primary"`
}

type enterprise struct {
	Organization string `json:"organization,omitempty"`
	Department   string `json:"department,omitempty"`
}

// looseBool reads booleans as identity providers send them: Entra ID writes
// the string "False".
type looseBool bool

func (b *looseBool) UnmarshalJSON(data []byte) error {
	switch text := strings.ToLower(strings.Trim(string(data), `"`)); text {
	case "true", "false":
		*b = text == "true"
		return nil
	case "null":
		return nil
	}
	return refuse("invalidValue", "%s is not a boolean.", data)
}

// idhub.primaryEmail returns the first address marked as primary, or "".
func (a *userAttributes) primaryEmail() string {
	for _, email := range a.Emails {
		if email.Primary {
			return email.Value
		}
	}
	return ""
}

func (a *userAttributes) isActive() bool { return a.Active == nil || bool(*a.Active) }

// user is a provisioned user: a SCIM record. Its id is not its account's.
type user struct {
	seq      int // position in the order of creation
	id       string
	account  *tenant.Account
	linked   time.Time // when the account id begins to show
	created  time.Time
	modified time.Time
	attrs    userAttributes // replaced whole, never changed in place
	groups   []*group

	// rendered is the JSON of the user, or nil after a change. Readers store
	// it while they share the lock.
	rendered atomic.Pointer[[]byte]
}

// group is a provisioned group.
type group struct {
	id          string
	jiraID      string // groupId in Jira, which is not the SCIM id
	visibleFrom time.Time
	externalID  string
	displayName string
	created     time.Time
	modified    time.Time
	members     []*user // in order of joining

	// memberJSON is the members' JSON without brackets, or nil. Joining
	// members are appended, so that a large group is not rendered anew.
	memberJSON atomic.Pointer[[]byte]
}

// addUser stores a new record and indexes it.
func (d *Directory) addUser(u *user) {
	d.lastSeq++
	u.seq = d.lastSeq
	d.users = append(d.users, u)
	d.userByID[u.id] = u
	d.indexUser(u)
}

func (d *Directory) indexUser(u *user) {
	d.userByName[d.foldName(u.attrs.UserName)] = u
	d.userByEmail[strings.ToLower(u.attrs.primaryEmail())] = u
	if u.attrs.ExternalID != "" {
		d.userByExtID[u.attrs.ExternalID] = append(d.userByExtID[u.attrs.ExternalID], u)
	}
}

func (d *Directory) unindexUser(u *user) {
	delete(d.userByName, d.foldName(u.attrs.UserName))
	delete(d.userByEmail, strings.ToLower(u.attrs.primaryEmail()))
	if id := u.attrs.ExternalID; id != "" {
		rest := slices.DeleteFunc(slices.Clone(d.userByExtID[id]), func(other *user) bool { return other == u })
		if d.userByExtID[id] = rest; len(rest) == 0 {
			delete(d.userByExtID, id)
		}
	}
}

// setAttributes replaces the attributes of u that a client can write.
func (d *Directory) setAttributes(u *user, attrs userAttributes, now time.Time) {
	renamed := attrs.UserName != u.attrs.UserName
	d.unindexUser(u)
	u.attrs = attrs
	u.modified = now
	u.rendered.Store(nil)
	d.indexUser(u)
	if renamed {
		for _, g := range u.groups { // their members' JSON shows the name
			g.memberJSON.Store(nil)
		}
	}
}

// removeUser forgets u and its memberships.
func (d *Directory) removeUser(u *user, now time.Time) {
	for _, g := range slices.Clone(u.groups) {
		d.setMembers(g, map[*user]bool{u: true}, nil, now)
		d.tellMember(tenant.MemberRemoved, g, u)
	}
	d.unindexUser(u)
	delete(d.userByID, u.id)
	if i, found := slices.BinarySearchFunc(d.users, u.seq, func(u *user, seq int) int { return u.seq - seq }); found {
		d.users = slices.Delete(d.users, i, i+1)
	}
}

// addGroup stores a new group without members.
func (d *Directory) addGroup(g *group) {
	d.groups = append(d.groups, g)
	d.groupByID[g.id] = g
	d.groupByName[d.foldName(g.displayName)] = g
}

// provided lists the groups in the form in which the products see them, in order
// of creation.
func (d *Directory) provided() []tenant.Group {
	groups := make([]tenant.Group, len(d.groups))
	for i, g := range d.groups {
		groups[i] = d.asProvided(g)
	}
	return groups
}

func (d *Directory) asProvided(g *group) tenant.Group {
	return tenant.Group{
		ID: g.jiraID, Name: g.displayName, Synced: true, VisibleFrom: g.visibleFrom,
		Members: func() []*tenant.Account { return g.accountsAt(d.tenant.Now()) },
	}
}

// accountsAt lists the accounts of the members that have reached Jira by now.
func (g *group) accountsAt(now time.Time) []*tenant.Account {
	list := make([]*tenant.Account, 0, len(g.members))
	for _, u := range g.members {
		if u.account.Visible(now) {
			list = append(list, u.account)
		}
	}
	return list
}

// removeGroup forgets g and its memberships.
func (d *Directory) removeGroup(g *group) {
	for _, u := range g.members {
		u.leave(g)
	}
	delete(d.groupByID, g.id)
	delete(d.groupByName, d.foldName(g.displayName))
	d.groups = slices.DeleteFunc(d.groups, func(other *group) bool { return other == g })
}

// setMembers takes members out of g, then adds users at the end. All in leave
// must be members, and none in join.
func (d *Directory) setMembers(g *group, leave map[*user]bool, join []*user, now time.Time) {
	if len(leave) == 0 && len(join) == 0 {
		return
	}
	g.modified = now
	if len(leave) > 0 {
		for u := range leave {
			u.leave(g)
		}
		g.members = slices.DeleteFunc(g.members, func(u *user) bool { return leave[u] })
		g.memberJSON.Store(nil)
	}
	for _, u := range join {
		u.groups = append(u.groups, g)
		u.rendered.Store(nil)
	}
	g.members = append(g.members, join...)
	if text := g.memberJSON.Load(); text != nil {
		extended := appendMembers(*text, join)
		g.memberJSON.Store(&extended)
	}
}

func (u *user) leave(g *group) {
	u.groups = slices.DeleteFunc(u.groups, func(other *group) bool { return other == g })
	u.rendered.Store(nil)
}

func (u *user) isIn(g *group) bool { return slices.Contains(u.groups, g) }

// The JSON forms.

type groupReference struct {
	Type    string `json:"type"`
	Value   string `json:"value"`
	Display string `json:"display"`
	Ref     string `json:"$ref"`
}

type resourceMeta struct {
	ResourceType string    `json:"resourceType"`
	Location     string    `json:"location"`
	LastModified time.Time `json:"lastModified"`
	Created      time.Time `json:"created"`
}

type userDocument struct {
	Schemas []string `json:"schemas"`
	userAttributes
	Meta      resourceMeta     `json:"meta"`
	Groups    []groupReference `json:"groups"`
	Atlassian *accountLink     `json:"urn:scim:schemas:extension:atlassian-external:1.0,omitempty"`
	ID        string           `json:"id"`
	Active    bool             `json:"active"`
}

type accountLink struct {
	AccountID string `json:"atlassianAccountId"`
}

// json returns the user as the API shows it now. The caller holds the tenant's
// lock, for reading at least, and must not change the bytes.
func (u *user) json(now time.Time) []byte {
	if text := u.rendered.Load(); text != nil {
		return *text
	}
	document := userDocument{
		Schemas:        []string{urnAtlassian, urnUser, urnEnterprise},
		userAttributes: u.attrs,
		Meta:           resourceMeta{"User", baseURL + "/Users/" + u.id, u.modified, u.created},
		Groups:         make([]groupReference, 0, len(u.groups)),
		ID:             u.id,
		Active:         u.attrs.isActive(),
	}
	for _, g := range u.groups {
		document.Groups = append(document.Groups,
			groupReference{"Group", g.id, g.displayName, baseURL + "/Groups/" + g.id})
	}
	settled := !now.Before(u.linked)
	if settled {
		document.Atlassian = &accountLink{u.account.ID}
	}
	text := tenant.JSON(document)
	if settled {
		u.rendered.Store(&text)
	}
	return text
}

type groupDocument struct {
	Schemas     []string        `json:"schemas"`
	ID          string          `json:"id"`
	ExternalID  string          `json:"externalId,omitempty"`
	DisplayName string          `json:"displayName"`
	Members     json.RawMessage `json:"members,omitempty"`
	Meta        resourceMeta    `json:"meta"`
}

// appendGroup appends the JSON of g, with or without members. The caller holds
// the tenant's lock.
func appendGroup(b []byte, g *group, members bool) []byte {
	head := tenant.JSON(groupDocument{
		Schemas: []string{urnGroup}, ID: g.id, ExternalID: g.externalID, DisplayName: g.displayName,
		Meta: resourceMeta{"Group", baseURL + "/Groups/" + g.id, g.modified, g.created},
	})
	if !members {
		return append(b, head...)
	}
	b = append(b, bytes.TrimSuffix(head, []byte("}"))...)
	b = append(b, `,"members":[`...)
	b = append(b, g.membersJSON()...)
	return append(b, "]}"...)
}

func (g *group) membersJSON() []byte {
	if text := g.memberJSON.Load(); text != nil {
		return *text
	}
	text := appendMembers(make([]byte, 0, 256*len(g.members)), g.members)
	g.memberJSON.Store(&text)
	return text
}

// appendMembers appends references to users to the elements of a JSON list, with
// commas between them.
func appendMembers(b []byte, members []*user) []byte {
	for _, u := range members {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"type":"User","value":"`...)
		b = append(b, u.id...)
		b = append(b, `","display":`...)
		b = tenant.AppendQuoted(b, u.attrs.UserName)
		b = append(b, `,"$ref":"`+baseURL+`/Users/`...)
		b = append(b, u.id...)
		b = append(b, `"}`...)
	}
	return b
}
