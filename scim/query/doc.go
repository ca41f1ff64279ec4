// Package query is what a SCIM server knows about resources without asking
// anyone: their shape (Schema, Object), filters (Parse, Match, Simplify), plans
// for finding what a filter asks for (Choose), order (Sort) and what of a
// resource is shown (Projection). It does no I/O and its values are safe for
// concurrent reading.
package query
