package atlassian

import "context"

// Group is a group as the directory stores it. Members is nil when absent, which differs from an empty group, and in
// lists upstream may leave it out.
type Group struct {
	Schemas     []string    `json:"schemas,omitzero"`
	ID          string      `json:"id,omitzero"`
	ExternalID  string      `json:"externalId,omitzero"`
	DisplayName string      `json:"displayName,omitzero"` // cannot be changed once set
	Members     []Reference `json:"members,omitzero"`
	Meta        *Meta       `json:"meta,omitzero"`
}

func (g *Group) accept() bool { return g != nil && g.ID != "" && g.Meta.isOf("Group") }

func (g *Group) identity() string { return g.ID }

// outgoing returns g as it is sent: with its schema, without the attributes that only upstream sets.
func (g *Group) outgoing() *Group {
	out := *g
	out.ID, out.Meta = "", nil
	out.Schemas = []string{GroupSchema}
	return &out
}

// Groups returns one page of groups. It calls GET /Groups, which knows no attribute selection: Attributes and
// ExcludedAttributes are not sent.
func (d *Directory) Groups(ctx context.Context, list ListOptions) (*Page[*Group], error) {
	list.Attributes, list.ExcludedAttributes = nil, nil
	return listOf[*Group](ctx, d, "GET /Groups", list)
}

// Group returns one group with its members. It calls GET /Groups/{id}.
func (d *Directory) Group(ctx context.Context, id string) (*Group, error) {
	return fetch[Group](ctx, d.caller, request{op: "GET /Groups/{id}", args: []string{id}, named: id, reads: true})
}

// CreateGroup creates g and returns it as stored. It calls POST /Groups. A taken name is a Conflict.
func (d *Directory) CreateGroup(ctx context.Context, g *Group) (*Group, error) {
	return fetch[Group](ctx, d.caller, request{op: "POST /Groups", body: g.outgoing(), unique: true})
}

// ReplaceGroup makes the group equal to g. It calls PUT /Groups/{id}. Another DisplayName may be ignored silently:
// compare the answer.
func (d *Directory) ReplaceGroup(ctx context.Context, id string, g *Group) (*Group, error) {
	return fetch[Group](ctx, d.caller, request{
		op: "PUT /Groups/{id}", args: []string{id}, named: id, body: g.outgoing(), repeatable: true,
	})
}

// PatchGroup changes a group and returns it as stored. It calls PATCH /Groups/{id}.
func (d *Directory) PatchGroup(ctx context.Context, id string, ops []PatchOperation) (*Group, error) {
	return fetch[Group](ctx, d.caller, patchOfGroup(id, ops))
}

func patchOfGroup(id string, ops []PatchOperation) request {
	return request{op: "PATCH /Groups/{id}", args: []string{id}, named: id, body: newPatch(ops), repeatable: idempotent(ops)}
}

// DeleteGroup deletes a group from the directory and from every site that uses it. It calls DELETE /Groups/{id}.
func (d *Directory) DeleteGroup(ctx context.Context, id string) error {
	return d.call(ctx, request{op: "DELETE /Groups/{id}", args: []string{id}, repeatable: true})
}
