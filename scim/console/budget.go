package console

import (
	"fmt"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console/plot"
	"scim-atlassian/scim/console/sheet"
	"time"
)

// budget shows what bounds requests, and who uses it up.
func (c *Console) budget(v *visit) (*view, error) {
	now := c.cfg.Now()
	found := &view{}
	spenders := c.spenders(now)
	spent := c.spent(v)
	found.Tables = []*sheet.Table{spent, spenders}
	waiting, quiet := 0, 0
	if c.cfg.Sources.Gates != nil {
		gates := c.cfg.Sources.Gates()
		slots, queue, limits := slotsOf(gates), queueOf(gates), limitsOf(gates, now)
		found.Tables = []*sheet.Table{slots, queue, spenders, limits, spent}
		for _, g := range gates {
			for _, q := range g.Queue {
				waiting += q.Waiting
			}
			for _, l := range g.Limits {
				if l.Quiet.After(now) {
					quiet++
				}
			}
		}
	}
	switch {
	case quiet > 0:
		found.Lead, found.Tone = fmt.Sprintf("Upstream asked for quiet; %s.", sheet.Plural(waiting, "request waits", "requests wait")), sheet.Doubt
	case waiting > 0:
		found.Lead, found.Tone = sheet.Plural(waiting, "request waits for its turn.", "requests wait for their turn."), sheet.Doubt
	default:
		found.Lead, found.Tone = "Nothing waits: every request is sent as soon as it comes.", sheet.Good
	}
	return found, nil
}

// slotsOf shows the places for requests in flight.
func slotsOf(gates []Gate) *sheet.Table {
	t := &sheet.Table{Name: "slots", Title: "Slots", Note: "Requests that may be in flight to one upstream at a time, and repetitions of failed ones that may follow each other.",
		Columns: sheet.Columns("upstream=Upstream", "inFlight=#In flight", "slots=#Slots", "used=", "waiting=#Waiting", "repeats=#Repetitions left", "state=State"), Empty: "There is no upstream."}
	for _, g := range gates {
		waiting := 0
		for _, q := range g.Queue {
			waiting += q.Waiting
		}
		state := sheet.Cell{Text: "open for requests", Tone: sheet.Good, Value: "closed"}
		if g.Open {
			state = sheet.Cell{Text: "refuses requests: upstream is out of order", Tone: sheet.Bad, Value: "open"}
		}
		used := sheet.Cell{Plot: plot.Share(float64(g.InFlight), float64(g.Concurrent), fmt.Sprintf("%d of %d slots in use", g.InFlight, g.Concurrent)), Value: percent(g.InFlight, g.Concurrent)}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(g.Name), sheet.Count(g.InFlight), sheet.Count(g.Concurrent), used, sheet.Count(waiting), sheet.Count(g.Repeats), state})
	}
	return t
}

func percent(n, of int) int {
	if of <= 0 {
		return 0
	}
	return 100 * n / of
}

// queueOf shows who waits, and in which class.
func queueOf(gates []Gate) *sheet.Table {
	t := &sheet.Table{Name: "queue", Title: "Queue", Columns: sheet.Columns("upstream=Upstream", "class=Class", "inFlight=#In flight", "waiting=#Waiting", "longestMs=#Longest wait", "callers=Who waits"),
		Empty: "Nobody is on the way or waits."}
	for _, g := range gates {
		for _, q := range g.Queue {
			if q.InFlight+q.Waiting > 0 {
				t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(g.Name), sheet.Text(q.Class), sheet.Count(q.InFlight), sheet.Count(q.Waiting), {}, {}})
			}
		}
		for _, w := range g.Callers {
			name := w.Caller
			if name == "" {
				name = "the server itself"
			}
			t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(g.Name), sheet.Text("all"), {}, sheet.Count(w.Waiting), {Text: sheet.Span(w.Longest), Value: w.Longest.Milliseconds()}, sheet.Text(name)})
		}
	}
	return t
}

