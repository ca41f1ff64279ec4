package server

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"scim-atlassian/scim/resource"
)

// refusedByServer reports whether err is a refusal, and fails on any other error.
func refusedByServer(t *testing.T, err error) bool {
	if err == nil {
		return false
	}
	var e *resource.Error
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 499 || e.Detail == "" {
		t.Errorf("not a refusal: %v", err)
	}
	return true
}

// FuzzPathSegments holds that no path yields a segment that could reach another
// resource upstream.
func FuzzPathSegments(f *testing.F) {
	for _, path := range []string{"/scim/v2/Users/1", "/scim/v2/Users/%2e%2e%2f", "//scim/v2//Users//", "/scim/v2/Users/%2E%2e", "/scim/v2/Users/a%2Fb", "/scim/v2x", "/", "", "/scim/v2/Users/%5c", "/scim/v2/Users/%00"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		segments, err := pathSegments(path, func(string) bool { return false })
		if refusedByServer(t, err) {
			return
		}
		for _, s := range segments {
			if s == "" || s == "." || s == ".." || len(s) > maxID || strings.ContainsAny(s, `/\`) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("segment %q", s)
			}
		}
	})
}
