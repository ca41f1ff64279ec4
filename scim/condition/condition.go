// Package condition has the preconditions of a request, by the versions of resources
// (RFC 9110 section 13.1, RFC 7644 section 3.14).
package condition

import (
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Conditions are the preconditions of a request. The zero value has none.
type Conditions struct {
	match, noneMatch *entityTags // nil: not given
	read             bool        // the request changes nothing
}

// entityTags is the value of If-Match or If-None-Match.
type entityTags struct {
	any  bool     // "*": whatever version there is
	tags []string // opaque tags without their quotes
}

// Of reads the conditions in the header of a request; read says that the request is to
// change nothing.
func Of(h http.Header, read bool) Conditions {
	return Conditions{parseTags(h.Values("If-Match")), parseTags(h.Values("If-None-Match")), read}
}

// parseTags reads lists of entity tags. All comparison is weak, since the tags
// of SCIM are. What has no quotes is taken as if it had: some clients drop them.
func parseTags(values []string) *entityTags {
	if len(values) == 0 {
		return nil
	}
	var t entityTags
	for rest := strings.Join(values, ","); rest != ""; {
		rest = strings.TrimPrefix(strings.TrimLeft(rest, ", \t"), "W/")
		tag := rest
		if end := strings.IndexByte(strings.TrimPrefix(rest, `"`), '"'); rest != "" && rest[0] == '"' && end >= 0 {
			tag = rest[:end+2]
		} else if end := strings.IndexByte(rest, ','); end >= 0 {
			tag = rest[:end]
		}
		rest = rest[len(tag):]
		tag = strings.Trim(tag, "\" \t")
		if tag == "*" {
			t.any = true
		} else {
			t.tags = append(t.tags, tag)
		}
	}
	return &t
}

func (t *entityTags) has(version string) bool {
	return t.any || slices.Contains(t.tags, strings.Trim(version, `W/"`))
}

// Given reports whether the outcome depends on the version there is. That
// something must be there is so without a condition.
func (c Conditions) Given() bool {
	return c.match != nil && !c.match.any || c.noneMatch != nil
}

// Check compares the conditions with the resource as it is, which must be whole:
// ErrNotModified for a read that brings nothing new, 412 where a condition
// fails.
func (c Conditions) Check(o query.Object) error {
	if !c.Given() {
		return nil
	}
	is := query.Version(o)
	if c.match != nil && !c.match.has(is) {
		return resource.Refuse(http.StatusPreconditionFailed, "", "The resource is not what If-Match expects: its version is %s. Read it again.", is)
	}
	if c.noneMatch == nil || !c.noneMatch.has(is) {
		return nil
	}
	if c.read {
		return ErrNotModified
	}
	return resource.Refuse(http.StatusPreconditionFailed, "", "The resource has a version that If-None-Match excludes: %s.", is)
}

// ErrNotModified says that the client has the resource as it is already. It is
// answered with 304 and no body.
var ErrNotModified = &resource.Error{Status: http.StatusNotModified}
