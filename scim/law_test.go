package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// TestFilterLaw holds the server to its first promise: any filter is answered
// exactly, whatever upstream can find by itself. Random filters over every
// attribute, with values of the data, are asked of the server, and the answers
// compared with what an evaluator of the test's own, which shares no code with
// package query, finds in the documents that upstream holds. Of every request,
// X-Upstream-Calls must tell the requests that upstream got.
func TestFilterLaw(t *testing.T) {
	for _, c := range lawCollections {
		t.Run(c.endpoint, func(t *testing.T) {
			t.Parallel()
			newLaw(t, c, lawSite).holdAll(t, 1, 300, 100)
		})
	}
}

// TestFilterCost holds the price of what upstream finds by itself.
func TestFilterCost(t *testing.T) {
	for _, c := range lawCollections {
		t.Run(c.endpoint, func(t *testing.T) {
			t.Parallel()
			l := newLaw(t, c, lawSite)
			g := newLawGenerator(l, 2)
			for _, p := range lawPaths(lawText, c.lookups...) {
				known := p.String() + " eq " + lawLiteral(g.known(p, g.documents))
				a, b := p.String()+` eq "a"`, p.String()+` eq "b"`
				l.list(t, url.Values{"filter": {known}}) // a 404 is believed at once only where something was answered of late
				for filter, want := range map[string]int{
					known: 1,
					strings.ToUpper(p.String()) + ` EQ "nobody has this"`: 1,
					known + " and meta.created pr":                        1,
					a + " and " + b:                                       0,
					"not (not (" + a + ")) and " + b:                      0,
					a + " and meta.created pr and " + b:                   0,
				} {
					if _, calls := l.list(t, url.Values{"filter": {filter}}); calls != want {
						t.Errorf("%s: %d upstream calls, want %d", filter, calls, want)
					}
				}
			}
		})
	}
}

// lawCollection says what the law is about: the attributes that the published
// schema of a resource type has, spelled out once more.
type lawCollection struct {
	endpoint    string
	attributes  []lawPath
	complex     []string // single-valued complex attributes
	multiValued []string
	lookups     []string // what upstream finds with one call
	extra       []string // documents beside the seeded ones
}

const (
	lawEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	lawAtlassian  = "urn:scim:schemas:extension:atlassian-external:1.0"
)

var lawCollections = []lawCollection{
	{
		endpoint: "/Users",
		attributes: slices.Concat(
			lawPaths(lawExact, "id", "externalId", "schemas", "meta.resourceType", "meta.location", "groups.value", lawAtlassian+":atlassianAccountId"),
			lawPaths(lawText, "userName", "displayName", "nickName", "title", "preferredLanguage", "timezone",
				"name.formatted", "name.familyName", "name.givenName", "name.middleName", "name.honorificPrefix", "name.honorificSuffix",
				"emails.value", "emails.type", "phoneNumbers.value", "phoneNumbers.type", "groups.display", "groups.type",
				lawEnterprise+":organization", lawEnterprise+":department"),
			lawPaths(lawBoolean, "active", "emails.primary", "phoneNumbers.primary"),
			lawPaths(lawInstant, "meta.created", "meta.lastModified"),
		),
		complex:     []string{"name", "meta"},
		multiValued: []string{"emails", "phoneNumbers", "groups"},
		lookups:     []string{"id", "userName", "externalId"},
		extra: []string{
			`{"userName":"Ångström@demo.example","name":{"formatted":"Dr. Åse \"Ås\" Ångström III","familyName":"Ångström","givenName":"Åse","middleName":"Ås","honorificPrefix":"Dr.","honorificSuffix":"III"},"displayName":"ÅSE","nickName":"Åsi","active":false,
			  "emails":[{"value":"ase@demo.example","type":"work","primary":true},{"value":"ase@home.example","type":"home"}],"phoneNumbers":[{"value":"+47 1","type":"work"},{"value":"+47 2","type":"mobile"}]}`,
			`{"userName":"back\\slash@demo.example","name":{"familyName":"Οδυσσεύς","middleName":"ΟΔΥΣΣΕΥΣ"},"nickName":"åsi","title":"O'Neil & \"Co\" (x) and [y]",
			  "emails":[{"value":"ODY@demo.example","type":"WORK","primary":false},{"value":"other@demo.example","type":"other","primary":true}]}`,
		},
	},
	{
		endpoint: "/Groups",
		attributes: slices.Concat(
			lawPaths(lawExact, "id", "externalId", "schemas", "meta.resourceType", "meta.location", "members.value"),
			lawPaths(lawText, "displayName", "members.display", "members.type"),
			lawPaths(lawInstant, "meta.created", "meta.lastModified"),
		),
		complex:     []string{"meta"},
		multiValued: []string{"members"},
		lookups:     []string{"id", "displayName"},
		extra:       []string{`{"displayName":"Nobody \"yet\""}`, `{"displayName":"ÆØÅ","externalId":"Mixed-Case"}`},
	},
}

