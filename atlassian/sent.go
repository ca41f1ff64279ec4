package atlassian

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"

	"scim-atlassian/atlassian/wire"
)

// UsersAsSent is Users in the bytes that upstream sent. The caller frees what it returns. It calls GET /Users.
func (d *Directory) UsersAsSent(ctx context.Context, list ListOptions) (*wire.Users, error) {
	page := wire.New()
	q := request{op: "GET /Users", query: list.query(), into: (*sentPage)(page), reads: true, whole: true, scans: list.Filter.Attribute == ""}
	for asked := 0; asked == 0 || page.Total == 0 && !page.Typed && asked <= confirmations; asked++ {
		if err := d.call(ctx, q); err != nil {
			page.Free()
			return nil, err
		}
	}
	return page, nil
}

// UserAsSent is User in the bytes that upstream sent, as the only one of what it returns, which the caller frees. It
// calls GET /Users/{id}.
func (d *Directory) UserAsSent(ctx context.Context, id string) (*wire.Users, error) {
	one := wire.New()
	if err := d.call(ctx, request{op: "GET /Users/{id}", args: []string{id}, named: id, into: (*sentUser)(one), reads: true}); err != nil {
		one.Free()
		return nil, err
	}
	return one, nil
}

// GroupAsSent is Group in the bytes that upstream sent. The caller frees what it returns. It calls GET /Groups/{id}.
func (d *Directory) GroupAsSent(ctx context.Context, id string) (*wire.Group, error) {
	return d.sentGroup(ctx, request{op: "GET /Groups/{id}", args: []string{id}, named: id, reads: true})
}

// PatchGroupAsSent is PatchGroup with the answer in the bytes that upstream sent. The caller frees what it returns. It
// calls PATCH /Groups/{id}.
func (d *Directory) PatchGroupAsSent(ctx context.Context, id string, ops []PatchOperation) (*wire.Group, error) {
	return d.sentGroup(ctx, patchOfGroup(id, ops))
}

func (d *Directory) sentGroup(ctx context.Context, q request) (*wire.Group, error) {
	g := wire.NewGroup()
	q.into = (*sentGroup)(g)
	if err := d.call(ctx, q); err != nil {
		g.Free()
		return nil, err
	}
	return g, nil
}

// sentPage reads a page of users.
type sentPage wire.Users

// errForeign says that an answer is another document than was asked for.
var errForeign = errors.New("the answer lacks what identifies it")

func (p *sentPage) spare() []byte { return (*wire.Users)(p).Spare() }

func (p *sentPage) read(body []byte) error {
	u := (*wire.Users)(p)
	if u.Read(body) {
		return nil
	}
	var page wirePage[*User]
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	if !page.accept() {
		return errForeign
	}
	page.StartIndex, page.ItemsPerPage = max(0, page.StartIndex), max(0, page.ItemsPerPage)
	for _, one := range page.Resources {
		one.straighten()
	}
	return reread(page, u.ReadCanonical)
}

// sentUser reads one user.
type sentUser wire.Users

func (s *sentUser) spare() []byte { return (*wire.Users)(s).Spare() }

func (s *sentUser) read(body []byte) error {
	u := (*wire.Users)(s)
	if u.ReadOne(body) {
		return nil
	}
	var one User
	if err := json.Unmarshal(body, &one); err != nil {
		return err
	}
	if !one.accept() {
		return errForeign
	}
	one.straighten()
	return reread(&one, u.ReadOneCanonical)
}

func (s *sentUser) identity() string { return string(wire.Text(s.All[0].ID)) }

// straighten gives the user the form that package wire reads.
func (u *User) straighten() { u.Meta.straighten("User") }

func (m *Meta) straighten(resourceType string) {
	if m != nil {
		m.ResourceType = resourceType
		m.Created, m.LastModified = m.Created.UTC(), m.LastModified.UTC()
	}
}

// sentGroup reads one group.
type sentGroup wire.Group

func (s *sentGroup) spare() []byte { return (*wire.Group)(s).Spare() }

func (s *sentGroup) read(body []byte) error {
	g := (*wire.Group)(s)
	if g.Read(body) {
		return nil
	}
	var one Group
	if err := json.Unmarshal(body, &one); err != nil {
		return err
	}
	if !one.accept() {
		return errForeign
	}
	one.Meta.straighten("Group")
	return reread(&one, g.ReadCanonical)
}

func (s *sentGroup) identity() string { return string(wire.Text(s.ID)) }

// reread has what the decoder understood read from the encoder's bytes. It fails only for what upstream's documents do
// not have: a time before the year 0, or after 9999.
func reread(answer any, read func([]byte) bool) error {
	body, err := json.Marshal(answer)
	if err == nil && !read(body) {
		err = errors.New("the answer is none that can be written anew")
	}
	return err
}
