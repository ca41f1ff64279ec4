package scim_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// TestWriteMatrix sends every value of testdata/write_matrix.txt in every kind of
// write, alone and in a bulk request, as a tolerant and as a strict caller, and compares
// what Atlassian has before and after with the ending that the table names. Atlassian is
// asked past the server.
func TestWriteMatrix(t *testing.T) {
	tables := readWriteTables(t, "../testdata/write_matrix.txt")
	strict := bearer("strict", auth.Write)
	strict.Strict = true
	byUser, strictByUser := bearer("by-user", auth.Write), bearer("strict-by-user", auth.Write)
	byUser.GroupsByUser, strictByUser.GroupsByUser, strictByUser.Strict = true, true, true
	m := &writeMatrix{facade: newFacade(t, emulator.Options{Projects: 2, Seed: 1}, scim.Config{Callers: []auth.Caller{strict, byUser, strictByUser}})}
	m.furnish()
	if m.all = m.subjects(); len(tables) != len(m.all) {
		t.Fatalf("tables for %d attributes, of which %d are known", len(tables), len(m.all))
	}
	for _, caller := range []string{"all", "strict"} {
		t.Run(caller, func(t *testing.T) {
			for _, s := range m.all {
				m.caller = cmp.Or(s.callers[caller], caller)
				t.Run(s.name(), func(t *testing.T) { m.play(t, tables[s.name()], s) })
			}
		})
	}
	t.Logf("%d cells, %d wrong", m.cells, m.wrong)
	if m.cells < 13_000 {
		t.Errorf("%d cells are too few to be the whole table", m.cells)
	}
}

// writeTable has the endings for one attribute: codes by value and column.
type writeTable struct {
	values  []string // in the order of the file
	columns []string
	endings map[[2]string]string
}

// readWriteTables reads the tables of a file and returns one for each attribute.
func readWriteTables(t *testing.T, file string) map[string]*writeTable {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]*writeTable{}
	var names []string // of the attributes of the table that is being read
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "table":
			names = nil
		case names == nil:
			for _, name := range words {
				tables[name] = &writeTable{endings: map[[2]string]string{}}
			}
			names = words
		case words[0] == "but" && len(words) == 5:
			for name := range strings.SplitSeq(words[1], ",") {
				tables[name].except(t, words[2], words[3], words[4])
			}
		default:
			for _, name := range names {
				tables[name].add(t, words)
			}
		}
	}
	return tables
}

// add reads the line of column names, or the endings of one value.
func (w *writeTable) add(t *testing.T, words []string) {
	t.Helper()
	if words[0] == "value" {
		w.columns = words[1:]
		return
	}
	if len(words) != len(w.columns)+1 {
		t.Fatalf("%d endings of %s for %d columns", len(words)-1, words[0], len(w.columns))
	}
	w.values = append(w.values, words[0])
	for i, column := range w.columns {
		w.endings[[2]string{words[0], column}] = words[i+1]
	}
}

// except replaces endings; * stands for every value.
func (w *writeTable) except(t *testing.T, columns, value, ending string) {
	t.Helper()
	for column := range strings.SplitSeq(columns, ",") {
		for _, v := range w.values {
			if value != "*" && value != v {
				continue
			}
			if _, there := w.endings[[2]string{v, column}]; !there {
				t.Fatalf("an exception for %s of %s, which the table does not have", column, v)
			}
			w.endings[[2]string{v, column}] = ending
		}
	}
}

// writeSubject is an attribute that is written, with elements named by letters: A and B are
// there before, or only A if the attribute has one value, and C is another.
type writeSubject struct {
	typ, attr, note string // note tells two subjects of one attribute apart
	before          string
	wire            map[string]string // an element as JSON; # stands for the number of the resource
	is              map[string]string // what identifies it in Atlassian, if not the text in wire
	bare            map[string]string // what identifies it in SCIM, as JSON
	key             string            // the part that identifies, of a complex element
	filter          string            // of a path, selects A
	unset           []string          // what a resource has that was made without the attribute
	made            string            // the letter that a POST stores, if not C
	with            map[string]any    // other attributes of the resource, where they differ
	id              string            // of the one resource that is used, if none can be made
	reset           func()            // brings that back to what it was
	join            func(id string)   // gives a resource the attribute that no POST gives it; nil: a POST does
	callers         map[string]string // who writes it in place of the usual callers
}

