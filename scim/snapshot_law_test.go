package scim_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// TestSnapshotLaw writes at random through the server, and holds what its
// snapshots answer to what upstream holds then: filters as TestFilterLaw does,
// and now and then every attribute of every resource.
func TestSnapshotLaw(t *testing.T) {
	for _, omit := range []bool{false, true} {
		t.Run(fmt.Sprintf("omitMembersInList=%t", omit), func(t *testing.T) {
			t.Parallel()
			options := emulator.Options{Users: 130, Groups: 8, Seed: 3}
			options.Directory.OmitMembersInList = omit
			site := newLawServer(t, options, scim.Config{SnapshotTTL: time.Hour})
			w := &lawWriter{Rand: rand.New(rand.NewPCG(5, 8)), site: site}
			laws := []*law{site.law(t, lawCollections[0]), site.law(t, lawCollections[1])}
			free := 0
			for n := range 160 {
				w.write(t, laws[0], laws[1])
				for _, l := range laws {
					l.readTruth(t)
				}
				if omit { // no members in the list: ask each group for its own
					laws[1].readMembers(t)
				}
				l := laws[n%2]
				g := newLawGenerator(l, uint64(n))
				f := g.filter(3)
				got, calls := l.list(t, url.Values{"filter": {f.String()}, "attributes": {"id"}})
				slices.Sort(got)
				if diff := cmp.Diff(l.matching(f), got); diff != "" {
					t.Errorf("%s: filter %s (-want +got):\n%s", w.last, f, diff)
				}
				if n%5 < 2 {
					if diff := cmp.Diff(l.documents(l.truth), l.documents(l.everything(t))); diff != "" {
						t.Fatalf("after %s (-want +got):\n%s", w.last, diff)
					}
				}
				if calls == 0 {
					free++
				}
			}
			if free < 30 {
				t.Errorf("only %d of 160 filters were answered from a snapshot for nothing", free)
			}
		})
	}
}

// TestSnapshotLawAtOnce has writers and readers at once, and holds the
// snapshots to what upstream holds when all are done.
func TestSnapshotLawAtOnce(t *testing.T) {
	site := newLawServer(t, emulator.Options{Users: 210, Groups: 8, Seed: 3}, scim.Config{SnapshotTTL: time.Hour})
	laws := []*law{site.law(t, lawCollections[0]), site.law(t, lawCollections[1])}
	for round := range 4 {
		var all sync.WaitGroup
		for n := range 4 {
			w := &lawWriter{Rand: rand.New(rand.NewPCG(uint64(round), uint64(n))), site: site, rivals: true, name: fmt.Sprintf("%d-%d-", round, n)}
			users, groups := *laws[0], *laws[1]
			all.Go(func() {
				for range 12 {
					w.write(t, &users, &groups)
				}
			})
			all.Go(func() {
				for i := range 12 {
					read(t, laws[i%2].server+"?filter=meta.created+pr&count=1", n == 0 && i%4 == 0)
				}
			})
		}
		all.Wait()
		for _, l := range laws {
			l.readTruth(t)
			if diff := cmp.Diff(l.documents(l.truth), l.documents(l.everything(t))); diff != "" {
				t.Fatalf("round %d, %s (-want +got):\n%s", round, l.endpoint, diff)
			}
		}
	}
}

// read makes a request that may find the list changing all the time.
func read(t *testing.T, target string, fresh bool) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer law")
	if fresh {
		req.Header.Set("Cache-Control", "no-cache")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%s: %s", target, resp.Status)
	}
}

// readMembers completes the groups of a list without members.
func (l *law) readMembers(t *testing.T) {
	for id := range l.truth {
		body, _ := bearerRequest(t, http.MethodGet, l.upstream+"/"+id, emulator.DirectoryKey, "")
		document := map[string]any{}
		if err := json.Unmarshal(body, &document); err != nil {
			t.Fatal(err)
		}
		l.show(document)
		l.truth[id] = document
	}
}

// everything is what the server shows of all resources, found by a filter that
// upstream cannot run.
func (l *law) everything(t *testing.T) map[string]map[string]any {
	body, _ := bearerRequest(t, http.MethodGet, l.server+"?filter=meta.created+pr", "law", "")
	var list struct{ Resources []map[string]any }
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for _, document := range list.Resources {
		all[document["id"].(string)] = document
	}
	if len(all) != len(list.Resources) {
		t.Errorf("%d resources, %d ids", len(list.Resources), len(all))
	}
	return all
}

