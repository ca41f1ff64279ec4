package scim

import (
	"context"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/resource"
)

// CountCall adds an upstream request to the price of the SCIM request that
// caused it, which X-Upstream-Calls and the log tell. It is meant as
// atlassian.Config.OnCall and is safe for concurrent use.
func CountCall(ctx context.Context, _ atlassian.Call) {
	resource.RequestOf(ctx).Upstream.Add(1)
}