func (s *writeSubject) name() string { return s.typ + "." + s.attr + s.note }

func (s *writeSubject) single() bool { return s.filter == "" }

// identities are those of the elements that letters name, as the state has them.
func (s *writeSubject) identities(letters string, number int) []string {
	out := []string{}
	for letter := range strings.SplitSeq(letters, "") {
		out = append(out, withNumber(cmp.Or(s.is[letter], strings.Trim(s.bare[letter], `"`)), number))
	}
	slices.Sort(out)
	return out
}

// elements is the JSON of those that letters name.
func (s *writeSubject) elements(letters string, number int) string {
	if s.single() {
		return withNumber(s.wire[letters], number)
	}
	var list []string
	for letter := range strings.SplitSeq(letters, "") {
		list = append(list, s.wire[letter])
	}
	return withNumber("["+strings.Join(list, ",")+"]", number)
}

func withNumber(text string, number int) string {
	return strings.ReplaceAll(text, "#", fmt.Sprint(number))
}

// fill makes a value of the table one of the attribute, with letter for what is good.
func (s *writeSubject) fill(value, letter string, number int) string {
	good := s.wire[letter]
	return withNumber(strings.NewReplacer("<good>", good, "<good+>", strings.TrimSuffix(good, "}")+`,"unknown":"x"}`,
		"<bare>", s.bare[letter], "<key>", s.key).Replace(value), number)
}

// writeMatrix holds the server and the emulator, and counts.
type writeMatrix struct {
	*facade
	all          []*writeSubject
	latest       int // number of the latest resource
	cells, wrong int
	people       map[string][2]string // by letter: id of the user, id of the account
	groups       map[string]string    // ids by letter
	epics        map[string][2]string // by letter: id, key
	parts        map[string]string    // ids of components and versions by name
}

// play sends all cells of one attribute: each alone, and each in a bulk request. What
// leaves everything as it is goes into one bulk request for a column, unless that shows
// a mistake.
func (m *writeMatrix) play(t *testing.T, table *writeTable, s *writeSubject) {
	if table == nil {
		t.Fatalf("no table has endings for %s", s.name())
	}
	c := &writeCell{writeMatrix: m, writeSubject: s}
	for _, column := range table.columns {
		t.Run(column, func(t *testing.T) {
			m.facade.T = t
			c.playColumn(table, column)
		})
	}
}

func (c *writeCell) playColumn(table *writeTable, column string) {
	var still []writeCase
	for _, value := range table.values {
		c.writeCase = writeCase{column, value, table.ending(value, column, strings.HasPrefix(c.caller, "strict"))}
		switch c.ending {
		case "-":
			continue
		case "R", "K":
			still = append(still, c.writeCase)
		default:
			c.send(true)
		}
		c.send(false)
	}
	c.sendTogether(still)
}

// ending is what the table names for a caller.
func (w *writeTable) ending(value, column string, strict bool) string {
	tolerant, other, differ := strings.Cut(w.endings[[2]string{value, column}], "/")
	if strict && differ {
		return other
	}
	return tolerant
}

// writeCase is what the table says of a cell.
type writeCase struct{ column, value, ending string }

// writeCell is one request and its ending. Cells follow each other on one resource,
// which is made anew after each that changed it.
type writeCell struct {
	*writeMatrix
	*writeSubject
	writeCase
	bulk bool

	id     string              // of the resource, "" if it must be made
	number int                 // of the resource
	raw    string              // what Atlassian has of it before
	held   map[string][]string // what identifies the values of its attributes
}

// send makes the request of the cell.
func (c *writeCell) send(bulk bool) {
	c.cells++
	if c.bulk = bulk; c.column == "POST" {
		c.post()
	} else {
		c.change()
	}
}

