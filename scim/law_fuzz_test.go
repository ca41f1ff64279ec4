package scim_test

import (
	"testing"
	"time"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// FuzzFilterLaw holds the law of filters over random resources of every type:
// the seed makes the tenant, the filters and the orders.
func FuzzFilterLaw(f *testing.F) {
	f.Add(uint64(1), true)
	f.Add(uint64(2), false)
	f.Fuzz(func(t *testing.T, seed uint64, keep bool) {
		config := scim.Config{}
		if keep {
			config.SnapshotTTL = time.Hour
		}
		tenant := emulator.Options{Users: 20 + int(seed%150), Groups: 5 + int(seed%7), Projects: 3, Issues: 30, Seed: seed}
		server := newLawServer(t, tenant, config)
		for _, c := range lawCollections {
			server.law(t, c).holdAll(t, seed, 5, 0)
		}
		for _, c := range lawViews {
			newViewLaw(t, c, tenant, keep, config).holdAll(t, seed, 5, 0)
		}
	})
}

// FuzzIssueLaw holds the law of filters over random issues, written to meanwhile,
// while Jira's search is as imprecise, late and inconstant as it can be.
func FuzzIssueLaw(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(2))
	f.Fuzz(func(t *testing.T, seed uint64) {
		clock := &lawClock{}
		site := laggingSite(clock)
		site.Issues, site.Seed = 40+int(seed%100), seed
		l := newLaw(t, lawIssues, site)
		g := newLawGenerator(l, seed)
		for range 3 {
			l.writeIssue(t, g)
			clock.forward(time.Duration(g.IntN(20)) * time.Second)
		}
		l.readIssues(t)
		l.holdAll(t, seed, 5, 0)
	})
}
