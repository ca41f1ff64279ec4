package once

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"scim-atlassian/scim/state"
)

// creation is what is noted of the creation of an issue with an externalId, before Jira is
// asked for it and after Jira has answered.
type creation struct {
	Issue string `json:"issue,omitzero"` // id; empty: no answer came
	Making
	After int       `json:"after,omitzero"` // number of the highest key known before
	At    time.Time `json:"at,omitzero"`    // when it began
}

const (
	// kind is that of the values in the state.
	kind = "issue creation"

	// remembered is how long a creation is noted: far longer than the search index lags.
	remembered = 24 * time.Hour

	// mostKept bounds what is noted without a state.
	mostKept = 10_000
)

// journal keeps creations by externalId: in a state, where they outlive the process and
// replicas see them, or without one in memory. It is safe for concurrent use.
type journal struct {
	store *state.Store // nil: none
	now   func() time.Time

	mu   sync.Mutex
	kept map[string]creation
}

func nameOf(externalID string) string {
	sum := sha256.Sum256([]byte(externalID))
	return hex.EncodeToString(sum[:16])
}

// of returns what is noted of an externalId; false: nothing.
func (j *journal) of(ctx context.Context, externalID string) (c creation, noted bool, err error) {
	if j.store == nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		c, noted = j.kept[externalID]
		return c, noted, nil
	}
	v, noted, err := j.store.Value(ctx, kind, nameOf(externalID))
	if err != nil || !noted {
		return creation{}, false, err
	}
	return c, true, json.Unmarshal(v.Data, &c)
}

func (j *journal) note(ctx context.Context, externalID string, c creation) error {
	if j.store == nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.kept == nil || len(j.kept) >= mostKept {
			j.kept = map[string]creation{}
		}
		j.kept[externalID] = c
		return nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return j.store.Put(ctx, kind, nameOf(externalID), data, j.now().Add(remembered))
}

func (j *journal) forget(ctx context.Context, externalID string) error {
	if j.store == nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.kept, externalID)
		return nil
	}
	return j.store.Remove(ctx, kind, nameOf(externalID))
}
