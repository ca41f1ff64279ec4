package console

import (
	"fmt"
	"strings"
	"time"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console/sheet"
)

// reconciliations shows whether what is kept and exported is known to be complete.
func (c *Console) reconciliations(v *visit) (*view, error) {
	now := c.cfg.Now()
	found := &view{}
	if t := c.proofs(v.caller, now); t != nil {
		found.Tables = append(found.Tables, t)
	}
	var runs []Run
	var failed error
	if c.cfg.Sources.Runs != nil {
		var all []Run
		all, failed = c.cfg.Sources.Runs(v.Context())
		for _, r := range all {
			if c.mayReadKept(v.caller, typeNamed(c, r.Type)) {
				runs = append(runs, r)
			}
		}
	}
	table := runTable(runs, now)
	found.Tables = append(found.Tables, table)
	if found.Lead, found.Tone = runsLead(runs); failed != nil {
		found.Lead, found.Tone, table.Empty = "The runs cannot be read.", sheet.Doubt, detail(failed)
	}
	return found, nil
}

// typeNamed is the name of a resource type, which may be called by its endpoint.
func typeNamed(c *Console, name string) string {
	for _, rt := range c.cfg.Types {
		if strings.EqualFold(rt.Name, name) || strings.EqualFold(strings.TrimPrefix(rt.Endpoint, "/"), name) {
			return rt.Name
		}
	}
	return name
}

func runsLead(runs []Run) (string, sheet.Tone) {
	if len(runs) == 0 {
		return "No run is recorded yet.", sheet.Plain
	}
	for _, r := range runs {
		if !r.Complete {
			return fmt.Sprintf("Not every run was complete: the one of %s at %s UTC was not.", r.Type, sheet.Stamp(r.Began)), sheet.Doubt
		}
	}
	return sheet.Plural(len(runs), "run is recorded, and it was complete.", "runs are recorded, and all were complete."), sheet.Good
}

// proofs shows the readings of everything that the server makes by itself.
func (c *Console) proofs(caller *auth.Caller, now time.Time) *sheet.Table {
	if c.cfg.Sources.Copies == nil {
		return nil
	}
	t := &sheet.Table{Name: "copies", Title: "Complete readings", Note: "Only a complete reading proves that nothing is missing. What it finds that nothing had told of before is counted.",
		Columns: sheet.Columns("type=Type", "resources=#Resources", "provenAsOf=Proven (UTC)", "readings=#Readings", "failures=#Failed", "onlyByProof=#Found only so", "alarm=~Not believed"), Empty: "Nothing is kept that this caller may read."}
	for _, copied := range c.cfg.Sources.Copies() {
		if !c.mayReadKept(caller, copied.Type) {
			continue
		}
		failures := sheet.Count(copied.Failures)
		if copied.Failures > 0 {
			failures.Tone = sheet.Doubt
		}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(copied.Type), kept(copied), ago(copied.Proven, now), sheet.Count(copied.Readings), failures, sheet.Count(copied.OnlyByProof), {Text: copied.Alarm, Tone: sheet.Bad}})
	}
	return t
}

// runTable shows runs, the latest first, with the difference to the run before of the same kind.
func runTable(runs []Run, now time.Time) *sheet.Table {
	t := &sheet.Table{Name: "runs", Title: "Runs", Columns: sheet.Columns("type=~Type", "kind=Kind", "began=Began (UTC)", "took=#Took", "complete=~Complete", "read=#Resources", "difference=#To the run before", "changes=Changes", "upstreamCalls=#Requests to Atlassian"),
		Empty: "A run of `scim-atlassian reconcile` with the same state is listed here when it ends, and so is each reading of everything in the background."}
	for i, r := range runs {
		complete := sheet.Cell{Text: "complete", Tone: sheet.Good, Value: true}
		if !r.Complete {
			complete = sheet.Cell{Text: "no", Under: r.Reason, Tone: sheet.Bad, Value: false}
		}
		difference := sheet.Cell{Text: "—", Value: ""}
		for _, before := range runs[i+1:] {
			if before.Type == r.Type && before.Kind == r.Kind && before.Filter == r.Filter && before.Complete {
				if n := r.Read - before.Read; r.Complete {
					difference = sheet.Cell{Text: signed(n), Value: n}
				}
				break
			}
		}
		changes := sheet.Cell{}
		if r.Created >= 0 {
			changes = sheet.Text(fmt.Sprintf("%d created, %d changed, %d deleted", r.Created, r.Changed, r.Deleted))
		}
		calls := sheet.Cell{Text: "—", Value: ""}
		if r.Calls >= 0 {
			calls = sheet.Count(r.Calls)
		}
		t.Rows = append(t.Rows, []sheet.Cell{{Text: r.Type, Under: r.Filter}, sheet.Text(r.Kind), ago(r.Began, now), {Text: sheet.Span(r.Ended.Sub(r.Began)), Value: r.Ended.Sub(r.Began).Milliseconds()}, complete, sheet.Count(r.Read), difference, changes, calls})
	}
	return t
}

func signed(n int) string {
	switch {
	case n > 0:
		return "+" + sheet.Thousands(n)
	case n == 0:
		return "±0"
	}
	return sheet.Thousands(n)
}
