package jira

import (
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
)

func TestCatalogueIsLoadedOnceForAll(t *testing.T) {
	site := newIssueSite(t, smallSite())
	now := time.Now()
	c := catalogue.New(site.jira, nil, time.Minute, func() time.Time { return now })
	load := func(fresh bool) int64 {
		t.Helper()
		before := site.calls.Load()
		var group errgroup.Group
		for range 8 {
			group.Go(func() error {
				snapshot, err := c.Get(t.Context(), mirror.Need{Fresh: fresh}, jql.StatusCatalogue)
				if err == nil && len(snapshot[jql.StatusCatalogue]) == 0 {
					t.Error("no statuses")
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		return site.calls.Load() - before
	}
	if got := load(false); got != 1 {
		t.Errorf("cold: %d calls, want 1", got)
	}
	now = now.Add(59 * time.Second)
	if got := load(false); got != 0 {
		t.Errorf("warm: %d calls, want 0", got)
	}
	if got := load(true); got != 1 {
		t.Errorf("fresh: %d calls, want 1", got)
	}
	now = now.Add(2 * time.Minute)
	if got := load(false); got != 1 {
		t.Errorf("old: %d calls, want 1", got)
	}
}

func TestCatalogueMissesNoConfiguredProject(t *testing.T) {
	for _, projects := range [][]string{{"ENG", "GONE"}, {"10000", "99999"}} {
		site := newIssueSite(t, smallSite(), projects...)
		_, err := site.catalogues.Get(t.Context(), mirror.Need{}, jql.ProjectCatalogue)
		wantError(t, err, 502, "", projects[1])
	}
	site := newIssueSite(t, smallSite(), "10000")
	snapshot, err := site.catalogues.Get(t.Context(), mirror.Need{}, jql.ComponentCatalogue, jql.ProjectCatalogue)
	if err != nil {
		t.Fatal(err)
	}
	if got := snapshot[jql.ProjectCatalogue]; len(got) != 1 || got[0].ID != "10000" {
		t.Errorf("projects %v", got)
	}
}
