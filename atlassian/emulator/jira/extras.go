package jira

import (
	"encoding/json"
	"maps"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// extras is what few issues have. It is not changed once an issue holds it:
// [issue.own] makes a copy to write to.
type extras struct {
	custom     map[int][]any // values of custom fields, by number
	comments   []*comment    // oldest first
	history    []*entry      // oldest first
	watchers   []*tenant.Account
	remote     []*remoteLink
	properties map[string]json.RawMessage
	security   *securityLevel
	affects    []string // ids of versions
	estimate   estimate
	request    *customerRequest // of the service desk
}

// estimate is the time tracking of an issue, in seconds; nil: not set.
type estimate struct{ original, remaining *int }

// securityLevel restricts who sees an issue. Nobody is in a sealed one, not
// even the administrator.
type securityLevel struct {
	id, name, description string
	sealed                bool
}

// comment is a comment of an issue.
type comment struct {
	id              string
	author, updater *tenant.Account
	body            json.RawMessage
	created         time.Time
	updated         time.Time
	visibility      json.RawMessage // nil: everybody who sees the issue
	properties      map[string]json.RawMessage
}

// internal reports whether customers of the service desk do not see it.
func (c *comment) internal() bool {
	var public struct {
		Internal bool `json:"internal"`
	}
	return json.Unmarshal(c.properties["sd.public.comment"], &public) == nil && public.Internal
}

// remoteLink leads from an issue to a page elsewhere.
type remoteLink struct {
	id                     int
	globalID, relationship string
	application, object    json.RawMessage
}

var noExtras extras

// x returns the extras of an issue for reading.
func (i *issue) x() *extras {
	if i.more == nil {
		return &noExtras
	}
	return i.more
}

// own gives a draft extras of its own, for writing.
func (i *issue) own() *extras {
	own := *i.x()
	own.custom = maps.Clone(own.custom)
	if own.custom == nil {
		own.custom = map[int][]any{}
	}
	own.properties = maps.Clone(own.properties)
	if own.properties == nil {
		own.properties = map[string]json.RawMessage{}
	}
	own.comments = own.comments[:len(own.comments):len(own.comments)]
	own.history = own.history[:len(own.history):len(own.history)]
	i.more = &own
	return &own
}

// amend changes the extras of an issue without a mark in its changelog.
func (j *Jira) amend(i *issue, with func(*extras)) {
	changed := *i
	with(changed.own())
	i.more = changed.more
}
