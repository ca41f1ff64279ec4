package scim

import (
	"scim-atlassian/schemas"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

func newRoot(types []*resource.Type) (*list.Root, error) {
	r := &list.Root{Type: &resource.Type{ResourceType: schemas.ResourceType{Name: auth.AnyType, Endpoint: "/"}}}
	var joined []*query.Schema
	for _, rt := range types {
		if rt.Root {
			r.Types = append(r.Types, rt)
			joined = append(joined, rt.Schema)
		}
	}
	r.Type.Schema = query.Join("the server root", joined...)
	var err error
	r.Type.Shown, err = r.Type.Schema.Project(nil, nil)
	return r, err
}
