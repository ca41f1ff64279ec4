package scim_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/emulator"
)

// copied is what a consumer of deltas knows, by type and id.
type copied map[string]map[string]any

var elementPath = regexp.MustCompile(`^(\w+)\[value eq "(.*)"\]$`)

// apply does what a page of a delta says.
func (c copied) apply(page map[string]any) {
	for _, change := range page["Resources"].([]any) {
		change := change.(map[string]any)
		key := fmt.Sprint(change["resourceType"], " ", change["changedResourceId"])
		switch change["changeType"] {
		case "Create":
			c[key] = change["data"].(map[string]any)
		case "Delete":
			delete(c, key)
		case "Update":
			for _, op := range change["operations"].([]any) {
				c.patch(key, op.(map[string]any))
			}
		}
	}
}

// patch applies an operation as RFC 7644 section 3.5.2 has it.
func (c copied) patch(key string, op map[string]any) {
	o, path := c[key], op["path"].(string)
	if o == nil {
		return
	}
	without := func(name, value string) []any {
		list, _ := o[name].([]any)
		return slices.DeleteFunc(slices.Clone(list), func(e any) bool { return e.(map[string]any)["value"] == value })
	}
	switch m := elementPath.FindStringSubmatch(path); {
	case m != nil:
		o[m[1]] = without(m[1], m[2])
	case op["op"] == "remove":
		delete(o, path)
	case op["op"] == "replace":
		o[path] = op["value"]
	case op["op"] == "add":
		for _, e := range op["value"].([]any) {
			o[path] = append(without(path, e.(map[string]any)["value"].(string)), e)
		}
	}
}

// sorted orders members and groups, whose order means nothing, and drops empty lists.
func (c copied) sorted() copied {
	for _, o := range c {
		for _, name := range []string{"members", "groups"} {
			list, _ := o[name].([]any)
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			if o[name] = list; len(list) == 0 {
				delete(o, name)
			}
		}
	}
	return c
}

// readAll reads types in full.
func (r *remembering) readAll(t *testing.T, endpoints []string) copied {
	t.Helper()
	all := copied{}
	for _, endpoint := range endpoints {
		for _, o := range r.find(t, "/"+endpoint, "").Resources {
			all[strings.TrimSuffix(endpoint, "s")+" "+o["id"].(string)] = o
		}
	}
	return all
}

// churn makes a random change, through the server or past it.
func (r *remembering) churn(t *testing.T, rng *rand.Rand, users, groups *[]string) {
	t.Helper()
	request := func(method, path, body string) map[string]any {
		if rng.IntN(2) == 0 {
			return r.direct(t, method, path, body)
		}
		document, _ := r.do(t, method, path, body)
		return document
	}
	user, group := rng.IntN(len(*users)), rng.IntN(len(*groups))
	switch n := rng.IntN(10); {
	case n == 0:
		created := request(http.MethodPost, "/Users", userBody(fmt.Sprintf("new%d@demo.example", rng.Int64())))
		*users = append(*users, created["id"].(string))
	case n == 1 && len(*users) > 5:
		request(http.MethodDelete, "/Users/"+(*users)[user], "")
		*users = slices.Delete(*users, user, user+1)
	case n < 5:
		request(http.MethodPatch, "/Users/"+(*users)[user], patchBody("replace", "title", fmt.Sprintf(`"Title %d"`, rng.IntN(5))))
	case n == 5 && len(*groups) < 6:
		body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Group %d","members":[{"value":"%s"}]}`, rng.Int64(), (*users)[user])
		*groups = append(*groups, request(http.MethodPost, "/Groups", body)["id"].(string))
	case n == 5:
		request(http.MethodDelete, "/Groups/"+(*groups)[group], "")
		*groups = slices.Delete(*groups, group, group+1)
	case n < 8:
		request(http.MethodPatch, "/Groups/"+(*groups)[group], patchBody("add", "members", `[{"value":"`+(*users)[user]+`"}]`))
	default:
		remove := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"` + (*users)[user] + `\"]"}]}`
		request(http.MethodPatch, "/Groups/"+(*groups)[group], remove)
	}
}

// churnOthers makes a random change of an account that the directory does not have.
func (r *remembering) churnOthers(t *testing.T, rng *rand.Rand, users *[]string) {
	t.Helper()
	others := r.find(t, "/Accounts", "provisioned eq false and email ew \"@demo.example\"", "attributes", "userName").Resources
	if len(others) == 0 {
		return
	}
	other := others[rng.IntN(len(others))]
	action := []string{"enable", "disable"}[rng.IntN(2)]
	switch rng.IntN(12) {
	case 0, 1, 2, 3:
		op := []string{"add", "remove"}[rng.IntN(2)]
		r.send(t.Context(), http.MethodPatch, "/Accounts/"+other["id"].(string), patchBody(op, "entitlements", `[{"value":"role-19000-10003"}]`))
	case 4, 5, 6, 7: // past the server
		req := newRequest(t, http.MethodPost, r.root+"/users/"+other["id"].(string)+"/manage/lifecycle/"+action, `{}`)
		req.Header.Set("Authorization", "Bearer "+emulator.OrganizationKey)
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	case 8, 9, 10:
		r.send(t.Context(), http.MethodPatch, "/Accounts/"+other["id"].(string), patchBody("replace", "active", fmt.Sprint(action == "enable")))
	default: // it gets a record in the directory, unless somebody has given it one
		if name := url.QueryEscape(fmt.Sprintf("userName eq %q", other["userName"])); r.direct(t, http.MethodGet, "/Users?filter="+name, "")["totalResults"].(float64) > 0 {
			return
		}
		created := r.direct(t, http.MethodPost, "/Users", userBody(other["userName"].(string)))
		*users = append(*users, created["id"].(string))
	}
}

// grant gives a person a project role, or takes it away.
func (r *remembering) grant(t *testing.T, rng *rand.Rand) {
	t.Helper()
	r.waited.Add(int64(time.Minute)) // nobody is found who is gone
	users := r.find(t, "/Users", "active eq true").ids()
	var roles []string
	for _, id := range r.find(t, "/Entitlements", "").ids() {
		if strings.HasPrefix(id, "role-") {
			roles = append(roles, id)
		}
	}
	path, user := "/Entitlements/"+roles[rng.IntN(len(roles))], users[rng.IntN(min(3, len(users)))]
	r.do(t, http.MethodPatch, path, patchBody("add", "members", `[{"value":"`+user+`"}]`))
	if rng.IntN(2) == 0 {
		r.do(t, http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"`+user+`\"]"}]}`)
	}
}

