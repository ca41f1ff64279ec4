package console

import (
	"context"
	"scim-atlassian/scim/console/witness"
	"scim-atlassian/scim/resource"
	"time"
)

// Sources are where the pages get the figures of the server from. The functions are safe for concurrent use, and ask
// nothing of upstream. What is nil is not shown.
type Sources struct {
	Upstreams    func(context.Context) []Upstream // it may ask upstream for something cheap
	Credentials  func() []Credential
	Callers      func() []Caller // in the order of their names
	Gates        func() []Gate
	Copies       func() []Copy
	ChangeBudget string // as it is set; empty: nothing is counted
	Spent        func(context.Context) ([]Spent, error)
	Runs         func(context.Context) ([]Run, error)
	Trail        witness.Trail // nil: the Recorder
	Settings     Settings
}

// Settings are the operator's names of settings, for messages that offer them.
type Settings struct{ ChangeBudget, Audit resource.Setting }

// Upstream is something that the server depends on.
type Upstream struct {
	Name   string
	State  string // up, down, refused or unknown
	Since  time.Time
	Reason string         // why it is not up, in words for the operator
	Fix    string         // what to do about it
	Pulse  *witness.Pulse // nil: it is not measured
}

// Credential is a secret that ends some day.
type Credential struct {
	Name    string
	Expires time.Time // zero: nobody knows
	Note    string    // where that is from
	Fix     string    // how to replace it
}

// Caller is somebody who may call, and what is known of the secret.
type Caller struct {
	Name       string
	Made, Seen time.Time // when the secret was made, and when the caller was last heard of; zero: nobody knows
}

// Gate is what bounds the requests to one upstream.
type Gate struct {
	Name       string
	Concurrent int // requests that may be in flight
	InFlight   int
	Queue      []Queue // by class, the most urgent first
	Callers    []Waiter
	Limits     []Limit
	Repeats    int  // repetitions of failed requests that may be sent at once
	Open       bool // requests are refused, since upstream is out of order
}

// Queue counts the requests of one class.
type Queue struct {
	Class             string
	InFlight, Waiting int
}

// Waiter is a caller whose requests wait.
type Waiter struct {
	Caller  string
	Waiting int
	Longest time.Duration
}

// Limit is one limit of upstream.
type Limit struct {
	Route     string  // empty: of the API as a whole
	PerSecond float64 // 0: no limit is known
	Told      bool    // by upstream
	Left, Of  int     // of the present period; Of 0: upstream does not say
	Reset     time.Time
	Quiet     time.Time
	InFlight  int
	Sent      int
}

// Copy is what is kept of the resources of a type.
type Copy struct {
	Type        string
	Resources   int // -1: none are kept
	AsOf        time.Time
	Proven      time.Time // when the last complete reading began; zero: there was none
	Readings    int
	Failures    int
	OnlyByProof int    // changes that a complete reading found
	Alarm       string // why the last reading was not believed; empty: it was
	Read, Total int    // of a reading that is under way; Total 0: there is none
}

// Spent is what a caller has used of the change budget.
type Spent struct {
	Caller, What       string
	Counted, Limit, Of int // Of -1: nobody knows
	Frees              time.Time
}

// Run is one run of an export or of a reading of everything.
type Run struct {
	Type                      string // name or endpoint of the resource type
	Kind                      string // such as "export" or "reading"
	Filter                    string
	Began, Ended              time.Time
	Complete                  bool
	Reason                    string // why it is not complete
	Read                      int
	Calls                     int // requests to upstream; -1: not counted
	Created, Changed, Deleted int // since the run that it was compared with, or since a token; -1: not compared
}
