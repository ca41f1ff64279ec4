package scim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// TestWideBody holds that an object of more members than any schema has is refused, known or not, before Atlassian is asked.
func TestWideBody(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 1}, scim.Config{})
	var members strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&members, `,"m%d":1`, i)
	}
	got := f.do(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@example.com"`+members.String()+`}`)
	if got.status != 400 || got.doc["detail"] != "The body names more than 1000 attributes." || len(got.calls) > 0 {
		t.Errorf("got %d %s after %q", got.status, got.body, got.calls)
	}
}
