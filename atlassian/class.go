package atlassian

import "context"

type backgroundKey struct{}

// Background marks the operations of ctx as work that nobody waits for, such as a mirror's own reading. They come last:
// every other operation is let go before them, and they leave a part of each of upstream's limits unused. They are not
// sped up by anything that waits for them, so a request that needs an answer now must not use this context.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

func isBackground(ctx context.Context) bool {
	marked, _ := ctx.Value(backgroundKey{}).(bool)
	return marked
}
