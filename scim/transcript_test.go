package scim_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/atlassian/emulator/jira"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
)

var updateTranscripts = flag.Bool("update", false, "rewrite testdata/transcripts with the answers as they are")

// TestTranscripts plays the exchanges of testdata/transcripts against a server
// over a fresh emulator. A file is made of steps:
//
//	# a comment
//	caller read-only           the requests that follow are this caller's
//	server trusted-source …    a new server with these settings: trusted-source,
//	                           ignore-unsynced, organization, email-domain, snapshots,
//	                           announce-pagination, announce-delta, public-discovery, state, mirror-issues;
//	                           service-desk: over an emulator with the project SD
//	fault path=/scim/ …        the emulator's fault rules from here on; none without words
//	header Accept: text/html   a header of the next request; without a value, it is not sent
//	every Accept: text/html    a header of every request from here on
//	reads unordered            reads of Atlassian between writes are in parallel from here on
//	> PATCH /Users/<1>         a request; a query string is written unescaped
//	>> GET /scim/v2//Users     a request whose target is sent as it is written
//	? GET /Users/<1>           a request to Atlassian's directory itself, past the server
//	{"schemas": …}             its body, on one line
//	< 200                      the status, and lines below it: headers that matter,
//	  upstream GET …           the requests that Atlassian got for it, and the body
//
// Content-Type matters where it is not SCIM's, and of a long list only the ends do.
// <1>, <2>, … are the ids of what was created, in order; times are <time>, entity tags <version>;
// <next> and <previous> are the cursors of the list before, and <token> is the delta token that came last.
func TestTranscripts(t *testing.T) {
	for _, file := range filesLike(t, "../testdata/transcripts/*.txt") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			newPlayer(t).playFile(t, file)
		})
	}
}

