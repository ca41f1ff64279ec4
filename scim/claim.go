package scim

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/once"
	"scim-atlassian/scim/state"
)

// claimFor is how long a replica that dies keeps others from creating the issue
// that it was about to create: longer than a request may take.
const claimFor = 2 * time.Minute

// claims lets the replicas that share a state take turns at creating the issue with
// one externalId; nil without a state that is shared.
func claims(store *state.Store) once.Claim {
	if store == nil || !store.Shared() {
		return nil
	}
	process := rand.Text()
	return func(ctx context.Context, externalID string) (func(), error) {
		sum := sha256.Sum256([]byte(externalID))
		name, owner := "issue "+hex.EncodeToString(sum[:16]), process+rand.Text()
		for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
			lease, err := store.Acquire(ctx, name, owner, claimFor)
			if err != nil {
				return nil, err
			}
			if lease != nil {
				return func() { store.Release(context.WithoutCancel(ctx), lease) }, nil // a lease that stays ends by itself
			}
			if err := mirror.Sleep(ctx, wait); err != nil {
				return nil, err
			}
		}
	}
}
