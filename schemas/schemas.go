// Package schemas has the SCIM schema documents that the server publishes and
// validates by, and the mappings from which those of Account and Entitlement are
// made.
//
// The documents describe what Atlassian stores and nothing else: an attribute that
// does not survive a round trip is not in them.
package schemas

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed *.json
var documents embed.FS

// Schema is a schema document, RFC 7643 section 7.
type Schema struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Attributes  []Attribute `json:"attributes"`
}

// Attribute is an attribute definition with all its characteristics, RFC 7643
// section 7.
type Attribute struct {
	Name            string      `json:"name"`
	Type            string      `json:"type"`
	MultiValued     bool        `json:"multiValued"`
	Description     string      `json:"description"`
	Required        bool        `json:"required"`
	CanonicalValues []string    `json:"canonicalValues,omitempty"`
	CaseExact       bool        `json:"caseExact"`
	Mutability      string      `json:"mutability"`
	Returned        string      `json:"returned"`
	Uniqueness      string      `json:"uniqueness"`
	ReferenceTypes  []string    `json:"referenceTypes,omitempty"`
	SubAttributes   []Attribute `json:"subAttributes,omitempty"`
}

// ResourceType is a resource type, RFC 7643 section 6.
type ResourceType struct {
	Name        string // also its id
	Endpoint    string // "/Users"
	Description string
	Core        *Schema
	Extensions  []*Schema

	// Root says that queries on the server root find the resources (RFC 7644
	// section 3.4.2.1). They do not find the resources of a type that shows those of
	// another type, since each would be found twice.
	Root bool
}

// ResourceTypes returns the resource types in the order they are published.
// Every call returns values of its own.
func ResourceTypes() ([]ResourceType, error) {
	types := []struct {
		rt         ResourceType
		core       string
		extensions []string
	}{
		{ResourceType{Name: "User", Endpoint: "/Users", Description: "User of the Atlassian directory", Root: true}, "user", []string{"enterprise_user", "atlassian_user"}},
		{ResourceType{Name: "Group", Endpoint: "/Groups", Description: "Group of the Atlassian directory", Root: true}, "group", nil},
		{ResourceType{Name: "Issue", Endpoint: "/Issues", Description: "Jira issue", Root: true}, "issue", nil},
	}
	out := make([]ResourceType, 0, len(types))
	for _, t := range types {
		rt := t.rt
		var err error
		if rt.Core, err = load(t.core); err != nil {
			return nil, err
		}
		for _, name := range t.extensions {
			s, err := load(name)
			if err != nil {
				return nil, err
			}
			rt.Extensions = append(rt.Extensions, s)
		}
		out = append(out, rt)
	}
	return out, nil
}

// Published returns every schema document as published at /Schemas, the three
// of the protocol itself (RFC 7643 section 8.7) included.
func Published() ([]json.RawMessage, error) {
	entries, err := documents.ReadDir(".")
	if err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, 0, len(entries))
	for _, e := range entries {
		b, err := documents.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func load(name string) (*Schema, error) {
	b, err := documents.ReadFile(name + ".json")
	if err != nil {
		return nil, fmt.Errorf("schemas: %w", err)
	}
	s := &Schema{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("schemas: %s: %w", name, err)
	}
	return s, nil
}