// law is a server over an emulator, and the documents that the emulator holds.
type law struct {
	lawCollection
	emulator         *emulator.Emulator
	upstream, server string
	truth            map[string]map[string]any // by id
}

var lawSite = emulator.Options{Users: 400, Groups: 15, Projects: 3, Issues: 200, Seed: 7}

func newLaw(t *testing.T, c lawCollection, site emulator.Options) *law {
	return newLawServer(t, site, scim.Config{Now: site.Now}).law(t, c)
}

// lawServer is a server over an emulator.
type lawServer struct {
	emulator         *emulator.Emulator
	upstream, server string
}

func newLawServer(t *testing.T, site emulator.Options, config scim.Config) lawServer {
	e := emulator.New(site)
	upstream := serve(t, e)
	config.Callers = []auth.Caller{bearer("law", auth.Write)}
	return lawServer{e, upstream, serve(t, serverOver(t, upstream, atlassian.Config{}, config)) + server.BasePath}
}

// law is the server seen as one collection, with the extra documents in it.
func (s lawServer) law(t *testing.T, c lawCollection) *law {
	l := &law{lawCollection: c, emulator: s.emulator, server: s.server + c.endpoint, truth: map[string]map[string]any{}}
	if c.endpoint == "/Issues" {
		l.upstream = s.upstream + "/rest/api/3/issue"
		l.readIssues(t)
		return l
	}
	l.upstream = s.upstream + "/scim/directory/" + emulator.DirectoryID + c.endpoint
	for _, document := range c.extra {
		bearerRequest(t, http.MethodPost, l.upstream, emulator.DirectoryKey, document)
	}
	l.readTruth(t)
	return l
}

// readTruth reads all that upstream holds, page by page.
func (l *law) readTruth(t *testing.T) {
	l.truth = map[string]map[string]any{}
	for start, total := 1, 1; start <= total; {
		var page struct {
			TotalResults int
			Resources    []map[string]any
		}
		body, _ := bearerRequest(t, http.MethodGet, l.upstream+"?count=100&startIndex="+strconv.Itoa(start), emulator.DirectoryKey, "")
		if err := json.Unmarshal(body, &page); err != nil || len(page.Resources) == 0 {
			t.Fatalf("page from %d: %v, %d resources", start, err, len(page.Resources))
		}
		for _, document := range page.Resources {
			l.show(document)
			l.truth[document["id"].(string)] = document
		}
		start, total = start+len(page.Resources), page.TotalResults
	}
}

// show makes of upstream's document the one that the server is to show:
// department and organization in the extension only, memberships direct, the
// schemas of which there is data, and a location of the server's own.
func (l *law) show(document map[string]any) {
	extension, _ := document[lawEnterprise].(map[string]any)
	for _, name := range []string{"department", "organization"} {
		if v, ok := document[name]; ok && extension[name] == nil {
			if extension == nil {
				extension = map[string]any{}
			}
			extension[name] = v
		}
		delete(document, name)
	}
	if len(extension) > 0 {
		document[lawEnterprise] = extension
	}
	groups, _ := document["groups"].([]any)
	for _, g := range groups {
		g.(map[string]any)["type"] = "direct"
	}
	meta := document["meta"].(map[string]any)
	meta["location"] = l.server + "/" + document["id"].(string)
	schemas := []any{"urn:ietf:params:scim:schemas:core:2.0:" + meta["resourceType"].(string)}
	for _, urn := range []string{lawEnterprise, lawAtlassian} {
		if _, ok := document[urn]; ok {
			schemas = append(schemas, urn)
		}
	}
	document["schemas"] = schemas
}

