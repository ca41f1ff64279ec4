package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/resource"
)

// refusalOf gives the status and scimType of err, "" for none.
func refusalOf(tb testing.TB, err error) string {
	tb.Helper()
	if err == nil {
		return ""
	}
	e := resource.AsError(err)
	if e.Status < 400 || e.Status > 499 || e.Detail == "" || strings.Contains(e.Detail, "%!") {
		tb.Errorf("not a refusal that helps: %v", err)
	}
	return strings.TrimSpace(http.StatusText(e.Status) + " " + e.Type)
}

// What refusalOf gives.
const (
	badFilter     = "Bad Request invalidFilter"
	badPath       = "Bad Request invalidPath"
	badSyntax     = "Bad Request invalidSyntax"
	badValue      = "Bad Request invalidValue"
	badMutability = "Bad Request mutability"
	badTarget     = "Bad Request noTarget"
)

func decode(tb testing.TB, text string) any {
	tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return v
}
