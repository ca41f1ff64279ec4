package mirror

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/resource"
)

// atOnce is how many requests to Atlassian are begun at the same time for one
// request; the clients' own limit is below it.
const atOnce = 16

// Parallel runs f for 0 to n-1, at most atOnce at the same time, and returns the
// first error. The context of those that are still running ends with it.
func Parallel(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return f(ctx, i) })
	}
	return group.Wait()
}

// FetchAll reads by id in parallel, and returns what there is in the order of
// ids. What is gone is left out.
func FetchAll[T any](ctx context.Context, ids []string, one func(context.Context, string) (T, error)) ([]T, error) {
	found, gone := make([]T, len(ids)), make([]bool, len(ids))
	err := Parallel(ctx, len(ids), func(ctx context.Context, i int) (err error) {
		found[i], err = one(ctx, ids[i])
		if gone[i] = resource.IsMissing(err); gone[i] {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	present := make([]T, 0, len(ids))
	for i, o := range found {
		if !gone[i] {
			present = append(present, o)
		}
	}
	return present, nil
}

// Sleep waits, or returns the error of a context that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
