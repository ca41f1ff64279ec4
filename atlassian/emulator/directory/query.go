package directory

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// equality is the only filter that the directory knows: attribute eq "value".
type equality struct{ attribute, value string }

// parseFilter reads the filter of a list request. The attribute must be one of
// allowed, in any case; the result has the spelling there. Without a filter the
// result is the zero equality.
func parseFilter(query url.Values, allowed ...string) (equality, error) {
	if !query.Has("filter") {
		return equality{}, nil
	}
	text := query.Get("filter")
	name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	operator, literal, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	var value string
	literal = strings.TrimSpace(literal)
	if !strings.EqualFold(operator, "eq") || !strings.HasPrefix(literal, `"`) ||
		json.Unmarshal([]byte(literal), &value) != nil {
		return equality{}, refuse("invalidFilter", "Filter [%s] is not supported: only a single eq comparison with a string is.", text)
	}
	for _, attribute := range allowed {
		if strings.EqualFold(name, attribute) {
			return equality{attribute, value}, nil
		}
	}
	return equality{}, refuse("invalidFilter", "Filtering by attribute [%s] is not supported.", name)
}

// window is the part of a list that a request asks for.
type window struct{ start, count int } // start counts from 1

func (d *Directory) parseWindow(query url.Values) (window, error) {
	start, err := parseInt32(query, "startIndex", 1)
	if err != nil {
		return window{}, err
	}
	count, err := parseInt32(query, "count", d.options.PageCap)
	if err != nil {
		return window{}, err
	}
	return window{max(start, 1), min(max(count, 0), d.options.PageCap)}, nil
}

func parseInt32(query url.Values, name string, missing int) (int, error) {
	if !query.Has(name) {
		return missing, nil
	}
	n, err := strconv.ParseInt(query.Get(name), 10, 32)
	if err != nil {
		return 0, refuse("invalidValue", "Query parameter [%s] must be an integer.", name)
	}
	return int(n), nil
}

// cutWindow returns the elements of all in the window.
func cutWindow[T any](all []T, w window) []T {
	from := min(w.start-1, len(all))
	return all[from:min(from+w.count, len(all))]
}

// writeList answers with a ListResponse of resources that are JSON already.
func writeList(w http.ResponseWriter, r *http.Request, total int, start int, resources [][]byte) {
	size := 200
	for _, resource := range resources {
		size += len(resource) + 1
	}
	body := make([]byte, 0, size)
	body = append(body, `{"schemas":["`+urnList+`"],"totalResults":`...)
	body = strconv.AppendInt(body, int64(total), 10)
	body = append(body, `,"startIndex":`...)
	body = strconv.AppendInt(body, int64(start), 10)
	body = append(body, `,"itemsPerPage":`...)
	body = strconv.AppendInt(body, int64(len(resources)), 10)
	body = append(body, `,"Resources":[`...)
	for i, resource := range resources {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, resource...)
	}
	tenant.WriteBytes(w, http.StatusOK, answerType(r), append(body, "]}"...))
}

// projection selects attributes of a user. The zero projection selects all.
type projection struct {
	names   []string // lower case, without the core schema's URN
	exclude bool
}

// parseProjection reads attributes and excludedAttributes. A request may have
// only one of them.
func parseProjection(query url.Values) (projection, error) {
	wanted, unwanted := query.Get("attributes"), query.Get("excludedAttributes")
	if wanted != "" && unwanted != "" {
		return projection{}, refuse("invalidValue", "Query parameters [attributes] and [excludedAttributes] are mutually exclusive.")
	}
	p := projection{exclude: unwanted != ""}
	for name := range strings.SplitSeq(wanted+unwanted, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		name = strings.TrimPrefix(name, strings.ToLower(urnUser)+":")
		if name != "" {
			p.names = append(p.names, name)
		}
	}
	return p, nil
}

// apply returns a user's JSON with the selected attributes. The id and schemas
// always stay.
func (p projection) apply(text []byte) []byte {
	if len(p.names) == 0 {
		return text
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		panic(err) // the text is our own
	}
	for name, value := range document {
		if name == "id" || name == "schemas" {
			continue
		}
		separator := "."
		if strings.HasPrefix(name, "urn:") {
			separator = ":"
		}
		if kept, ok := p.keep(strings.ToLower(name), separator, value); ok {
			document[name] = kept
		} else {
			delete(document, name)
		}
	}
	return tenant.JSON(document)
}

// keep reduces the value of an attribute. It reports false if nothing is left.
func (p projection) keep(path, separator string, value any) (any, bool) {
	subs := map[string]bool{}
	for _, name := range p.names {
		if name == path {
			return value, !p.exclude
		}
		if sub, found := strings.CutPrefix(name, path+separator); found {
			subs[sub] = true
		}
	}
	if len(subs) == 0 {
		return value, p.exclude
	}
	return keepSubs(value, subs, p.exclude), true
}

func keepSubs(value any, subs map[string]bool, exclude bool) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = keepSubs(value[i], subs, exclude)
		}
	case map[string]any:
		for name := range value {
			if subs[strings.ToLower(name)] == exclude {
				delete(value, name)
			}
		}
	}
	return value
}
