// Package scim is the SCIM 2.0 server (RFC 7643, RFC 7644) in front of Atlassian Cloud. [New] makes it from a [Config];
// the result is an http.Handler. This package only puts the parts together, which are packages below it:
//
//	server     one request from its bytes to its answer: routes, body, dispatch, rendering, log and audit
//	document   reads bodies of POST, PUT and PATCH, and applies them to a resource
//	bulk       orders and runs the operations of a bulk request
//	list       the pages of a result, cursors, queries on the server root
//	auth       callers, their rights, and how they prove who they are
//	resource   the contract between these, which know no Atlassian, and the backends below, which know no HTTP
//	query      schemas, filters, plans, matching, order and projection, without I/O
//
//	directory  backends of users and groups, over the user-provisioning API
//	jira, jql  backend of issues and project roles, over Jira's REST API, and filters as JQL
//	idhub      backends of accounts and entitlements: users, groups and roles as IDHub sees them
//	mirror     what was read of users and groups, kept as fresh as requests need
//	upstream   the one table from a failure at Atlassian to the client's answer
//	connector  the endpoints that IDHub calls besides SCIM, and the test of every credential
//
// The package reconcile stands on top and exports resources to files. docs/architecture.md follows a request and two
// filters through the packages and says where to change what.
package scim
