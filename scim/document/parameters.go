package document

import (
	"net/url"
	"strconv"
	"strings"

	"scim-atlassian/scim/resource"
)

// urnSearchRequest is the message of a search, RFC 7644 section 3.4.3.
const urnSearchRequest = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

// Parameters are the query parameters of RFC 7644 section 3.4.2 and RFC 9865,
// or the members of a SearchRequest (section 3.4.3). A nil pointer is absent.
type Parameters struct {
	Filter, SortBy, SortOrder     *string
	Cursor                        *string // empty: the first page
	StartIndex, Count             *int
	Attributes, ExcludeAttributes []string
	Explain                       bool // tell the plan in X-Query-Plan
}

// ParseParameters reads a query string. Parameters it does not know are
// ignored, since clients add some of their own to every request; a query string
// that cannot be decoded is refused, since a filter lost with it would turn a
// query into a listing of everything.
func ParseParameters(raw string) (Parameters, error) {
	var p Parameters
	if raw == "" {
		return p, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return p, resource.InvalidSyntax("The query string cannot be decoded; percent-encode its values.")
	}
	text := map[string]**string{"filter": &p.Filter, "sortBy": &p.SortBy, "sortOrder": &p.SortOrder, "cursor": &p.Cursor}
	for name, target := range text {
		switch given := values[name]; len(given) {
		case 0:
		case 1:
			*target = &given[0]
		default:
			return p, resource.InvalidValue("The parameter %s is there %d times; give it once.", name, len(given))
		}
	}
	for name, target := range map[string]**int{"startIndex": &p.StartIndex, "count": &p.Count} {
		if !values.Has(name) || values.Get(name) == "" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(values.Get(name)))
		if err != nil {
			return p, NotANumber(name, values.Get(name))
		}
		*target = &n
	}
	p.Explain = values.Get("explain") == "true"
	p.Attributes, p.ExcludeAttributes = nameList(values["attributes"]), nameList(values["excludedAttributes"])
	return p, nil
}

// nameList splits comma lists; a repeated parameter adds to the list.
func nameList(lists []string) []string {
	var names []string
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// ParseSearchRequest reads the body of POST /.search, RFC 7644 section 3.4.3.
func ParseSearchRequest(body any) (Parameters, error) {
	var p Parameters
	object, ok := body.(map[string]any)
	if !ok {
		return p, resource.InvalidSyntax("The body of a search is an object with schemas [%q].", urnSearchRequest)
	}
	for name, value := range object {
		var err error
		switch strings.ToLower(name) {
		case "filter":
			p.Filter, err = Optional[string](name, "string", value)
		case "sortby":
			p.SortBy, err = Optional[string](name, "string", value)
		case "sortorder":
			p.SortOrder, err = Optional[string](name, "string", value)
		case "cursor":
			p.Cursor, err = Optional[string](name, "string", value)
		case "startindex":
			p.StartIndex, err = OptionalNumber(name, value)
		case "count":
			p.Count, err = OptionalNumber(name, value)
		case "attributes":
			p.Attributes, err = names(name, value)
		case "excludedattributes":
			p.ExcludeAttributes, err = names(name, value)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func names(name string, value any) ([]string, error) {
	if text, ok := value.(string); ok {
		return nameList([]string{text}), nil
	}
	list, ok := value.([]any)
	if !ok && value != nil {
		return nil, resource.InvalidValue("%s must be an array of attribute names.", name)
	}
	var out []string
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, resource.InvalidValue("%s must be an array of attribute names.", name)
		}
		out = append(out, text)
	}
	return out, nil
}
