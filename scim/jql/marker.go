package jql

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// markerPrefix begins the labels by which issues with an externalId are found.
const markerPrefix = "scim-id-"

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Marker returns the label of issues with an externalId. It tells nothing about
// the externalId.
func Marker(externalID string) string {
	sum := sha256.Sum256([]byte(externalID))
	return markerPrefix + lowerBase32.EncodeToString(sum[:15])
}

// IsMarker reports whether a label, in any case, is one that Marker makes.
func IsMarker(label string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(label), markerPrefix)
	return ok && len(rest) == 24
}

// Marked returns JQL for the issues in projects with the label of an externalId.
func Marked(projects []Entry, externalID string) string {
	literal, _ := quote(Marker(externalID))
	return Compiler{Catalogue: &Catalogue{}, Bound: projects}.boundary() + " AND labels = " + literal + " ORDER BY key ASC"
}

// LatestIn returns JQL for the issues of a project, the highest key first.
func LatestIn(project string) string {
	literal, _ := quote(project)
	return "project = " + literal + " ORDER BY key DESC"
}

// marked translates a condition on the externalId: equality finds its label, any
// other that is true of issues which have one finds those with labels.
func (col Column) marked(value string, equal, negated bool) part {
	switch {
	case negated:
		return part{}
	case equal:
		literal, _ := quote(Marker(value))
		return superset("labels = " + literal)
	}
	return superset("labels IS NOT EMPTY")
}