// sendTogether makes one bulk request of cells that change nothing. If not all end as they
// must, each is sent in a bulk request of its own, which tells those that do not.
func (c *writeCell) sendTogether(cells []writeCase) {
	if len(cells) == 0 {
		return
	}
	c.prepare()
	var operations []map[string]any
	for i, cell := range cells {
		c.writeCase = cell
		method, target, doc, _ := c.request()
		operations = append(operations, map[string]any{"method": method, "path": target, "data": doc, "bulkId": fmt.Sprint(i)})
	}
	census, wrong := c.census(), 0
	for i, a := range c.inBulk(operations) {
		if refused := cells[i].ending == "R"; refused && a.status != http.StatusBadRequest || !refused && a.status/100 != 2 {
			wrong++
		}
	}
	if wrong == 0 && c.look(c.typ, c.id) == c.raw && c.census() == census {
		c.cells += len(cells)
		return
	}
	c.dispose()
	before := c.wrong
	for _, c.writeCase = range cells {
		c.send(true)
	}
	if c.wrong == before {
		c.Errorf("%s %s: %d of %d operations in one bulk request, and none alone, ended in another way", c.name(), c.column, wrong, len(cells))
	}
}

// fail reports a cell that ended in another way than the table says.
func (c *writeCell) fail(a writeAnswer, format string, args ...any) {
	c.Helper()
	c.wrong++
	column := c.column
	if c.bulk {
		column += " in bulk"
	}
	c.Errorf("%s %s %s: want %s, got %d, %s %s", c.name(), column, c.value, c.ending, a.status, fmt.Sprintf(format, args...), a.detail)
}

// post makes a resource with the value.
func (c *writeCell) post() {
	method, target, doc, number := c.request()
	before := c.census()
	a := c.write(method, target, doc, c.bulk)
	after := c.census()
	unset := []string{}
	for _, value := range c.unset {
		unset = append(unset, withNumber(value, number))
	}
	want := map[string][]string{"W": unset, "S": c.identities(cmp.Or(c.made, "C"), number)}[c.ending]
	if c.ending == "R" {
		if a.status != http.StatusBadRequest || before != after {
			c.fail(a, "%s, then %s", before, after)
		}
	} else if a.status != http.StatusCreated {
		c.fail(a, "nothing made")
	} else if got := c.attributes(c.typ, c.look(c.typ, a.id))[c.attr]; !slices.Equal(got, want) {
		c.fail(a, "%s is %q, not %q", c.attr, got, want)
	}
	if before != after && a.id != "" {
		c.discard(c.typ, a.id)
	}
}

// change changes the resource with the value.
func (c *writeCell) change() {
	c.prepare()
	method, target, doc, _ := c.request()
	a := c.write(method, target, doc, c.bulk)
	raw := c.look(c.typ, c.id)
	success := a.status/100 == 2
	switch c.ending {
	case "R":
		success = a.status == http.StatusBadRequest && raw == c.raw
	case "K":
		success = success && raw == c.raw
	default:
		want := maps.Clone(c.held)
		want[c.attr] = c.identities(c.after(), c.number)
		success = success && raw != c.raw && reflect.DeepEqual(want, c.attributes(c.typ, raw))
	}
	if !success {
		c.fail(a, "%s", c.changes(raw))
	}
	if raw != c.raw {
		c.dispose()
	}
}

// changes names the attributes that differ from what they were.
func (c *writeCell) changes(raw string) string {
	if raw == c.raw {
		return "kept"
	}
	var out []string
	after := c.attributes(c.typ, raw)
	for _, attr := range slices.Sorted(maps.Keys(c.held)) {
		if !slices.Equal(c.held[attr], after[attr]) {
			out = append(out, fmt.Sprintf("%s from %q to %q", attr, c.held[attr], after[attr]))
		}
	}
	return cmp.Or(strings.Join(out, ", "), "written")
}

// after names by letters what the attribute has after the ending.
func (c *writeCell) after() string {
	switch c.ending {
	case "C":
		return ""
	case "O":
		return strings.Replace(c.before, "A", "", 1)
	case "M":
		return c.before
	}
	switch {
	case c.column == "replace[]":
		return strings.Replace(c.before, "A", "C", 1)
	case strings.HasPrefix(c.column, "add") && !c.single():
		return c.before + "C"
	}
	return "C"
}

