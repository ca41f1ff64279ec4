package scim_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// TestUserNamesOfPeople shows the userName of people in issues once the server has read
// the directory: the same in a GET and in a list, at no call, and without a change of the
// version; and what was read can be sent back.
func TestUserNamesOfPeople(t *testing.T) {
	f := newFacade(t, smallTenant, scim.Config{IssueFields: mappedFields, SnapshotTTL: time.Minute})
	users := f.want(http.StatusOK, http.MethodGet, "/Users?count=2&filter="+url.QueryEscape(`active eq true`), "")
	userName, _ := users.at("Resources", 0, "userName").(string)
	other, _ := users.at("Resources", 1, "userName").(string)
	issue := f.want(http.StatusCreated, http.MethodPost, "/Issues", `{"project":"ACC","issueType":"Access request","summary":"x","reporter":"`+userName+`"}`)
	path := "/Issues/" + issue.at("id").(string)
	before := f.want(http.StatusOK, http.MethodGet, path, "")
	f.want(http.StatusOK, http.MethodGet, "/Users?count=1&sortBy=userName", "") // reads all
	after := f.want(http.StatusOK, http.MethodGet, path, "")
	list := f.want(http.StatusOK, http.MethodGet, "/Issues?filter="+url.QueryEscape(`key eq "`+issue.at("key").(string)+`"`), "")
	if after.at("reporter", "userName") != userName || list.at("Resources", 0, "reporter", "userName") != userName {
		t.Errorf("userName of the reporter: %s\n%s", after.body, list.body)
	}
	if after.at("creator", "userName") != nil { // the administrator is not in the directory
		t.Errorf("userName of the creator: %s", after.body)
	}
	if len(after.calls) != 1 || after.at("meta", "version") != before.at("meta", "version") {
		t.Errorf("%q, versions %v and %v", after.calls, before.at("meta", "version"), after.at("meta", "version"))
	}
	f.want(http.StatusNotModified, http.MethodGet, path, "", "If-None-Match", before.at("meta", "version").(string))
	back := f.want(http.StatusOK, http.MethodPut, path, after.body)
	if count(back.calls, "PUT ") != 0 || count(back.calls, "/Users") != 0 {
		t.Errorf("what was read is sent back: %q", back.calls)
	}
	moved := f.patch(http.StatusOK, path, `[{"op":"replace","path":"reporter.userName","value":"`+other+`"}]`)
	if moved.at("reporter", "userName") != other {
		t.Errorf("another userName: %s", moved.body)
	}
	f.want(http.StatusBadRequest, http.MethodPost, "/Issues", `{"project":"ACC","issueType":"Access request","summary":"x","reporter":{"value":"`+
		after.at("reporter", "value").(string)+`","userName":"`+other+`"}}`).refused(t, "invalidValue")
	f.want(http.StatusOK, http.MethodPatch, "/Users/"+users.at("Resources", 1, "id").(string), patchBody("replace", "userName", `"renamed@demo.example"`))
	if renamed := f.want(http.StatusOK, http.MethodGet, path, ""); renamed.at("reporter", "userName") != "renamed@demo.example" {
		t.Errorf("after the person was renamed: %s", renamed.body)
	}
}

// TestLeavers finds the issues of people whose accounts Jira shows as inactive, those
// outside the directory included, as soon as they are: nothing that was read before counts.
func TestLeavers(t *testing.T) {
	options := emulator.Options{Users: 30, Groups: 3, Projects: 2, Issues: 80, Seed: 3}
	f := newFacade(t, options, scim.Config{SnapshotTTL: time.Minute})
	hold := func(attribute string) (total float64) {
		t.Helper()
		all := f.want(http.StatusOK, http.MethodGet, "/Issues?count=1000&attributes="+attribute+".active", "")
		for i := range int(all.at("itemsPerPage").(float64)) {
			if all.at("Resources", i, attribute, "active") == false {
				total++
			}
		}
		found := f.want(http.StatusOK, http.MethodGet, "/Issues?count=1000&attributes="+attribute+".active&filter="+url.QueryEscape(attribute+" pr and "+attribute+".active eq false"), "")
		if found.at("totalResults") != total {
			t.Errorf("%s: %v issues of leavers, want %v", attribute, found.at("totalResults"), total)
		}
		return total
	}
	first := hold("assignee") + hold("reporter")
	if first == 0 {
		t.Fatal("nobody has left")
	}
	issue := f.want(http.StatusOK, http.MethodGet, "/Issues?count=1&filter="+url.QueryEscape(`assignee.active eq true`), "")
	account := issue.at("Resources", 0, "assignee", "value").(string)
	user := f.want(http.StatusOK, http.MethodGet, "/Users?filter="+url.QueryEscape(`urn:scim:schemas:extension:atlassian-external:1.0:atlassianAccountId eq "`+account+`"`), "")
	f.patch(http.StatusOK, "/Users/"+user.at("Resources", 0, "id").(string), `[{"op":"replace","path":"active","value":false}]`)
	if again := hold("assignee") + hold("reporter"); again <= first {
		t.Errorf("%v issues of leavers after one more has left, %v before", again, first)
	}
}