func filesLike(t *testing.T, pattern string) []string {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

type player struct {
	emulator *emulator.Emulator
	server   *httptest.Server
	upstream string // the emulator's URL
	caller   string
	every    http.Header // of all requests
	header   http.Header // of the next request
	ids      []string
	cursors  [2]string // nextCursor and previousCursor of the list before
	token    string    // the delta token that came last
	session  *session  // what a client's file adds, or nil

	unordered bool // of reads between writes only the set matters
}

func newPlayer(t *testing.T) *player {
	p := &player{caller: "all", every: http.Header{}, header: http.Header{}}
	p.emulate(t, jira.Options{})
	p.serve(t)
	return p
}

// emulate starts an emulator, with options of its Jira.
func (p *player) emulate(t *testing.T, options jira.Options) {
	p.emulator = emulator.New(emulator.Options{Users: 250, Groups: 5, Projects: 3, Issues: 60, Seed: 1, Jira: options})
	upstream := httptest.NewServer(p.emulator)
	t.Cleanup(upstream.Close)
	p.upstream = upstream.URL
}

// serve starts the server, with some settings of their own.
func (p *player) serve(t *testing.T, settings ...string) {
	strict := bearer("strict", auth.Write)
	strict.Strict = true
	plainJSON := bearer("plain-json", auth.Write)
	plainJSON.ContentType = "application/json"
	clears := bearer("clears-members", auth.Write)
	clears.PutWithoutMembers = auth.Clear
	untyped := bearer("untyped-email", auth.Write)
	untyped.UntypedEmail = "work"
	announced := bearer("pagination", auth.Write)
	announced.AnnouncePagination = new(bool)
	*announced.AnnouncePagination = true
	unannounced := bearer("no-pagination", auth.Write)
	unannounced.AnnouncePagination = new(bool)
	hides := bearer("hides", auth.Write)
	hides.Hide = []string{"Group.members", "User.groups", "Issue.labels", "Account.entitlements", "Entitlement.members"}
	strictHides := bearer("strict-hides", auth.Write)
	strictHides.Strict, strictHides.Hide = true, []string{"Group.members", "User.groups", "User.displayName"}
	disables := bearer("disables", auth.Write)
	disables.PutWithoutActive = auth.Disable
	strictDisables := bearer("strict-disables", auth.Write)
	strictDisables.Strict, strictDisables.PutWithoutActive = true, auth.Disable
	deactivates := bearer("deactivates", auth.Write)
	deactivates.DeleteUsers = auth.Deactivate
	strictDeactivates := bearer("strict-deactivates", auth.Write)
	strictDeactivates.Strict, strictDeactivates.DeleteUsers = true, auth.Deactivate
	byUser := bearer("groups-by-user", auth.Write)
	byUser.GroupsByUser = true
	strictByUser := bearer("strict-groups-by-user", auth.Write)
	strictByUser.Strict, strictByUser.GroupsByUser = true, true
	usersOnly := bearer("users-only", auth.Write)
	usersOnly.GroupsByUser, usersOnly.Rights = true, map[string]auth.Right{"User": auth.Write, "Group": auth.Read}
	charset := bearer("charset", auth.Write)
	charset.ContentType = "application/json; charset=utf-8"
	basic := auth.Caller{Name: "basic", Username: "omada", BasicBcrypt: auth.Hashes{"$2a$04$EDqrVPTs08OK3gjgDUHj9OGWCq/Ab7mbYabpcjbWF6klX94deNsMO"}, Rights: map[string]auth.Right{auth.AnyType: auth.Write}}
	readOnly := auth.Caller{Name: "read-only", BearerSHA256: auth.Hashes{digest("read-only")}, Rights: map[string]auth.Right{"User": auth.Read}}
	config := scim.Config{
		PublicURL: "https://scim.example", MaxBodyBytes: 100_000, ProvisioningWait: 2 * time.Second,
		Callers: []auth.Caller{bearer("all", auth.Write), strict, plainJSON, charset, hides, strictHides, clears, untyped, announced, unannounced, disables, strictDisables, deactivates, strictDeactivates, byUser, strictByUser, usersOnly, basic, readOnly},
	}
	for _, set := range settings {
		switch set {
		case "trusted-source":
			config.TrustedSource = true
		case "ignore-unsynced":
			config.IgnoreUnsynced = true
		case "announce-pagination":
			config.ShowPagination = true
		case "announce-delta":
			config.AnnounceDelta = true
		case "mirror-issues":
			config.MirrorIssues = true
		case "public-discovery":
			config.PublicDiscovery = true
		case "state":
			store, err := state.Open(t.Context(), "memory", state.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			config.State, config.SnapshotTTL = store, time.Minute
		case "email-domain":
			config.DeriveEmailDomain = "derived.example"
		case "service-desk":
			p.emulate(t, jira.Options{ServiceDesk: true})
			config.IssueFields = deskFields
		case "snapshots":
			config.SnapshotTTL = time.Minute
		case "organization":
			organization, err := atlassian.NewOrganization(atlassian.Config{MaxRetries: -1, OnCall: scim.CountCall}, p.upstream, emulator.OrganizationID, emulator.OrganizationKey)
			if err != nil {
				t.Fatal(err)
			}
			config.Organization = organization
		default:
			t.Fatalf("no setting %q", set)
		}
	}
	server := serverOver(t, p.upstream, atlassian.Config{MaxRetries: -1, Timeout: 2 * time.Second}, config)
	p.server = httptest.NewServer(server)
	t.Cleanup(p.server.Close)
}

// playFile plays a file and holds it to the answers in it, or with -update
// writes them.
func (p *player) playFile(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := p.play(t, string(b))
	if *updateTranscripts {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(strings.Split(string(b), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("transcript (-want +got):\n%s", diff)
	}
}

// play runs the steps and returns the file with the answers as they came.
func (p *player) play(t *testing.T, file string) string {
	var out strings.Builder
	lines := strings.Split(file, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "<") || strings.HasPrefix(line, "  ") {
			continue // an answer, written anew
		}
		out.WriteString(line)
		if i < len(lines)-1 {
			out.WriteByte('\n')
		}
		word, rest, _ := strings.Cut(line, " ")
		body := ""
		if (strings.HasPrefix(word, ">") || word == "?") && i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "<") && lines[i+1] != "" {
			i++
			body = lines[i]
			out.WriteString(body + "\n")
		}
		switch word {
		case "client", "step":
			p.session.begin(t, word, rest)
		case "caller":
			p.caller = rest
		case "header":
			setHeader(p.header, rest)
		case "every":
			setHeader(p.every, rest)
		case "server":
			p.serve(t, strings.Fields(rest)...)
		case "reads":
			p.unordered = rest == "unordered"
		case "fault":
			faults, err := emulator.ParseFaults(rest)
			if err != nil {
				t.Fatal(err)
			}
			p.emulator.SetFaults(faults)
		case ">":
			method, target, _ := strings.Cut(rest, " ")
			out.WriteString(p.exchange(t, method, server.BasePath+escapeQuery(p.fill(target)), body))
		case ">>":
			method, target, _ := strings.Cut(rest, " ")
			out.WriteString(p.exchange(t, method, p.fill(target), body))
		case "?":
			method, target, _ := strings.Cut(rest, " ")
			out.WriteString(p.askUpstream(t, method, p.fill(target), p.fill(body)))
		}
	}
	return out.String()
}

func setHeader(h http.Header, line string) {
	name, value, _ := strings.Cut(line, ":")
	h.Set(name, strings.TrimSpace(value))
}

// escapeQuery escapes the values of a target's query.
func escapeQuery(target string) string {
	path, query, found := strings.Cut(target, "?")
	if !found {
		return target
	}
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, name+"="+url.QueryEscape(value))
	}
	return path + "?" + strings.Join(pairs, "&")
}