// request is that of the cell; number is that of the resource.
func (c *writeCell) request() (method, target string, doc map[string]any, number int) {
	if target = endpoints[c.typ]; c.column == "POST" {
		c.latest++
		doc = c.document(least[c.typ], c.latest)
		c.put(doc, c.fill(c.value, cmp.Or(c.made, "C"), c.latest))
		return http.MethodPost, target, doc, c.latest
	}
	if target += "/" + c.id; c.column == "PUT" {
		doc = c.whole(c.number)
		c.put(doc, c.fill(c.value, "C", c.number))
		return http.MethodPut, target, doc, c.number
	}
	doc = map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []any{c.operation()}}
	return http.MethodPatch, target, doc, c.number
}

// operation is that of a PATCH.
func (c *writeCell) operation() map[string]any {
	op, form, _ := strings.Cut(strings.NewReplacer("{}", " {}", "[]", " []", ".", " .").Replace(c.column), " ")
	letter := "C"
	if op == "remove" {
		letter = "A"
	}
	value := c.fill(c.value, letter, c.number)
	out := map[string]any{"op": op}
	switch form {
	case "{}":
		inner := map[string]any{}
		c.put(inner, value)
		out["value"] = inner
		return out
	case "[]":
		out["path"] = c.attr + "[" + withNumber(c.filter, c.number) + "]"
	case ".":
		out["path"] = c.attr + "." + c.key
	default:
		out["path"] = c.attr
	}
	if value != "absent" {
		out["value"] = json.RawMessage(value)
	}
	return out
}

// put sets the attribute of a document to the value, or takes it out.
func (c *writeCell) put(doc map[string]any, value string) {
	if delete(doc, c.attr); value != "absent" {
		doc[c.attr] = json.RawMessage(value)
	}
}

// whole is the resource as it is before.
func (c *writeCell) whole(number int) map[string]any {
	doc := c.document(most[c.typ], number)
	maps.Copy(doc, c.with)
	for _, s := range c.all {
		_, set := c.with[s.attr]
		if s.typ == c.typ && s.note == c.note && !set && (s.attr == c.attr || !s.alone()) {
			doc[s.attr] = json.RawMessage(s.elements(s.before, number))
		}
	}
	return doc
}

// alone tells an attribute whose value would not go with the others'.
func (s *writeSubject) alone() bool { return s.attr == "active" || s.attr == "resolution" }

func (c *writeCell) document(text string, number int) map[string]any {
	var doc map[string]any
	if err := json.Unmarshal([]byte(withNumber(text, number)), &doc); err != nil {
		c.Fatal(err)
	}
	return doc
}

// prepare makes the resource, through the server, if there is none as it must be.
func (c *writeCell) prepare() {
	if c.id != "" {
		return
	}
	c.latest++
	if c.number = c.latest; c.writeSubject.id != "" {
		c.id = c.writeSubject.id
		c.reset()
	} else {
		caller := c.caller
		c.caller = "all"
		a := c.write(http.MethodPost, endpoints[c.typ], c.whole(c.number), false)
		if c.caller = caller; a.status != http.StatusCreated {
			c.Fatalf("%s cannot be made: %d %s", c.typ, a.status, a.detail)
		}
		if c.id = a.id; c.join != nil {
			c.join(c.id)
		}
	}
	c.raw = c.look(c.typ, c.id)
	c.held = c.attributes(c.typ, c.raw)
	if got, want := c.held[c.attr], c.identities(c.before, c.number); !slices.Equal(got, want) {
		c.Fatalf("%s is made with %q, not %q", c.name(), got, want)
	}
}

// dispose sees to it that the next cell has a resource as it must be.
func (c *writeCell) dispose() {
	if c.writeSubject.id == "" {
		c.discard(c.typ, c.id)
	}
	c.id = ""
}

// writeAnswer is that of one write, be it in a bulk request.
type writeAnswer struct {
	status     int
	id, detail string
}

