package reconcile

import (
	"errors"
	"time"

	"scim-atlassian/scim/resource"
)

// Report says what a run came to. FILE.report.json is that of the run that wrote
// FILE.
type Report struct {
	Resource           string      `json:"resource"`
	Mode               string      `json:"mode"` // full, or limited by the filter
	Filter             string      `json:"filter,omitzero"`
	File               string      `json:"file"`
	Complete           bool        `json:"complete"`        // proven: the file is there and has every resource, each once
	Reason             string      `json:"reason,omitzero"` // why it is not complete
	Read               int         `json:"read"`            // different resources
	Matched            int         `json:"matched"`         // resources that there are, as the last page said
	Pages              int         `json:"pages"`           // list requests
	UpstreamCalls      int         `json:"upstreamCalls"`   // requests to Atlassian
	Began              time.Time   `json:"began"`           // also of the run that was resumed: no resource was read before
	Ended              time.Time   `json:"ended"`
	DurationMs         int64       `json:"durationMs"`                  // of this run
	Resumed            int         `json:"resumed"`                     // how often an interrupted run was taken up
	StartedOver        int         `json:"startedOver"`                 // how often what was read turned out to be of no use
	StartedOverBecause string      `json:"startedOverBecause,omitzero"` // the last time
	ContentHash        string      `json:"contentHash,omitzero"`        // of a complete file, independent of the order of its lines
	Keys               *Keys       `json:"keys,omitzero"`               // of a complete file, if the resources have a recon key
	Comparison         *Comparison `json:"comparison,omitzero"`
}

// report describes the run as it stands.
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
	}
	return report
}

// reason is an error in words for people.
func reason(err error) string {
	var refused *resource.Error
	if errors.As(err, &refused) {
		return refused.Detail
	}
	return err.Error()
}