// exchange makes one request and describes the answer.
func (p *player) exchange(t *testing.T, method, target, body string) string {
	p.emulator.ClearLog()
	resp, answer := p.send(t, method, p.server.URL+target, p.fill(body), p.headers())
	log := p.emulator.Log()
	if got := resp.Header.Get("X-Upstream-Calls"); got != fmt.Sprint(len(log)) {
		t.Errorf("%s %s: X-Upstream-Calls is %s, upstream got %d", method, target, got, len(log))
	}
	if resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s %s: no X-Request-Id", method, target)
	}
	if p.session != nil {
		p.session.count(resp.StatusCode, len(log))
	}
	doc := decodeAnswer(t, answer)
	wantLocation(t, method+" "+target, resp, doc)
	if id, ok := doc["id"].(string); ok && resp.StatusCode == http.StatusCreated {
		p.ids = append(p.ids, id)
	}
	if doc["Resources"] != nil {
		p.cursors[0], _ = doc["nextCursor"].(string)
		p.cursors[1], _ = doc["previousCursor"].(string)
	}
	p.takeToken(doc)
	var out strings.Builder
	fmt.Fprintf(&out, "< %d\n", resp.StatusCode)
	describeHeaders(&out, resp)
	p.describeCalls(&out, log, method)
	if doc != nil {
		fmt.Fprintf(&out, "  %s\n", p.text(t, doc))
	}
	return p.mask(out.String())
}

// takeToken remembers the delta token of an answer.
func (p *player) takeToken(doc map[string]any) {
	next, _ := doc["nextDeltaToken"].(map[string]any)
	if doc["expiry"] != nil {
		next = doc
	}
	if token, ok := next["value"].(string); ok {
		p.token = token
	}
}

// headers are those of the next request.
func (p *player) headers() http.Header {
	header := http.Header{"Authorization": {"Bearer " + p.caller}, "Content-Type": {"application/scim+json"}}
	for _, given := range []http.Header{p.every, p.header} {
		for name, values := range given {
			header[name] = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
		}
	}
	p.header = http.Header{}
	return header
}

// wantLocation holds an answer that shows one resource to its Location.
func wantLocation(t *testing.T, request string, resp *http.Response, doc map[string]any) {
	t.Helper()
	meta, _ := doc["meta"].(map[string]any)
	if meta["location"] == nil || meta["created"] == nil {
		return // no resource, or not the part of it that says where it is
	}
	if got := resp.Header.Get("Location"); got != meta["location"] {
		t.Errorf("%s: Location is %q, meta.location %v", request, got, meta["location"])
	}
}

// describeHeaders writes the headers that matter. Location is that of every
// resource, and news only of one that was created.
func describeHeaders(out *strings.Builder, resp *http.Response) {
	header := resp.Header.Clone()
	if resp.StatusCode == http.StatusOK {
		header.Del("Location")
	}
	for _, name := range []string{"Accept-Encoding", "Allow", "Location", "Retry-After", "Www-Authenticate", "X-Query-Plan"} {
		if value := header.Get(name); value != "" {
			fmt.Fprintf(out, "  %s: %s\n", name, value)
		}
	}
	if media := header.Get("Content-Type"); media != "" && media != "application/scim+json" {
		fmt.Fprintf(out, "  Content-Type: %s\n", media)
	}
}