// list asks the server, and returns the ids of what it found, in order, and
// what that cost.
func (l *law) list(t *testing.T, parameters url.Values) (ids []string, calls int) {
	l.emulator.ClearLog()
	body, header := bearerRequest(t, http.MethodGet, l.server+"?"+parameters.Encode(), "law", "")
	calls = len(l.emulator.Log())
	if got := header.Get("X-Upstream-Calls"); got != strconv.Itoa(calls) {
		t.Errorf("%v: X-Upstream-Calls is %s, upstream got %d", parameters, got, calls)
	}
	var list struct {
		TotalResults int
		Resources    []struct{ ID string }
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatal(err)
	}
	for _, document := range list.Resources {
		ids = append(ids, document.ID)
	}
	if list.TotalResults != len(ids) {
		t.Errorf("%v: totalResults is %d, there are %d", parameters, list.TotalResults, len(ids))
	}
	return ids, calls
}

// matching returns the ids of the documents that satisfy f, sorted.
func (l *law) matching(f lawFilter) []string {
	var ids []string
	for id, document := range l.truth {
		if f.holds(document) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// holdAll holds as many random filters, of which at least so many must tell
// resources apart.
func (l *law) holdAll(t *testing.T, seed uint64, filters, least int) {
	g := newLawGenerator(l, seed)
	hits := 0
	for range filters {
		if l.hold(t, g) {
			hits++
		}
	}
	if hits < least {
		t.Errorf("only %d filters match some and not all", hits)
	}
}

// hold asks for what a random filter finds in a random order, and compares that
// with the truth. It reports whether the filter tells resources apart.
func (l *law) hold(t *testing.T, g *lawGenerator) bool {
	f, by := g.filter(3), l.attributes[g.IntN(len(l.attributes))]
	parameters := url.Values{"filter": {f.String()}, "sortBy": {by.String()}}
	switch g.IntN(3) {
	case 0:
		parameters.Set("sortOrder", "descending")
	case 1:
		parameters.Del("sortBy")
	}
	if g.IntN(8) > 0 {
		parameters.Set("attributes", "id") // saves time; what is shown must not change what is found
	}
	got, _ := l.list(t, parameters)
	if parameters.Has("sortBy") {
		l.checkOrder(t, got, by, parameters)
	}
	slices.Sort(got)
	want := l.matching(f)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%v (-want +got):\n%s", parameters, diff)
	}
	return len(want) > 0 && len(want) < len(l.truth)
}

// checkOrder holds RFC 7644 section 3.4.2.3: the primary value or else the
// first one decides, and what has none comes last, or first when descending.
func (l *law) checkOrder(t *testing.T, ids []string, by lawPath, parameters url.Values) {
	for i := 1; i < len(ids); i++ {
		before, after := by.sortKey(l.truth[ids[i-1]]), by.sortKey(l.truth[ids[i]])
		if parameters.Get("sortOrder") == "descending" {
			before, after = after, before
		}
		if before == nil && after != nil || before != nil && after != nil && by.compare(before, after) > 0 {
			t.Errorf("%v: %v comes before %v", parameters, before, after)
			return
		}
	}
}

type lawKind int

const (
	lawText  lawKind = iota
	lawExact         // text, compared byte by byte
	lawBoolean
	lawInstant
)

// lawPath is an attribute that holds a value. In a value path it is one of an
// element, and has no sub.
type lawPath struct {
	urn, name, sub string
	kind           lawKind
}

func lawPaths(kind lawKind, names ...string) []lawPath {
	var paths []lawPath
	for _, name := range names {
		p := lawPath{kind: kind}
		if strings.HasPrefix(name, "urn:") {
			colon := strings.LastIndexByte(name, ':')
			p.urn, name = name[:colon], name[colon+1:]
		}
		p.name, p.sub, _ = strings.Cut(name, ".")
		paths = append(paths, p)
	}
	return paths
}

func (p lawPath) String() string {
	s := p.name
	if p.urn != "" {
		s = p.urn + ":" + s
	}
	if p.sub != "" {
		s += "." + p.sub
	}
	return s
}

// values are all that a document has at the path.
func (p lawPath) values(document map[string]any) []any {
	var values []any
	for _, e := range p.elements(document) {
		if p.sub != "" {
			inner, _ := e.(map[string]any)
			e = inner[p.sub]
		}
		list, isList := e.([]any)
		if !isList {
			list = []any{e}
		}
		for _, v := range list {
			if v != nil && v != "" {
				values = append(values, v)
			}
		}
	}
	return values
}

func (p lawPath) elements(document map[string]any) []any {
	if p.urn != "" {
		document, _ = document[p.urn].(map[string]any)
	}
	if list, ok := document[p.name].([]any); ok {
		return list
	}
	if v := document[p.name]; v != nil {
		return []any{v}
	}
	return nil
}

func (p lawPath) sortKey(document map[string]any) any {
	elements := p.elements(document)
	for _, e := range elements {
		if inner, _ := e.(map[string]any); inner["primary"] == true {
			elements = []any{e}
			break
		}
	}
	if len(elements) == 0 {
		return nil
	}
	if p.sub == "" {
		return elements[0]
	}
	inner, _ := elements[0].(map[string]any)
	if list, ok := inner[p.sub].([]any); ok {
		return list[0]
	}
	return inner[p.sub]
}

// compare orders two values at the path.
func (p lawPath) compare(a, b any) int {
	switch p.kind {
	case lawExact:
		return strings.Compare(a.(string), b.(string))
	case lawText:
		return strings.Compare(lawFold(a.(string)), lawFold(b.(string)))
	case lawInstant:
		return lawTime(a).Compare(lawTime(b))
	}
	switch {
	case a == b:
		return 0
	case a == false:
		return -1
	}
	return 1
}

// lawFold takes case from text; by way of the upper case, since two lower case
// letters may share one. The i with and without dot of Turkish fold to
// themselves (Unicode, CaseFolding.txt).
func lawFold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 'ı' || r == 'İ' {
			return r
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, s)
}

