package scim

import "scim-atlassian/scim/resource"

// ResourceTypes returns the resource types of a server with that configuration, each
// with its backend.
func ResourceTypes(cfg Config) ([]*resource.Type, error) {
	backed, err := newResourceTypes(cfg.withDefaults())
	if err != nil {
		return nil, err
	}
	return backed.types, nil
}
