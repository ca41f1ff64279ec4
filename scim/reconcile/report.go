package reconcile

import (
	"errors"
	"time"

	"scim-atlassian/scim/resource"
)

// Report is the result of a run. The report of the run that wrote FILE is in
// FILE.report.json.
type Report struct {
	Resource           string      `json:"resource"`
	Mode               string      `json:"mode"` // full, or limited by the filter
	Filter             string      `json:"filter,omitzero"`
	File               string      `json:"file"`
	Complete           bool        `json:"complete"`        // proven: the file has every resource, each once
	Reason             string      `json:"reason,omitzero"` // why the file is not complete
	Read               int         `json:"read"`            // different resources that were read
	Matched            int         `json:"matched"`         // resources that match, as the last page told
	Pages              int         `json:"pages"`           // list requests
	UpstreamCalls      int         `json:"upstreamCalls"`   // requests to Atlassian
	Began              time.Time   `json:"began"`           // no resource was read before; a resumed run keeps the time of the first
	Ended              time.Time   `json:"ended"`
	DurationMs         int64       `json:"durationMs"`                  // of this run
	Resumed            int         `json:"resumed"`                     // how often a run went on after an interruption
	StartedOver        int         `json:"startedOver"`                 // how often the list changed, so that all was read again
	StartedOverBecause string      `json:"startedOverBecause,omitzero"` // why, the last time
	ContentHash        string      `json:"contentHash,omitzero"`        // of a complete file, whatever the order of its lines
	Keys               *Keys       `json:"keys,omitzero"`               // of a complete file whose resources have a recon key
	Comparison         *Comparison `json:"comparison,omitzero"`

	Since            string    `json:"since,omitzero"`            // delta token whose changes the file has; empty: it has everything
	Changes          *Changes  `json:"changes,omitzero"`          // of a run with Since
	AsOf             time.Time `json:"asOf,omitzero"`             // no change of before is missing; zero: see began
	ProvenAsOf       time.Time `json:"provenAsOf,omitzero"`       // when the last reading of everything began that AsOf rests on; zero: there was none
	RestsOn          string    `json:"restsOn,omitzero"`          // what complete rests on
	DeltaToken       string    `json:"deltaToken,omitzero"`       // for a run with Since that goes on from here; empty: there is no log
	DeltaTokenExpiry time.Time `json:"deltaTokenExpiry,omitzero"` // from then on everything must be read
}

// Changes counts the lines of a file by what they say.
type Changes struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
}

func (c *Changes) all() int { return c.Created + c.Updated + c.Deleted }

// What complete can rest on.
const (
	onReading = "every resource was read in this run"
	onLog     = "the log of changes: every change that was found until asOf; changes by others are found by the reading of provenAsOf and by what was told since"
)

// report describes the run at this moment.
func (r *run) report() *Report {
	report := &Report{
		Resource: r.job.Resource, Mode: "full", Filter: r.job.Filter, File: r.job.Out,
		Began: r.began, Ended: time.Now(), DurationMs: time.Since(r.began).Milliseconds(),
	}
	if r.job.Filter != "" {
		report.Mode = "limited"
	}
	if r.draft != nil {
		s := r.draft.state
		report.Read, report.Matched, report.Pages, report.UpstreamCalls = s.Lines, s.Matched, s.Pages, s.UpstreamCalls
		report.Began, report.Resumed, report.StartedOver, report.StartedOverBecause = s.Began, s.Resumed, s.StartedOver, s.Because
		report.DeltaToken, report.DeltaTokenExpiry, report.RestsOn = s.DeltaToken, s.DeltaExpiry, onReading
	}
	if r.delta != nil {
		r.delta.describe(report)
	}
	return report
}

// reason puts an error into words for people.
func reason(err error) string {
	var refused *resource.Error
	if errors.As(err, &refused) {
		return refused.Detail
	}
	return err.Error()
}
