package directory

import (
	"scim-atlassian/atlassian"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// New makes the backends of users and groups; a lookup of one
// by the other reads both.
func New(upstream *atlassian.Directory, kept mirror.Config, deriveDomain string, userSchema, groupSchema *query.Schema) (*Users, *Groups) {
	u := &Users{schema: userSchema, deriveDomain: deriveDomain}
	g := &Groups{schema: groupSchema, users: u}
	u.Reader = mirror.NewReader(mirror.Source{Name: "User", Links: resource.Links{Name: "groups"}, Page: u.page, Read: u.Read}, kept)
	g.Reader = mirror.NewReader(mirror.Source{Name: "Group", Links: resource.Links{Name: "members", Optional: true}, Page: g.page, Read: g.Read}, kept)
	d := &provisioning{upstream: upstream, users: &u.Reader.Store, groups: &g.Reader.Store, Sizes: newSizes()}
	u.Directory, g.directory = d, d
	u.Collection = u.Reader.Collection(u.table(), u.Probe)
	g.Collection = g.Reader.Collection(g.table(), g.Probe)
	return u, g
}
