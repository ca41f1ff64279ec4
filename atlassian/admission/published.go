package admission

import (
	"net/http"
	"strings"
)

// JiraRate returns the limits of the Jira REST API for each route, in requests a second,
// https://developer.atlassian.com/cloud/jira/platform/rate-limiting/.
func JiraRate(route string) float64 {
	switch route {
	case "GET /rest/api/3/issue/{issueIdOrKey}", "GET /rest/api/3/user", "POST /rest/api/3/search/approximate-count":
		return 150
	case "GET /rest/api/3/project/{projectIdOrKey}/role/{id}":
		return 200
	}
	switch method, _, _ := strings.Cut(route, " "); method {
	case http.MethodPut, http.MethodDelete:
		return 50
	}
	return 100
}

// OrganizationRate returns the limits that are published of the administration APIs, in requests a second: 50 and 10
// requests a minute. All others have to be learned.
func OrganizationRate(route string) float64 {
	switch {
	case strings.HasSuffix(route, "/events-stream"):
		return 50. / 60
	case strings.HasSuffix(route, "/events"):
		return 10. / 60
	}
	return 0
}

// IssueBurst and IssueRate are for writes to one issue: Jira allows 20 writes to one issue in 2 s, and 100 in 30 s. These keep within both, whenever they begin.
const IssueBurst, IssueRate = 13, 2.9