// limitsOf shows the limits of upstream as far as they are known.
func limitsOf(gates []Gate, now time.Time) *sheet.Table {
	t := &sheet.Table{Name: "limits", Title: "Rate limits", Note: "Documented by Atlassian, or told in its answers, which then wins. A route is here once it was used.",
		Columns: sheet.Columns("upstream=Upstream", "route=~Route", "perSecond=#A second", "told=Known from", "left=#Left", "of!", "used=", "reset=Until (UTC)", "quietUntil=Quiet until", "inFlight!", "sent=#Sent"),
		Empty:   "No request was sent yet."}
	for _, g := range gates {
		for _, l := range g.Limits {
			if l.Route == "" && l.PerSecond == 0 && !l.Quiet.After(now) {
				continue
			}
			row := []sheet.Cell{sheet.Text(g.Name), sheet.Code(l.Route), {}, sheet.Text("—"), {}, {}, {}, {}, {}, sheet.Count(l.InFlight), sheet.Count(l.Sent)}
			if l.Route == "" {
				row[1] = sheet.Text("all of it")
			}
			if l.PerSecond > 0 {
				row[2], row[3] = sheet.Cell{Text: fmt.Sprintf("%.3g", l.PerSecond), Value: l.PerSecond}, sheet.Text("documentation")
			}
			if l.Told {
				row[3] = sheet.Text("its answers")
			}
			if l.Of > 0 {
				row[4], row[5], row[7] = sheet.Count(l.Left), sheet.Count(l.Of), sheet.Clock(l.Reset)
				row[4].Text += " of " + row[5].Text
				row[6] = sheet.Cell{Plot: plot.Share(float64(l.Of-l.Left), float64(l.Of), fmt.Sprintf("%d of %d used", l.Of-l.Left, l.Of)), Value: percent(l.Of-l.Left, l.Of)}
			}
			if l.Quiet.After(now) {
				row[8] = sheet.Clock(l.Quiet)
				row[8].Tone = sheet.Doubt
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// spenders shows what each caller asked for in the last hour.
func (c *Console) spenders(now time.Time) *sheet.Table {
	t := &sheet.Table{Name: "callers", Title: "Who uses what", Note: "In the last hour.",
		Columns: sheet.Columns("caller=Caller", "requests=#Requests", "failed=#Failed", "upstreamCalls=#Requests to Atlassian", "share=", "p95Ms=#95 % within", "last=Last (UTC)"), Empty: "Nobody has asked for anything yet."}
	all := c.cfg.Recorder.Spenders(now)
	calls := 0
	for _, s := range all {
		calls += s.Calls
	}
	for _, s := range all {
		if s.Hour.N == 0 {
			continue
		}
		own := sheet.Cell{Value: percent(s.Calls, calls)}
		if calls > 0 {
			own.Plot = plot.Part(float64(s.Calls), float64(calls), fmt.Sprintf("%d %% of the requests to Atlassian", percent(s.Calls, calls)))
		}
		failed := sheet.Count(s.Hour.Failed)
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(s.Name), sheet.Count(s.Hour.N), failed, sheet.Count(s.Calls), own, milliseconds(s.Hour, 0.95), sheet.Moment(s.Last)})
	}
	return t
}

// spent shows what is left of the change budget.
func (c *Console) spent(v *visit) *sheet.Table {
	t := &sheet.Table{Name: "changeBudget", Title: "Change budget", Columns: sheet.Columns("caller=Caller", "what=What", "counted=#Taken away", "limit=#Limit", "used=", "of=#Of", "frees=Room again (UTC)"),
		Note:  "What one caller may delete, deactivate and remove within a time: " + c.cfg.Sources.ChangeBudget + ".",
		Empty: "Nobody has deleted, deactivated or removed anything of late."}
	if c.cfg.Sources.ChangeBudget == "" {
		t.Note, t.Empty = "", "There is no change budget: nothing is counted, and nothing bounds what a caller may delete."+c.cfg.Sources.Settings.ChangeBudget.Advice(" %s sets one.")
		return t
	}
	if c.cfg.Sources.Spent == nil {
		return t
	}
	all, err := c.cfg.Sources.Spent(v.Context())
	if err != nil {
		t.Empty = "The counts cannot be read: " + detail(err)
	}
	for _, s := range all {
		if !c.mayKnowOf(v.caller, s.What) {
			continue
		}
		of := sheet.Cell{Text: "unknown"}
		if s.Of >= 0 {
			of = sheet.Count(s.Of)
		}
		used := sheet.Cell{Plot: plot.Share(float64(s.Counted), float64(s.Limit), fmt.Sprintf("%d of %d", s.Counted, s.Limit)), Value: percent(s.Counted, s.Limit)}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(s.Caller), sheet.Text(s.What), sheet.Count(s.Counted), sheet.Count(s.Limit), used, of, sheet.Moment(s.Frees)})
	}
	return t
}

// mayKnowOf reports whether the caller may know of what somebody took away: of members, whose group is named, only who may
// read everything.
func (c *Console) mayKnowOf(caller *auth.Caller, what string) bool {
	switch what {
	case "users":
		return caller.May("User", false) || caller.May("Account", false)
	case "groups":
		return caller.May("Group", false) || caller.May("Entitlement", false)
	}
	return c.readsAll(caller)
}