// write sends one request to the server, alone or in bulk.
func (m *writeMatrix) write(method, target string, doc map[string]any, bulk bool) writeAnswer {
	m.Helper()
	if !bulk {
		a := m.do(method, target, m.encode(doc))
		id, _ := a.doc["id"].(string)
		detail, _ := a.doc["detail"].(string)
		return writeAnswer{a.status, id, detail}
	}
	return m.inBulk([]map[string]any{{"method": method, "path": target, "data": doc, "bulkId": "x"}})[0]
}

// inBulk sends one bulk request.
func (m *writeMatrix) inBulk(operations []map[string]any) []writeAnswer {
	m.Helper()
	a := m.want(200, http.MethodPost, "/Bulk", m.encode(map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "Operations": operations,
	}))
	out := make([]writeAnswer, len(operations))
	for i := range out {
		status, _ := a.at("Operations", i, "status").(string)
		out[i].status, _ = strconv.Atoi(status)
		if location, ok := a.at("Operations", i, "location").(string); ok {
			out[i].id = path.Base(location)
		}
		out[i].detail, _ = a.at("Operations", i, "response", "detail").(string)
	}
	return out
}

func (m *writeMatrix) encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		m.Fatal(err)
	}
	return string(b)
}

// ask asks Atlassian, past the server and the network, and returns the answer.
func (m *writeMatrix) ask(method, target, body string) []byte {
	m.Helper()
	r := httptest.NewRequestWithContext(m.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if r.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey); strings.HasPrefix(target, jiraAPI) {
		r.SetBasicAuth(emulator.AdminEmail, emulator.APIToken)
	}
	w := httptest.NewRecorder()
	m.emulator.ServeHTTP(w, r)
	if w.Code/100 != 2 {
		m.Fatalf("Atlassian: %s %s: %d %s", method, target, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

const (
	directoryAPI = "/scim/directory/" + emulator.DirectoryID
	jiraAPI      = "/rest/api/3"
)

// homes are where Atlassian has what the server shows as a type.
var homes = map[string]string{
	"User": directoryAPI + "/Users/", "Group": directoryAPI + "/Groups/", "Account": directoryAPI + "/Users/", "Entitlement": directoryAPI + "/Groups/",
	"Issue": jiraAPI + "/issue/",
}

var endpoints = map[string]string{"User": "/Users", "Group": "/Groups", "Issue": "/Issues", "Account": "/Accounts", "Entitlement": "/Entitlements"}

// whereabouts say where in what Atlassian has the attributes are.
var whereabouts = map[string]map[string]string{
	"User":        {"active": "active", "emails": "emails.value", "phoneNumbers": "phoneNumbers.value", "name": "name", "displayName": "displayName", "userName": "userName", "groups": "groups.value"},
	"Account":     {"active": "active", "emails": "emails.value", "name": "name", "displayName": "displayName", "userName": "userName", "entitlements": "groups.value"},
	"Group":       {"members": "members.value", "displayName": "displayName"},
	"Entitlement": {"members": "members.value", "displayName": "displayName"},
	"role":        {"members": "actors.actorUser.accountId"},
	"Issue": {"labels": "fields.labels", "components": "fields.components.id", "fixVersions": "fields.fixVersions.id", "status": "fields.status.id",
		"priority": "fields.priority.id", "resolution": "fields.resolution.id", "assignee": "fields.assignee.accountId", "summary": "fields.summary",
		"reporter": "fields.reporter.accountId", "parent": "fields.parent.id", "issueType": "fields.issuetype.id", "project": "fields.project.key"},
}

// look asks Atlassian for what is behind a resource of the server: a document, or those of
// the user and of the roles that it may have, a line each.
func (m *writeMatrix) look(typ, id string) string {
	m.Helper()
	if isRole(typ, id) {
		return string(m.ask(http.MethodGet, roleAPI(id), ""))
	}
	target := homes[typ] + id
	if typ == "Issue" {
		target += "?fields=" + issueFields
	}
	raw := m.ask(http.MethodGet, target, "")
	if typ == "Account" {
		for _, role := range []string{member, viewer} {
			raw = append(append(raw, '\n'), m.ask(http.MethodGet, roleAPI(role), "")...)
		}
	}
	return string(raw)
}

// jira.issueFields are those that the server can write, and the time of the latest change.
const issueFields = "labels,components,fixVersions,status,priority,resolution,assignee,summary,reporter,parent,issuetype,project,description,duedate,updated"

func isRole(typ, id string) bool { return typ == "Entitlement" && strings.HasPrefix(id, "role-") }

// attributes returns what identifies the values of each attribute in what look returned.
func (m *writeMatrix) attributes(typ, raw string) map[string][]string {
	lines := strings.Split(raw, "\n")
	var doc map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &doc); err != nil {
		m.Fatal(err)
	}
	if doc["actors"] != nil {
		typ = "role"
	}
	out := map[string][]string{}
	for attr, at := range whereabouts[typ] {
		out[attr] = gather([]string{}, doc, strings.Split(at, "."))
	}
	for i, role := range lines[1:] {
		account := gather(nil, doc, []string{"urn:scim:schemas:extension:atlassian-external:1.0", "atlassianAccountId"})
		if strings.Contains(role, `"`+account[0]+`"`) {
			out["entitlements"] = append(out["entitlements"], []string{member, viewer}[i])
		}
	}
	for _, values := range out {
		slices.Sort(values)
	}
	return out
}

// gather appends the values at a path, of all elements of lists on the way.
func gather(to []string, v any, path []string) []string {
	switch v := v.(type) {
	case nil:
		return to
	case []any:
		for _, e := range v {
			to = gather(to, e, path)
		}
		return to
	case map[string]any:
		if len(path) > 0 {
			return gather(to, v[path[0]], path[1:])
		}
		b, _ := json.Marshal(v) // of what came as JSON
		return append(to, string(b))
	}
	return append(to, fmt.Sprint(v))
}

// census counts what there is in Atlassian.
func (m *writeMatrix) census() string {
	var counts []int
	for _, typ := range []string{"User", "Group"} {
		var list struct{ TotalResults int }
		if err := json.Unmarshal(m.ask(http.MethodGet, strings.TrimSuffix(homes[typ], "/")+"?startIndex=1&count=1", ""), &list); err != nil {
			m.Fatal(err)
		}
		counts = append(counts, list.TotalResults)
	}
	var issues struct{ Count int }
	if err := json.Unmarshal(m.ask(http.MethodPost, jiraAPI+"/search/approximate-count", `{"jql":"project is not empty"}`), &issues); err != nil {
		m.Fatal(err)
	}
	return fmt.Sprintf("%d users, %d groups, %d issues", counts[0], counts[1], issues.Count)
}

// discard deletes what the server shows as a resource.
func (m *writeMatrix) discard(typ, id string) { m.ask(http.MethodDelete, homes[typ]+id, "") }

// The roles that are given and taken, and where Jira has them.
const (
	member = "role-10000-10003"
	viewer = "role-10000-10004"
)

func roleAPI(id string) string {
	parts := strings.Split(id, "-")
	return jiraAPI + "/project/" + parts[1] + "/role/" + parts[2]
}

// furnish makes in Atlassian what values refer to.
func (m *writeMatrix) furnish() {
	m.people, m.groups, m.epics, m.parts = map[string][2]string{}, map[string]string{}, map[string][2]string{}, map[string]string{}
	for _, letter := range []string{"A", "B", "C"} {
		var user struct {
			ID   string
			Link struct{ AtlassianAccountID string } `json:"urn:scim:schemas:extension:atlassian-external:1.0"`
		}
		m.make(&user, homes["User"], `{"userName":"`+letter+`@demo.example","emails":[{"value":"`+letter+`@demo.example","primary":true}]}`)
		m.people[letter] = [2]string{user.ID, user.Link.AtlassianAccountID}
		var group struct{ ID string }
		m.make(&group, homes["Group"], `{"displayName":"Group `+letter+`"}`)
		m.groups[letter] = group.ID
		var epic struct{ ID, Key string }
		m.make(&epic, homes["Issue"], `{"fields":{"project":{"key":"ENG"},"issuetype":{"id":"10000"},"summary":"Epic `+letter+`"}}`)
		m.epics[letter] = [2]string{epic.ID, epic.Key}
	}
	for _, kind := range []string{"components", "versions"} {
		var list []struct{ ID, Name string }
		if err := json.Unmarshal(m.ask(http.MethodGet, jiraAPI+"/project/ENG/"+kind, ""), &list); err != nil {
			m.Fatal(err)
		}
		for _, part := range list {
			m.parts[part.Name] = part.ID
		}
	}
}

func (m *writeMatrix) make(made any, home, body string) {
	m.Helper()
	if err := json.Unmarshal(m.ask(http.MethodPost, strings.TrimSuffix(home, "/"), body), made); err != nil {
		m.Fatal(err)
	}
}

// most and least are the resources of each type without the attributes of the matrix: as
// they are before a change, and as they are made. # stands for the number of the resource.
var (
	most = map[string]string{
		"User":        `{"schemas":["` + coreUser + `"],"userName":"u#@demo.example","displayName":"U #","active":true}`,
		"Group":       `{"schemas":["` + coreGroup + `"],"displayName":"G #"}`,
		"Issue":       `{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"summary":"I #"}`,
		"Account":     `{"schemas":["urn:sath:params:scim:api:confluence:1.0:Account"],"userName":"u#@demo.example","email":"u#@demo.example","displayName":"U #","active":true}`,
		"Entitlement": `{"schemas":["urn:sath:params:scim:api:confluence:1.0:Entitlement"],"displayName":"GROUP~G #","type":"GROUP"}`,
	}
	least = map[string]string{
		"User":        `{"schemas":["` + coreUser + `"],"userName":"u#@demo.example","emails":[{"value":"u#@demo.example"}]}`,
		"Group":       most["Group"],
		"Issue":       `{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"project":{"key":"ENG"},"issueType":{"name":"Story"},"summary":"I #"}`,
		"Account":     `{"schemas":["urn:sath:params:scim:api:confluence:1.0:Account"],"userName":"u#@demo.example","email":"u#@demo.example","displayName":"U #"}`,
		"Entitlement": most["Entitlement"],
	}
)

// subjects are the attributes of the matrix.
func (m *writeMatrix) subjects() []*writeSubject {
	none := []string{}
	admin := m.admin()
	list := func(typ, attr, key string, ids map[string]string, more ...string) *writeSubject {
		s := &writeSubject{typ: typ, attr: attr, key: key, before: "AB", filter: key + ` eq "` + ids["A"] + `"`, unset: none, bare: map[string]string{}, wire: map[string]string{}}
		for letter, id := range ids {
			s.bare[letter] = `"` + id + `"`
			s.wire[letter] = `{"` + key + `":"` + id + `"` + strings.Join(more, "") + `}`
		}
		return s
	}
	users, accounts := map[string]string{}, map[string]string{}
	for letter, ids := range m.people {
		users[letter], accounts[letter] = ids[0], ids[1]
	}
	reference := func(attr, key string, ids, bare map[string]string, unset ...string) *writeSubject {
		s := list("Issue", attr, key, ids)
		s.before, s.filter, s.unset, s.is, s.bare = "A", "", append(none, unset...), ids, map[string]string{}
		for letter, text := range bare {
			s.bare[letter] = `"` + text + `"`
		}
		return s
	}
	named := func(attr string, names map[string]string) *writeSubject {
		ids := map[string]string{}
		for letter, name := range names {
			ids[letter] = m.parts[name]
		}
		s := list("Issue", attr, "id", ids)
		for letter, name := range names {
			s.bare[letter] = `"` + name + `"`
		}
		s.is = ids
		return s
	}
	active := func(typ string) *writeSubject {
		return &writeSubject{typ: typ, attr: "active", before: "A", made: "A", unset: []string{"true"},
			wire: map[string]string{"A": "false", "C": "true"}, bare: map[string]string{"A": `"False"`, "C": `"True"`}, is: map[string]string{"A": "false", "C": "true"}}
	}
	epicIDs, epicKeys := map[string]string{}, map[string]string{}
	for letter, epic := range m.epics {
		epicIDs[letter], epicKeys[letter] = epic[0], epic[1]
	}
	role := list("Entitlement", "members", "value", users)
	role.note, role.is, role.id = "(role)", accounts, viewer
	role.with = map[string]any{"displayName": "PROJECT_ROLE~Viewer in Engineering project", "type": "PROJECT_ROLE"}
	role.reset = func() {
		m.ask(http.MethodPut, roleAPI(viewer), `{"id":10004,"categorisedActors":{"atlassian-user-role-actor":["`+accounts["A"]+`","`+accounts["B"]+`"]}}`)
	}
	byUser := list("User", "groups", "value", m.groups)
	byUser.note, byUser.callers = "(user)", map[string]string{"all": "by-user", "strict": "strict-by-user"}
	byUser.join = func(id string) {
		for _, letter := range []string{"A", "B"} {
			m.ask(http.MethodPatch, homes["Group"]+m.groups[letter], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"`+id+`"}]}]}`)
		}
	}
	entitlements := list("Account", "entitlements", "value", map[string]string{"A": member, "B": m.groups["B"], "C": viewer})
	emails := list("User", "emails", "value", map[string]string{"A": "a#@demo.example", "B": "b#@demo.example", "C": "c#@demo.example"}, `,"type":"home"`)
	emails.wire["B"] = `{"value":"b#@demo.example","type":"work","primary":true}`
	emails.unset = []string{"u#@demo.example"} // userName stands in
	resolution := reference("resolution", "id", map[string]string{"A": "10000", "C": "10001"}, map[string]string{"A": "Done", "C": "Won't Do"})
	resolution.with = map[string]any{"status": map[string]any{"id": "10002"}}
	project := reference("project", "key", map[string]string{"A": "ENG", "C": "OPS"}, map[string]string{"A": "ENG", "C": "OPS"})
	account := active("Account")
	account.with = map[string]any{"entitlements": none} // who is inactive has no role
	return []*writeSubject{
		active("User"), emails,
		list("User", "phoneNumbers", "value", map[string]string{"A": "+49 1", "B": "+49 2", "C": "+49 3"}, `,"type":"work"`),
		{typ: "User", attr: "name", before: "A", unset: none,
			wire: map[string]string{"A": `{"familyName":"Avery","givenName":"Ann"}`, "C": `{"familyName":"Cole","givenName":"Cid"}`},
			is:   map[string]string{"A": `{"familyName":"Avery","givenName":"Ann"}`, "C": `{"familyName":"Cole","givenName":"Cid"}`}},
		byUser, list("Group", "members", "value", users),
		{typ: "Issue", attr: "labels", before: "AB", filter: `value eq "a"`, unset: none,
			wire: map[string]string{"A": `"a"`, "B": `"b"`, "C": `"c"`}, bare: map[string]string{"A": `"a"`, "B": `"b"`, "C": `"c"`}},
		named("components", map[string]string{"A": "API", "B": "UI", "C": "Database"}),
		named("fixVersions", map[string]string{"A": "1.0", "B": "1.1", "C": "Backlog"}),
		reference("assignee", "value", accounts, accounts),
		reference("reporter", "value", accounts, accounts, admin),
		reference("parent", "id", epicIDs, epicKeys),
		reference("priority", "id", map[string]string{"A": "2", "C": "4"}, map[string]string{"A": "High", "C": "Low"}, "3"),
		reference("status", "id", map[string]string{"A": "10000", "C": "3"}, map[string]string{"A": "To Do", "C": "In Progress"}, "10000"),
		reference("issueType", "id", map[string]string{"A": "10001", "C": "10002"}, map[string]string{"A": "Story", "C": "Task"}),
		project, resolution,
		account, entitlements,
		list("Entitlement", "members", "value", users), role,
	}
}

// admin is the id of the account that the server uses in Jira.
func (m *writeMatrix) admin() string {
	var me struct{ AccountID string }
	if err := json.Unmarshal(m.ask(http.MethodGet, jiraAPI+"/myself", ""), &me); err != nil {
		m.Fatal(err)
	}
	return me.AccountID
}
