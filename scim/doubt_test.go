package scim_test

import (
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// TestUnknownOutcomes has Atlassian's answer to a write be lost. The server looks what became of it, and says so; where it
// cannot tell it says that, and when to come back.
func TestUnknownOutcomes(t *testing.T) {
	const role = "role-10000-10002"
	grant := `[{"op":"add","path":"entitlements","value":[{"value":"` + role + `"}]}]`
	revoke := `[{"op":"remove","path":"entitlements[value eq \"` + role + `\"]"}]`
	patch := func(path, operations string) func(*facade) answer {
		return func(f *facade) answer {
			return f.do(http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`+operations+`}`)
		}
	}
	create := func(f *facade) answer { return f.do(http.MethodPost, "/Users", userBody("zoe@demo.example")) }
	tests := []struct {
		name, fault string
		do          func(f *facade, user, group string) answer
		want        int
	}{
		{"a creation", "method=POST reset=after", func(f *facade, _, _ string) answer { return create(f) }, 201},
		{"a creation that did not come through", "method=POST reset=before", func(f *facade, _, _ string) answer { return create(f) }, 504},
		{"a creation of what was there", "method=POST reset=before", func(f *facade, _, _ string) answer {
			return f.do(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+f.first("/Groups", "displayName")+`","externalId":"other"}`)
		}, 409},
		{"a change", "method=PATCH body=html", func(f *facade, u, _ string) answer {
			return patch("/Users/"+u, `[{"op":"replace","path":"active","value":false}]`)(f)
		}, 200},
		{"a change that did not come through", "method=PATCH reset=before", func(f *facade, u, _ string) answer {
			return patch("/Users/"+u, `[{"op":"replace","path":"active","value":false}]`)(f)
		}, 504},
		{"a new member", "method=PATCH reset=after", func(f *facade, u, g string) answer {
			return patch("/Groups/"+g, `[{"op":"add","path":"members","value":[{"value":"`+u+`"}]}]`)(f)
		}, 200},
		{"a deletion", "method=DELETE reset=after", func(f *facade, u, _ string) answer { return f.do(http.MethodDelete, "/Users/"+u, "") }, 204},
		{"a deletion that did not come through", "method=DELETE reset=before", func(f *facade, u, _ string) answer { return f.do(http.MethodDelete, "/Users/"+u, "") }, 504},
		{"a role", "method=POST reset=after", func(f *facade, u, _ string) answer { return patch("/Accounts/"+u, grant)(f) }, 204},
		{"a role that is taken", "method=DELETE reset=after", func(f *facade, u, _ string) answer { return patch("/Accounts/"+u, revoke)(f) }, 204},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFacade(t, emulator.Options{Users: 10, Groups: 2, Projects: 2, Seed: 1}, scim.Config{})
			user, _ := f.want(http.StatusCreated, http.MethodPost, "/Users", userBody("ann@demo.example")).at("id").(string)
			if strings.Contains(test.name, "taken") {
				f.patch(204, "/Accounts/"+user, grant)
			}
			group := f.first("/Groups", "id")
			faults, err := emulator.ParseFaults("times=1 " + test.fault)
			if err != nil {
				t.Fatal(err)
			}
			f.emulator.SetFaults(faults)
			a := test.do(f, user, group)
			if a.status != test.want {
				t.Errorf("%d, want %d: %s", a.status, test.want, a.body)
			}
			if (a.status == 504) != (a.header.Get("Retry-After") != "") {
				t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
			}
			if strings.Contains(test.name, "role") {
				holds := strings.Contains(f.get("/Accounts/"+user+"?attributes=entitlements").body, role)
				if holds == strings.Contains(test.name, "taken") {
					t.Errorf("the next read shows the role: %v", holds)
				}
			}
		})
	}
}

// TestGroupFoundAfterAll has a group be there before its creation, of which Atlassian's refusal is lost.
func TestGroupFoundAfterAll(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 10, Groups: 2, Seed: 1}, scim.Config{})
	faults, err := emulator.ParseFaults("times=1 method=POST reset=after")
	if err != nil {
		t.Fatal(err)
	}
	f.emulator.SetFaults(faults)
	f.want(http.StatusConflict, http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+f.first("/Groups", "displayName")+`"}`)
}
