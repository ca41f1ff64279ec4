package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"scim-atlassian/atlassian/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFairWeather has nothing go wrong, and nothing found.
func TestFairWeather(t *testing.T) {
	r, err := run(t.Context(), options{duration: time.Second, seed: 2, clients: 4})
	if err != nil {
		t.Fatal(err)
	}
	if !r.clean() {
		t.Errorf("found something:\n%v", r)
	}
}

// TestSabotage changes the tenant behind the server's back, after the clients are done: the comparison must tell each
// change by its name.
func TestSabotage(t *testing.T) {
	tests := []struct {
		name     string
		sabotage func(t *testing.T, e *emulator.Emulator, c *client)
		want     verdict
	}{
		{"user deleted", func(t *testing.T, e *emulator.Emulator, c *client) {
			mustAsk(t, e, http.MethodDelete, directoryPath+"/Users/"+c.sure(t, c.users).id, "")
		}, lost},
		{"user changed", func(t *testing.T, e *emulator.Emulator, c *client) {
			mustAsk(t, e, http.MethodPatch, directoryPath+"/Users/"+c.sure(t, c.users).id,
				`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"Somebody else"}]}`)
		}, wrong},
		{"user invented", func(t *testing.T, e *emulator.Emulator, c *client) {
			mustAsk(t, e, http.MethodPost, directoryPath+"/Users", `{"userName":"c00-u999@demo.example","emails":[{"value":"c00-u999@demo.example","primary":true}]}`)
		}, phantom},
		{"issue doubled", func(t *testing.T, e *emulator.Emulator, c *client) {
			mustAsk(t, e, http.MethodPost, "/rest/api/3/issue", `{"fields":{"project":{"key":"ENG"},"issuetype":{"name":"Task"},"summary":"`+c.sure(t, c.issues).name+`"}}`)
		}, duplicated},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, c := aQuietDay(t)
			test.sabotage(t, w.weather.atlassian, c)
			if err := w.settle([]*client{c}); err != nil {
				t.Fatal(err)
			}
			if got := w.report.kinds(); !slices.Equal(got, []verdict{test.want}) {
				t.Errorf("got %v, want %s alone:\n%v", got, test.want, w.report)
			}
		})
	}
}

// TestSabotageWhileRead changes the tenant while a client reads.
func TestSabotageWhileRead(t *testing.T) {
	w, c := aQuietDay(t)
	user := c.sure(t, c.users)
	c.users = []*thing{user}
	mustAsk(t, w.weather.atlassian, http.MethodPatch, directoryPath+"/Users/"+user.id,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"Somebody else"}]}`)
	c.readUser(t.Context())
	mustAsk(t, w.weather.atlassian, http.MethodDelete, directoryPath+"/Users/"+user.id, "")
	c.readUser(t.Context())
	if diff := cmp.Diff([]verdict{stale, false404}, w.report.kinds()); diff != "" {
		t.Errorf("%s\n%v", diff, w.report)
	}
}

// TestReplay has one client meet the same faults at the same requests again.
func TestReplay(t *testing.T) {
	draws := func(seed uint64) (kinds []string) {
		s := newWeather(nil, seed, 0.2, []string{"empty", "html", "limit"})
		for range 200 {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/scim/directory/x/Users", nil)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, s.draw(r))
		}
		return kinds
	}
	if diff := cmp.Diff(draws(7), draws(7)); diff != "" {
		t.Errorf("the same seed differs:\n%s", diff)
	}
	if slices.Equal(draws(7), draws(8)) {
		t.Error("another seed makes the same faults")
	}
}

// aQuietDay returns a world and a client that has done something of everything.
func aQuietDay(t *testing.T) (*world, *client) {
	t.Helper()
	w, err := newWorld(options{seed: 3, clients: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	c := newClient(w, 0)
	for range 3 {
		c.createUser(t.Context())
		c.createGroup(t.Context())
		c.createIssue(t.Context())
	}
	if !w.report.clean() {
		t.Fatalf("found something:\n%v", w.report)
	}
	return w, c
}

// sure returns the first of things, which is there.
func (c *client) sure(t *testing.T, things []*thing) *thing {
	t.Helper()
	if len(things) == 0 || !c.model.surely(things[0].fact(), present) {
		t.Fatal("nothing is there for sure")
	}
	return things[0]
}

func mustAsk(t *testing.T, e *emulator.Emulator, method, path, body string) {
	t.Helper()
	if _, err := ask(e, method, path, body); err != nil {
		t.Fatal(err)
	}
}
