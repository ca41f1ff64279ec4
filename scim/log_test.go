package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// TestAudit holds that every attempt to change something leaves one audit line
// that says what became of it, and that no line holds a value or a credential.
func TestAudit(t *testing.T) {
	e := emulator.New(emulator.Options{Users: 5, Seed: 1})
	upstream := httptest.NewServer(e)
	t.Cleanup(upstream.Close)
	core, logs := observer.New(zap.InfoLevel)
	srv := serverOver(t, upstream.URL, atlassian.Config{MaxRetries: -1}, scim.Config{Logger: zap.New(core), SnapshotTTL: time.Minute, Callers: []auth.Caller{
		{Name: "writer", BearerSHA256: auth.Hashes{digest("secret-of-writer")}, Rights: map[string]auth.Right{"*": auth.Write}},
		{Name: "reader", BearerSHA256: auth.Hashes{digest("secret-of-reader")}, Rights: map[string]auth.Right{"*": auth.Read}},
	}})

	const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"eve@demo.example","title":"Confidential","password":"Confidential","emails":["eve@demo.example"]}`
	patch := func(operation string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operation + `]}`
	}
	eve, group := "", ""
	for _, test := range []struct {
		name, caller, method, path, body, fault, want string
	}{
		{"read", "writer", http.MethodGet, "/Users?count=1", "", "", ""},
		{"search", "writer", http.MethodPost, "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"count":1}`, "", ""},
		{"create", "writer", http.MethodPost, "/Users", user, "", "writer done emails,title,userName eve@demo.example"},
		{"plain patch", "writer", http.MethodPatch, "/Users/<eve>", patch(`{"op":"replace","path":"title","value":"Confidential"}`), "", "writer done replace title eve@demo.example"},
		{"patch that depends", "writer", http.MethodPatch, "/Users/<eve>", patch(`{"op":"replace","path":"emails[primary eq true].value","value":"Confidential@demo.example"}`), "",
			"writer done replace emails.value eve@demo.example -> eve@demo.example: emails"},
		{"rename", "writer", http.MethodPut, "/Users/<eve>", strings.ReplaceAll(strings.ReplaceAll(user, "eve", "eva"), "Confidential", "Confidential too"), "",
			"writer done emails,title,userName eve@demo.example -> eva@demo.example: emails,title,userName"},
		{"nothing new", "writer", http.MethodPut, "/Users/<eve>", strings.ReplaceAll(strings.ReplaceAll(user, "eve", "eva"), "Confidential", "Confidential too"), "",
			"writer done emails,title,userName eva@demo.example -> eva@demo.example: "},
		{"account, its entitlements unread", "writer", http.MethodPut, "/Accounts/<eve>", `{"schemas":["urn:sath:params:scim:schemas:core:1.0:Account"],"userName":"eva@demo.example","email":"eva@demo.example","displayName":"Eva","fullName":"Eva","title":"Confidential"}`, "",
			"writer done displayName,email,fullName,title,userName eva@demo.example -> eva@demo.example: displayName,fullName,title"},
		{"create group", "writer", http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"g","members":[{"value":"<eve>"}]}`, "",
			"writer done displayName,members g set <eve>"},
		{"take", "writer", http.MethodPatch, "/Groups/<group>", patch(`{"op":"remove","path":"members[value eq \"<eve>\"]"}`), "", "writer done remove members g removed <eve>"},
		{"give", "writer", http.MethodPatch, "/Groups/<group>", patch(`{"op":"add","path":"members","value":[{"value":"<eve>"}]}`), "", "writer done add members g added <eve>"},
		{"replace", "writer", http.MethodPatch, "/Groups/<group>", patch(`{"op":"replace","path":"members","value":[{"value":"<eve>"}]}`), "", "writer done replace members g set <eve>"},
		{"take all", "writer", http.MethodPatch, "/Groups/<group>", patch(`{"op":"remove","path":"members"}`), "", "writer done remove members g removed all"},
		{"remove", "writer", http.MethodDelete, "/Users/<eve>", "", "", "writer done  "},
		{"read all", "writer", http.MethodGet, "/Groups?filter=members+pr", "", "", ""},
		{"remove what was read", "writer", http.MethodDelete, "/Groups/<group>", "", "", "writer done  g -> "},
		{"invalid", "writer", http.MethodPost, "/Users", `{"schemas":["x"]}`, "", "writer refused  "},
		{"no right", "reader", http.MethodDelete, "/Users/1", "", "", "reader refused  "},
		{"upstream fails", "writer", http.MethodDelete, "/Users/1", "", "status=401", "writer failed  "},
		{"outcome unknown", "writer", http.MethodPost, "/Users", strings.ReplaceAll(user, "eve", "dan"), "reset=after", "writer unknown emails,title,userName wanted dan@demo.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			faults, err := emulator.ParseFaults(test.fault)
			if err != nil {
				t.Fatal(err)
			}
			e.SetFaults(faults)
			logs.TakeAll()
			fill := func(text string) string { return strings.NewReplacer("<eve>", eve, "<group>", group).Replace(text) }
			req := httptest.NewRequestWithContext(t.Context(), test.method, server.BasePath+fill(test.path), strings.NewReader(fill(test.body)))
			req.Header.Set("Authorization", "Bearer secret-of-"+test.caller)
			srv.ServeHTTP(httptest.NewRecorder(), req) // the line is written when it returns, after the answer
			var got []string
			for _, entry := range logs.All() {
				line := entry.ContextMap()
				for _, secret := range []string{"secret-of-", "Confidential", emulator.DirectoryKey} {
					for name, value := range line {
						if text, ok := value.(string); ok && strings.Contains(text, secret) {
							t.Errorf("%s holds %q: %s", name, secret, text)
						}
					}
				}
				if entry.Message == "audit" {
					switch id, _ := line["id"].(string); test.name {
					case "create":
						eve = id
					case "create group":
						group = id
					}
					got = append(got, auditLine(line))
				}
			}
			var want []string
			if test.want != "" {
				want = []string{fill(test.want)}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("audit (-want +got):\n%s", diff)
			}
		})
	}
}

func auditLine(line map[string]any) string {
	var attributes []string
	if all, ok := line["attributes"].([]any); ok {
		for _, a := range all {
			attributes = append(attributes, a.(string))
		}
	}
	text := line["principal"].(string) + " " + line["outcome"].(string) + " " + strings.Join(attributes, ",") + " "
	if before, ok := line["keyBefore"].(string); ok {
		text += before + " -> "
	}
	if after, ok := line["keyAfter"].(string); ok {
		text += after
	}
	for _, what := range []string{"set", "added", "removed"} {
		if ids, ok := line[what].([]any); ok {
			text += fmt.Sprintf(" %s %v", what, ids[0])
		}
	}
	if wanted, ok := line["keyWanted"].(string); ok {
		text += "wanted " + wanted
	}
	if changed, ok := line["changed"].([]any); ok {
		names := make([]string, len(changed))
		for i, name := range changed {
			names[i] = name.(string)
		}
		text += ": " + strings.Join(names, ",")
	}
	return text
}
