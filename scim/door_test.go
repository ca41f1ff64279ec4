package scim_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/origin"
)

// TestDoor covers where requests may come from, for each kind of endpoint, and what an answer to others is.
func TestDoor(t *testing.T) {
	inside := origin.Networks{netip.MustParsePrefix("10.0.0.0/8")}
	hr := bearer("hr", auth.Read)
	hr.AllowFrom = origin.Networks{netip.MustParsePrefix("10.7.0.0/16")}
	server := serverOver(t, serve(t, emulator.New(emulator.Options{})), atlassian.Config{}, scim.Config{
		Callers: []auth.Caller{bearer("it", auth.Read), hr}, PublicDiscovery: true,
		AllowFrom: inside, TrustedProxies: origin.Networks{netip.MustParsePrefix("127.0.0.1/32")},
	})
	address := serve(t, server)
	ask := func(path, token, from string) (status int, detail string) {
		t.Helper()
		req := newRequest(t, http.MethodGet, address+path, "")
		req.Header.Set("X-Forwarded-For", from)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer struct{ Status, Detail string }
		if resp.StatusCode >= 400 {
			if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status == "" {
				t.Errorf("%s: no SCIM error: %v", path, err)
			}
		}
		return resp.StatusCode, answer.Detail
	}
	const outside, in, sevenths = "203.0.113.9", "10.1.1.1", "10.7.1.1"
	for _, test := range []struct {
		path, token, from string
		want              int
	}{
		{"/healthz", "", outside, 200},
		{"/readyz", "", outside, 200},
		{"/connector/health", "", outside, 403},
		{"/connector/health", "", in, 200},
		{"/scim/v2/ServiceProviderConfig", "", outside, 403},
		{"/scim/v2/ServiceProviderConfig", "", in, 200},
		{"/scim/v2/Users?count=1", "it", outside, 403},
		{"/scim/v2/Users?count=1", "it", in, 200},
		{"/scim/v2/Users?count=1", "hr", in, 403},
		{"/scim/v2/Users?count=1", "hr", sevenths, 200},
		{"/scim/v2/Users?count=1", "wrong", in, 401},
		{"/nowhere", "", outside, 403},
	} {
		if got, detail := ask(test.path, test.token, test.from); got != test.want {
			t.Errorf("%s as %q from %s: got %d %s, want %d", test.path, test.token, test.from, got, detail, test.want)
		}
	}
	_, detail := ask("/scim/v2/Users", "it", outside)
	if diff := cmp.Diff("Requests from 203.0.113.9 are not answered; whoever runs this server allows networks.", detail); diff != "" {
		t.Error(diff)
	}
	_, detail = ask("/scim/v2/Users", "hr", in)
	if diff := cmp.Diff("The caller hr may not call from 10.1.1.1; whoever runs this server allows networks for it.", detail); diff != "" {
		t.Error(diff)
	}

	if err := server.ReplaceCallers([]auth.Caller{bearer("new", auth.Read)}, nil); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]int{"new": 200, "it": 401, "hr": 401} {
		if got, _ := ask("/scim/v2/Users?count=1", token, outside); got != want {
			t.Errorf("after others came in their place, %s: got %d, want %d", token, got, want)
		}
	}
	unknown := bearer("unknown", auth.Read)
	unknown.Hide = []string{"User.shoeSize"}
	if err := server.ReplaceCallers([]auth.Caller{unknown}, inside); err == nil {
		t.Error("callers with an unknown attribute are taken")
	}
	if got, detail := ask("/scim/v2/Users?count=1", "new", outside); got != 200 {
		t.Errorf("after callers that cannot be used: %d %s", got, detail)
	}
}