// documents are the resources without what may differ: empty lists, versions,
// which upstream has none of, and URIs within references, which are its own.
func (l *law) documents(all map[string]map[string]any) map[string]string {
	texts := map[string]string{}
	cutInstants(all)
	for id, document := range all {
		for _, name := range l.multiValued {
			elements, _ := document[name].([]any)
			for _, e := range elements {
				delete(e.(map[string]any), "$ref")
			}
			if len(elements) == 0 {
				delete(document, name)
			}
		}
		delete(document["meta"].(map[string]any), "version")
		text, err := json.MarshalIndent(document, "", " ")
		if err != nil {
			panic(err) // it was JSON
		}
		texts[id] = string(text)
	}
	return texts
}

// cutInstants makes times of documents what clients are shown of them.
func cutInstants(all map[string]map[string]any) {
	for _, document := range all {
		meta := document["meta"].(map[string]any)
		for _, name := range []string{"created", "lastModified"} {
			if text, ok := meta[name].(string); ok {
				meta[name] = lawTime(text).Truncate(time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z07:00")
			}
		}
	}
}

// lawWriter makes random writes through the server.
type lawWriter struct {
	*rand.Rand
	site   lawServer
	name   string // of what it makes
	made   int
	last   string
	rivals bool // others write too, so that a write may find its target gone
}

// write makes one change that the directory accepts.
func (w *lawWriter) write(t *testing.T, users, groups *law) {
	w.made++
	user, other, group := w.pick(users), w.pick(users), w.pick(groups)
	name := fmt.Sprintf("%slaw%d", w.name, w.made)
	patch := func(op, path string, value any) string {
		o := map[string]any{"op": op, "path": path}
		if value != nil {
			o["value"] = value
		}
		return lawLiteral(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []any{o}})
	}
	refs := func(ids ...string) []any {
		var list []any
		for _, id := range ids {
			list = append(list, map[string]any{"value": id})
		}
		return list
	}
	document := func(kind string, attributes map[string]any) string {
		attributes["schemas"] = []string{"urn:ietf:params:scim:schemas:core:2.0:" + kind}
		return lawLiteral(attributes)
	}
	emails := []any{map[string]any{"value": name + "@demo.example", "type": "work", "primary": true}}
	switch w.IntN(15) {
	case 0:
		w.send(t, http.MethodPost, "/Users", document("User", map[string]any{"userName": name + "@demo.example", "displayName": name, "emails": emails}))
	case 1:
		w.send(t, http.MethodPatch, "/Users/"+user, patch("replace", "title", name))
	case 2:
		w.send(t, http.MethodPatch, "/Users/"+user, patch("replace", "userName", name+"@demo.example"))
	case 3:
		w.send(t, http.MethodPatch, "/Users/"+user, patch("replace", "active", w.IntN(2) == 0))
	case 4:
		w.send(t, http.MethodPut, "/Users/"+user, document("User", map[string]any{"userName": name + "@demo.example", "nickName": name, "emails": emails}))
	case 5:
		w.send(t, http.MethodDelete, "/Users/"+user, "")
	case 6:
		w.send(t, http.MethodPost, "/Groups", document("Group", map[string]any{"displayName": name, "members": refs(user, other)}))
	case 7:
		if len(groups.truth) > 4 && !w.rivals {
			w.send(t, http.MethodDelete, "/Groups/"+group, "")
		}
	case 8:
		w.send(t, http.MethodPatch, "/Groups/"+group, patch("replace", "members", refs(user, other)))
	case 9:
		w.send(t, http.MethodPatch, "/Groups/"+group, patch("replace", "externalId", name))
	case 10:
		w.send(t, http.MethodPatch, "/Groups/"+group, patch("remove", `members[value eq "`+w.member(groups, group, user)+`"]`, nil))
	case 11:
		w.send(t, http.MethodPut, "/Groups/"+group, document("Group", map[string]any{"displayName": groups.truth[group]["displayName"], "members": refs(user)}))
	default:
		w.send(t, http.MethodPatch, "/Groups/"+group, patch("add", "members", refs(user, other)))
	}
}

func (w *lawWriter) pick(l *law) string {
	ids := make([]string, 0, len(l.truth))
	for id := range l.truth {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids[w.IntN(len(ids))]
}

// member is a member of the group, or else the user given.
func (w *lawWriter) member(groups *law, group, user string) string {
	members, _ := groups.truth[group]["members"].([]any)
	if len(members) == 0 {
		return user
	}
	return members[w.IntN(len(members))].(map[string]any)["value"].(string)
}

func (w *lawWriter) send(t *testing.T, method, path, body string) {
	w.last = method + " " + path + " " + body
	req, err := http.NewRequestWithContext(t.Context(), method, w.site.server+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer law")
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	resp.Body.Close()
	if resp.StatusCode >= 300 && !w.rivals {
		t.Errorf("%s: %s", w.last, resp.Status)
	}
	if resp.StatusCode >= 500 {
		t.Errorf("%s: %s", w.last, resp.Status)
	}
}
