package mirror

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/resource"
)

// atOnce is how many upstream calls one request begins at the same time. Each
// Atlassian client also limits the calls of all requests together.
const atOnce = 16

// Parallel calls f for 0 to n-1, at most 16 at the same time, and waits for all of
// them. It returns the first error, which also ends the context of the others.
func Parallel(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return f(ctx, i) })
	}
	return group.Wait()
}

// FetchAll calls one for every id in parallel and returns the results in the order
// of ids. It leaves out an id whose error resource.IsMissing recognizes; any other
// error ends it.
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

// Sleep waits for d. It returns the error of ctx if that ends first.
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