func lawTime(v any) time.Time {
	t, err := time.Parse(time.RFC3339Nano, v.(string))
	if err != nil {
		panic(err) // the text is the emulator's or our own
	}
	return t
}

// lawFilter is a filter and what it means.
type lawFilter interface {
	fmt.Stringer
	holds(document map[string]any) bool
}

type (
	lawCompare struct {
		path    lawPath
		op      string
		value   any
		literal string
	}
	lawPresent string // the name of a complex attribute
	lawHas     struct {
		name   string
		filter lawFilter
	}
	lawNot   struct{ term lawFilter }
	lawTerms struct {
		and   bool
		terms []lawFilter
	}
)

func (f lawCompare) String() string {
	if f.op == "pr" {
		return f.path.String() + " pr"
	}
	return f.path.String() + " " + f.op + " " + f.literal
}

// holds is true if one of the values satisfies the comparison; for ne, also if
// there is none.
func (f lawCompare) holds(document map[string]any) bool {
	values := f.path.values(document)
	if f.op == "ne" && len(values) == 0 {
		return true
	}
	return slices.ContainsFunc(values, f.satisfied)
}

func (f lawCompare) satisfied(v any) bool {
	switch f.op {
	case "pr":
		return true
	case "co", "sw", "ew":
		have, want := v.(string), f.value.(string)
		if f.path.kind == lawText {
			have, want = lawFold(have), lawFold(want)
		}
		return f.op == "co" && strings.Contains(have, want) || f.op == "sw" && strings.HasPrefix(have, want) || f.op == "ew" && strings.HasSuffix(have, want)
	}
	if f.path.kind == lawInstant {
		v = lawTime(v).Truncate(time.Millisecond).Format(time.RFC3339Nano) // as clients are shown it
	}
	order := f.path.compare(v, f.value)
	return map[string]bool{"eq": order == 0, "ne": order != 0, "gt": order > 0, "ge": order >= 0, "lt": order < 0, "le": order <= 0}[f.op]
}

func (f lawPresent) String() string { return string(f) + " pr" }

func (f lawPresent) holds(document map[string]any) bool {
	return len(lawPath{name: string(f)}.elements(document)) > 0
}

func (f lawHas) String() string { return f.name + "[" + f.filter.String() + "]" }

func (f lawHas) holds(document map[string]any) bool {
	return slices.ContainsFunc(lawPath{name: f.name}.elements(document), func(e any) bool { return f.filter.holds(e.(map[string]any)) })
}

func (f lawNot) String() string { return "not (" + f.term.String() + ")" }

func (f lawNot) holds(document map[string]any) bool { return !f.term.holds(document) }

// String leaves parentheses out where precedence does without them.
func (f lawTerms) String() string {
	var texts []string
	for _, term := range f.terms {
		text := term.String()
		if inner, ok := term.(lawTerms); ok && f.and && !inner.and {
			text = "(" + text + ")"
		}
		texts = append(texts, text)
	}
	if f.and {
		return strings.Join(texts, " and ")
	}
	return strings.Join(texts, " or ")
}

func (f lawTerms) holds(document map[string]any) bool {
	for _, term := range f.terms {
		if term.holds(document) != f.and {
			return !f.and
		}
	}
	return f.and
}