// TestDeltaIsTheTruth has a consumer take a token, read in full and apply what changed,
// page by page, while there are writes through the server and past it, and the server
// starts again. In the end it knows exactly what is there.
func TestDeltaIsTheTruth(t *testing.T) {
	about := []struct {
		path         string
		endpoints    []string
		organization bool
	}{
		{"", []string{"Users", "Groups"}, false}, {"", []string{"Users", "Groups"}, false}, {"/Accounts", []string{"Accounts"}, false},
		{"/Entitlements", []string{"Entitlements"}, false}, {"/Accounts", []string{"Accounts"}, true},
	}
	for seed := range uint64(10) {
		about := about[seed%5]
		t.Run(fmt.Sprint(about.path, " organization ", about.organization, " seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 12))
			r := newRemembering(t, emulator.Options{Users: 12, Groups: 3, Seed: seed + 1})
			if r.organization = about.organization; r.organization {
				r.start(t)
			}
			document, _ := r.do(t, http.MethodGet, about.path+"/.deltaToken", "")
			token := document["value"].(string)
			users, groups := r.find(t, "/Users", "").ids(), r.find(t, "/Groups", "").ids()
			churn := func(most int) {
				for range rng.IntN(most + 1) {
					r.churn(t, rng, &users, &groups)
					if r.organization {
						r.churnOthers(t, rng, &users)
					}
				}
			}
			churn(5)
			known := r.readAll(t, about.endpoints)
			for round := range 8 {
				churn(12)
				if about.path != "" {
					r.grant(t, rng)
				}
				if rng.IntN(2) == 0 || round == 7 {
					r.waited.Add(int64(time.Minute)) // what others did is found then
				}
				if round == 4 {
					r.start(t)
				}
				between := churn
				if round == 7 {
					between = func(int) {}
				}
				token = r.follow(t, about.path, known, token, 1+rng.IntN(6), between)
			}
			if diff := cmp.Diff(r.readAll(t, about.endpoints).sorted(), known.sorted()); diff != "" {
				t.Errorf("copy (-truth +copy):\n%s", diff)
			}
		})
	}
}

// follow applies all pages of a delta, with something done between them, and returns
// the token for the next one.
func (r *remembering) follow(t *testing.T, path string, known copied, token string, count int, between func(most int)) string {
	t.Helper()
	for cursor := ""; ; {
		body, err := json.Marshal(map[string]any{"deltaToken": token, "count": count, "cursor": cursor})
		if err != nil {
			t.Fatal(err)
		}
		page, _ := r.do(t, http.MethodPost, path+"/.delta", string(body))
		known.apply(page)
		if next, last := page["nextDeltaToken"].(map[string]any); last {
			return next["value"].(string)
		}
		if cursor, _ = page["nextCursor"].(string); cursor == "" {
			t.Fatalf("neither a cursor nor a token: %v", page)
		}
		between(1)
	}
}
