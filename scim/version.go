package scim

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"scim-atlassian/scim/query"
)

// version is the weak entity tag of a resource, RFC 7644 section 3.14: a hash of
// all it holds, the same in every process and for every client, since it leaves
// out what the server adds for one (schemas, meta.location). Neither the order
// of members nor that of list elements counts: SCIM gives them none (RFC 7643
// section 2.4), and upstream keeps none. o must be whole.
func version(o query.Object) string {
	var sum uint64
	for _, m := range o {
		switch m.Name {
		case "schemas":
		case "meta":
			meta, _ := m.Value.(query.Object)
			sum += hashObject(without(meta, "location", "version"))
		default:
			sum += hashMember(m)
		}
	}
	return `W/"` + strconv.FormatUint(sum, 36) + `"`
}

// asksVersion reports whether a query can only be answered of whole resources.
func (q *listQuery) asksVersion() bool {
	return slices.ContainsFunc(q.attributes(), func(name string) bool { return name == "meta" || name == "meta.version" })
}

func hashObject(o query.Object) uint64 {
	var sum uint64
	for _, m := range o {
		sum += hashMember(m)
	}
	return sum
}

func hashMember(m query.Member) uint64 {
	return mix(hashValue(m.Value) ^ mix(xxhash.Sum64String(m.Name)))
}

func hashValue(v any) uint64 {
	switch v := v.(type) {
	case string:
		return xxhash.Sum64String(v)
	case bool:
		if v {
			return 1
		}
		return 2
	case int64:
		return mix(uint64(v))
	case float64:
		return mix(math.Float64bits(v))
	case time.Time:
		return mix(uint64(v.UnixNano()))
	case query.Object:
		return hashObject(v)
	case []any:
		var sum uint64
		for _, e := range v {
			sum += mix(hashValue(e))
		}
		return sum
	}
	return 0
}

// mix spreads every bit over the whole word, so that sums of hashes do not cancel
// out: the finalizer of SplitMix64.
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// conditions are the preconditions of a request, RFC 9110 section 13.1, by the
// versions of resources. The zero value has none.
type conditions struct {
	match, noneMatch *entityTags // nil: not given
	read             bool        // the request changes nothing
}

// entityTags is the value of If-Match or If-None-Match.
type entityTags struct {
	any  bool     // "*": whatever version there is
	tags []string // opaque tags without their quotes
}

func conditionsOf(h http.Header, read bool) conditions {
	return conditions{parseTags(h.Values("If-Match")), parseTags(h.Values("If-None-Match")), read}
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

// given reports whether the outcome depends on the version there is. That
// something must be there is so without a condition.
func (c conditions) given() bool {
	return c.match != nil && !c.match.any || c.noneMatch != nil
}

// check compares the conditions with the resource as it is, which must be whole:
// errNotModified for a read that brings nothing new, 412 where a condition
// fails.
func (c conditions) check(o query.Object) error {
	if !c.given() {
		return nil
	}
	is := version(o)
	if c.match != nil && !c.match.has(is) {
		return refuse(http.StatusPreconditionFailed, "", "The resource is not what If-Match expects: its version is %s. Read it again.", is)
	}
	if c.noneMatch == nil || !c.noneMatch.has(is) {
		return nil
	}
	if c.read {
		return errNotModified
	}
	return refuse(http.StatusPreconditionFailed, "", "The resource has a version that If-None-Match excludes: %s.", is)
}

// errNotModified says that the client has the resource as it is already. It is
// answered with 304 and no body.
var errNotModified = &Error{Status: http.StatusNotModified}
