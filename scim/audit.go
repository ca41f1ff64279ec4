package scim

import (
	"errors"
	"maps"
	"slices"

	"go.uber.org/zap"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
)

// audit writes the line of a request that was to change something, whatever
// came of it: who wanted what of which resource, its keys before and after as far
// as they are known without asking upstream for it, and the outcome.
// docs/audit.md describes it to those who read it.
func (s *Server) audit(c *call, status int) {
	fields := append(s.identity(c), zap.String("outcome", c.outcome(status)), zap.Int("status", status), zap.Strings("attributes", c.attributes()))
	keys := []struct{ name, key string }{{"keyBefore", keyOf(c.before)}, {"keyAfter", keyOf(c.found)}}
	if c.err != nil {
		keys[1].name, keys[1].key = "keyWanted", c.wantedKey()
	}
	for _, k := range keys {
		if k.key != "" {
			fields = append(fields, zap.String(k.name, k.key))
		}
	}
	if c.before != nil && c.found != nil {
		fields = append(fields, zap.Strings("changed", differing(c.before, c.found)))
	}
	s.log.Info("audit", append(fields, c.remarks...)...)
}

// outcome is done, refused (nothing was changed), failed, partial (some of what
// was asked for is done), or unknown: a write was sent, and whether it took
// effect cannot be told.
func (c *call) outcome(status int) string {
	var ue *atlassian.Error
	switch {
	case errors.As(c.err, &ue) && ue.Ambiguous:
		return "unknown"
	case c.err != nil && asError(c.err).Partial:
		return "partial"
	case status >= 500:
		return "failed"
	case status >= 400:
		return "refused"
	}
	return "done"
}

// keyAttributes name what people call a resource by.
var keyAttributes = []string{"userName", "displayName", "key"}

func keyOf(o query.Object) string {
	for _, name := range keyAttributes {
		if key := text(o, name); key != "" {
			return key
		}
	}
	return ""
}

// wantedKey is that of the resource in the body.
func (c *call) wantedKey() string {
	for _, name := range keyAttributes {
		if key, _ := c.body[name].(string); key != "" {
			return clip(key)
		}
	}
	return ""
}

// differing names the attributes in which two states of a resource differ.
func differing(before, after query.Object) []string {
	hashes := map[string]uint64{}
	for _, m := range before {
		hashes[m.Name] += hashMember(m)
	}
	for _, m := range after {
		hashes[m.Name] -= hashMember(m)
	}
	maps.DeleteFunc(hashes, func(name string, difference uint64) bool {
		return difference == 0 || name == "meta" || name == "schemas"
	})
	return slices.Sorted(maps.Keys(hashes))
}

// attributes names what a write was about, never the values.
func (c *call) attributes() []string {
	names := []string{}
	for name := range c.body {
		if name != "schemas" {
			names = append(names, name)
		}
	}
	for _, op := range c.patch {
		names = append(names, op.op+" "+op.path.String())
	}
	slices.Sort(names)
	return names
}
