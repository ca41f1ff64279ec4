package jira

import (
	"context"
	"strings"
	"testing"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// richIssue makes an issue whose description has what no text can say.
func richIssue(t *testing.T, site *issueSite) query.Object {
	t.Helper()
	const card = `{"type":"blockCard","attrs":{"url":"https://plan.example/7"}}`
	document := `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"Please give "},` +
		`{"type":"text","text":"access","marks":[{"type":"strong"}]}],"marks":[{"type":"alignment","attrs":{"align":"center"}}]},` + card + `]}`
	created, err := site.Create(t.Context(), site.doc(map[string]any{
		"project": map[string]any{"key": "ENG"}, "issueType": map[string]any{"name": "Task"}, "summary": "Access", "descriptionAdf": document,
	}))
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func TestDescriptionKeepsWhatTextCannotSay(t *testing.T) {
	site := newIssueSite(t, smallSite())
	created := richIssue(t, site)
	id, text := created.Text("id"), created.Text("description")
	first, token, _ := strings.Cut(text, "\n\n")
	if first != "Please give **access**" || !strings.HasPrefix(token, "⟦adf:blockCard:") {
		t.Fatalf("reads %q", text)
	}
	refused := func(err error, naming string) {
		t.Helper()
		wantError(t, err, 400, resource.TypeInvalidValue)
		if err != nil && !strings.Contains(err.Error(), naming) {
			t.Errorf("%v does not name %s", err, naming)
		}
	}
	set := func(ops ...resource.Operation) (query.Object, error) { return site.patch(t.Context(), id, ops) }
	changed, err := set(site.op(t, "replace", "description", "Please give **more access**\n\n"+token))
	if err != nil {
		t.Fatal(err)
	}
	if got := changed.Text("descriptionAdf"); !strings.Contains(got, "blockCard") || !strings.Contains(got, "alignment") || !strings.Contains(got, "more access") {
		t.Errorf("document %s", got)
	}
	_, err = set(site.op(t, "replace", "description", "Nothing"))
	refused(err, "blockCard")
	_, err = set(site.op(t, "remove", "description", nil))
	refused(err, "blockCard")
	_, err = set(site.op(t, "replace", "description", text+"\n\n⟦adf:media:0123456789ab⟧"))
	refused(err, "media:0123456789ab")
	_, err = set(site.op(t, "replace", "description", strings.Repeat("x", 32768)+"\n\n"+token))
	refused(err, "32767")
	_, err = set(site.op(t, "replace", "descriptionLoss", "yes"))
	refused(err, "accept")
	_, err = set(site.op(t, "replace", "descriptionAdf", `{"type":"doc","version":1,"content":[{"type":"listItem"}]}`))
	refused(err, "doc.content[0]: a listItem cannot stand in a doc")
	changed, err = set(site.op(t, "replace", "description", "Nothing"), site.op(t, "add", "descriptionLoss", "accept"))
	if err != nil || changed.Text("description") != "Nothing" {
		t.Errorf("accepted: %v, %v", changed, err)
	}
	if changed, err = set(site.op(t, "remove", "description", nil)); err != nil || changed.Text("descriptionAdf") != "" {
		t.Errorf("cleared: %v, %v", changed, err)
	}
}

// TestPlainDescription: a caller with rich_text plain reads and writes as before.
func TestPlainDescription(t *testing.T) {
	site := newIssueSite(t, smallSite())
	id := richIssue(t, site).Text("id")
	ctx := resource.WithRequest(context.Background(), &resource.Request{Policy: resource.Policy{PlainText: true}})
	read, err := site.Get(ctx, id, query.Projection{})
	if err != nil || read.Text("description") != "Please give access\n\n<https://plan.example/7>" {
		t.Fatalf("reads %q, %v", read.Text("description"), err)
	}
	changed, err := site.patch(ctx, id, []resource.Operation{site.op(t, "replace", "description", "a **b**")})
	if err != nil || changed.Text("description") != "a **b**" || strings.Contains(changed.Text("descriptionAdf"), "strong") {
		t.Errorf("%v, %v", changed, err)
	}
}