// describeCalls lists what Atlassian got. Reads go out in parallel, so those of a
// GET are sorted.
func (p *player) describeCalls(out *strings.Builder, log []emulator.Request, method string) {
	var calls []string
	for _, call := range log {
		calls = append(calls, p.mask(fmt.Sprintf("  upstream %s %s %d\n", call.Method, call.Path, call.Status)))
	}
	switch {
	case method == http.MethodGet:
		slices.Sort(calls)
	case p.unordered:
		sortReads(calls)
	}
	out.WriteString(strings.Join(calls, ""))
}

// askUpstream describes what Atlassian's directory answers to a request.
func (p *player) askUpstream(t *testing.T, method, path, body string) string {
	header := http.Header{"Authorization": {"Bearer " + emulator.DirectoryKey}, "Content-Type": {"application/scim+json"}}
	resp, answer := p.send(t, method, p.upstream+"/scim/directory/"+emulator.DirectoryID+path, body, header)
	return p.mask(fmt.Sprintf("< %d\n  %s\n", resp.StatusCode, p.text(t, decodeAnswer(t, answer))))
}

func (p *player) send(t *testing.T, method, target, body string, header http.Header) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, answer
}

func decodeAnswer(t *testing.T, answer []byte) map[string]any {
	t.Helper()
	if len(answer) == 0 {
		return nil
	}
	var doc map[string]any
	if err := json.Unmarshal(answer, &doc); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	return doc
}

// text is a document as the files have it: indented, or of a client, whose
// answers are whole, with a line for each attribute or resource.
func (p *player) text(t *testing.T, doc map[string]any) string {
	t.Helper()
	if p.session != nil {
		return attributeLines(t, doc)
	}
	if list, ok := doc["Resources"].([]any); ok {
		doc["Resources"] = endsOf(list)
	}
	text, err := json.MarshalIndent(doc, "  ", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// endsOf is a list with what is between the ends of a long one counted only.
func endsOf(list []any) []any {
	if len(list) <= 10 {
		return list
	}
	return []any{list[0], fmt.Sprintf("%d more", len(list)-2), list[len(list)-1]}
}

// sortReads puts reads between writes in the order of their paths: they may go
// out in parallel.
func sortReads(calls []string) {
	for from := 0; from < len(calls); {
		to := from
		for to < len(calls) && strings.HasPrefix(calls[to], "  upstream GET ") {
			to++
		}
		slices.Sort(calls[from:to])
		from = max(to, from+1)
	}
}

// fill puts the ids for <1>, <2>, … and the cursors.
func (p *player) fill(s string) string {
	s = strings.NewReplacer("<next>", p.cursors[0], "<previous>", p.cursors[1], "<token>", p.token).Replace(s)
	for i, id := range p.ids {
		s = strings.ReplaceAll(s, fmt.Sprintf("<%d>", i+1), id)
	}
	return s
}

var (
	cursors   = regexp.MustCompile(`"(next|previous)Cursor": "[^"]+"`)
	instant   = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	accountID = regexp.MustCompile(`("(?:atlassianA|a)ccountId": ?)"[^"]*"`)
	entityTag = regexp.MustCompile(`W/\\"[0-9a-z]+\\"`)
)

func (p *player) mask(s string) string {
	for i, id := range p.ids {
		s = strings.ReplaceAll(s, id, fmt.Sprintf("<%d>", i+1))
	}
	if p.token != "" {
		s = strings.ReplaceAll(s, p.token, "<token>")
	}
	s = cursors.ReplaceAllString(s, `"${1}Cursor": "<$1>"`)
	s = strings.ReplaceAll(s, emulator.DirectoryID, "{directory}")
	s = instant.ReplaceAllString(s, "<time>")
	s = entityTag.ReplaceAllString(s, "<version>")
	s = strings.ReplaceAll(s, p.upstream, "{atlassian}")
	return accountID.ReplaceAllString(s, `$1"<account>"`)
}
