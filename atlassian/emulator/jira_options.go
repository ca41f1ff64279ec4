package emulator

// JiraOptions are the switches of the Jira site.
type JiraOptions struct{}
