// Package verify holds the files below deploy/ and compose.yaml to what reads them: the chart to Helm's own linter and
// renderer and to the types of Kubernetes, compose.yaml to Compose's own loader, and all of them to the names of the
// program's settings. It is a module of its own, so that the program depends on none of these.
package verify
