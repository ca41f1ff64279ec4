// Package query is the part of a SCIM server that computes without asking anyone.
//
// A Schema describes the attributes of a resource type, an Object is a resource.
// Parse reads a filter into an Expr, Simplify brings it into a form that planners
// can take apart, and Match, the one evaluator, decides whether a resource
// satisfies it. Choose plans how to find the resources that a filter matches, Sort
// orders them, and a Projection says which attributes of them an answer shows.
// Join makes one schema of several types, for queries on the root; Version hashes
// a resource into its entity tag.
//
// The package does no I/O. Its values are safe for concurrent reading.
package query