// lawGenerator makes filters that have a chance to match.
type lawGenerator struct {
	*rand.Rand
	lawCollection
	documents []map[string]any
}

func newLawGenerator(l *law, seed uint64) *lawGenerator {
	g := &lawGenerator{rand.New(rand.NewPCG(seed, uint64(len(l.endpoint)))), l.lawCollection, nil}
	g.documents = slices.SortedFunc(maps.Values(l.truth), func(a, b map[string]any) int {
		name := l.lookups[1] // ids of new documents differ every time
		return strings.Compare(a[name].(string), b[name].(string))
	})
	return g
}

func (g *lawGenerator) filter(depth int) lawFilter {
	if depth > 1 {
		switch g.IntN(6) {
		case 0:
			return lawNot{g.filter(depth - 1)}
		case 1, 2:
			return g.terms(func() lawFilter { return g.filter(depth - 1) })
		case 3:
			return g.valuePath()
		}
	}
	if g.IntN(20) == 0 {
		names := slices.Concat(g.complex, g.multiValued)
		return lawPresent(names[g.IntN(len(names))])
	}
	return g.compare(g.attributes[g.IntN(len(g.attributes))], g.documents)
}

func (g *lawGenerator) terms(term func() lawFilter) lawFilter {
	f := lawTerms{and: g.IntN(2) == 0}
	for range 2 + g.IntN(2) {
		f.terms = append(f.terms, term())
	}
	return f
}

// valuePath makes a filter over the elements of a multi-valued attribute, with
// values of one document, so that they are often of the same element.
func (g *lawGenerator) valuePath() lawFilter {
	name := g.multiValued[g.IntN(len(g.multiValued))]
	var elements []map[string]any
	for len(elements) == 0 {
		for _, e := range (lawPath{name: name}).elements(g.documents[g.IntN(len(g.documents))]) {
			elements = append(elements, e.(map[string]any))
		}
	}
	var paths []lawPath
	for _, p := range g.attributes {
		if p.name == name {
			paths = append(paths, lawPath{name: p.sub, kind: p.kind})
		}
	}
	return lawHas{name, g.terms(func() lawFilter {
		f := g.compare(paths[g.IntN(len(paths))], elements)
		if g.IntN(5) == 0 {
			return lawNot{f}
		}
		return f
	})}
}

func (g *lawGenerator) compare(p lawPath, documents []map[string]any) lawFilter {
	ops := []string{"eq", "ne", "gt", "ge", "lt", "le", "co", "sw", "ew", "pr"}
	switch p.kind {
	case lawBoolean:
		ops = []string{"eq", "ne", "pr"}
	case lawInstant:
		ops = []string{"eq", "ne", "gt", "ge", "lt", "le", "pr"}
	}
	value := g.vary(p, g.known(p, documents))
	return lawCompare{p, ops[g.IntN(len(ops))], value, lawLiteral(value)}
}

// known is a value that a document has at the path, if a few tries find one.
func (g *lawGenerator) known(p lawPath, documents []map[string]any) any {
	for range 50 {
		if values := p.values(documents[g.IntN(len(documents))]); len(values) > 0 {
			return values[g.IntN(len(values))]
		}
	}
	return map[lawKind]any{lawBoolean: false, lawInstant: "2024-02-29T12:00:00Z"}[p.kind]
}

// vary returns a value or something near it.
func (g *lawGenerator) vary(p lawPath, value any) any {
	switch v := value.(type) {
	case nil:
		return "nobody has this"
	case bool:
		return g.IntN(2) == 0
	case string:
		if p.kind == lawInstant {
			zone := time.FixedZone("", 1800*(g.IntN(40)-20))
			near := time.Duration(g.IntN(3)-1) * time.Duration(g.IntN(2)) * time.Microsecond
			return lawTime(v).Add(near).In(zone).Format(time.RFC3339Nano)
		}
		runes := []rune(v)
		from, to := 0, len(runes)
		switch g.IntN(6) {
		case 0:
			to = 1 + g.IntN(len(runes))
		case 1:
			from = g.IntN(len(runes))
		case 2:
			from = g.IntN(len(runes))
			to = from + 1 + g.IntN(len(runes)-from)
		}
		value = string(runes[from:to])
		if g.IntN(3) == 0 {
			return swapCase(string(runes[from:to]))
		}
	}
	return value
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// lawLiteral is a value as a filter writes it.
func lawLiteral(value any) string {
	literal, err := json.Marshal(value)
	if err != nil {
		panic(err) // a text or a boolean
	}
	return string(literal)
}
