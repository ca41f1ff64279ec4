package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBulk runs operations together, RFC 7644 section 3.7. There is a user, ann.
func TestBulk(t *testing.T) {
	post := func(id, path, data string) string {
		return fmt.Sprintf(`{"method":"POST","bulkId":%q,"path":%q,"data":%s}`, id, path, data)
	}
	group := func(member string) string {
		return `{"schemas":["` + coreGroup + `"],"displayName":"Crew","members":[{"value":"` + member + `"}]}`
	}
	for _, test := range []struct {
		name       string
		failures   string // failOnErrors, as a member
		operations []string
		want       []string // bulkId or location below the base, status, scimType
		members    string   // of the group that was made
	}{
		{"in order", "", []string{
			post("b", "/Users", userBody("bob")), `{"method":"PATCH","path":"/Users/1","data":{"Operations":[{"op":"add","path":"title","value":"x"}]}}`, `{"method":"DELETE","path":"/Users/1"}`,
		}, []string{"b /Users/2 201 ", " /Users/1 200 ", " /Users/1 204 "}, ""},
		{"a reference to what comes later", "", []string{post("g", "/Groups", group("bulkId:b")), post("b", "/Users", userBody("bob"))}, []string{"g /Groups/1 201 ", "b /Users/2 201 "}, "2"},
		{"one fails, the others do not", "", []string{post("a", "/Users", userBody("ann")), post("b", "/Users", userBody("bob"))}, []string{"a  409 uniqueness", "b /Users/2 201 "}, ""},
		{"a reference to what failed", "", []string{post("a", "/Users", userBody("ann")), post("g", "/Groups", group("bulkId:a"))}, []string{"a  409 uniqueness", "g  412 "}, ""},
		{"up to an error", `"failOnErrors":1,`, []string{post("a", "/Users", userBody("ann")), post("b", "/Users", userBody("bob"))}, []string{"a  409 uniqueness"}, ""},
		{"another version", "", []string{`{"method":"DELETE","path":"/Users/1","version":"W/\"7\""}`}, []string{" /Users/1 412 "}, ""},
		{"no resource", "", []string{`{"method":"DELETE","path":"/Users/9"}`, `{"method":"POST","bulkId":"x","path":"/Nothing","data":{}}`}, []string{" /Users/9 404 ", "x  404 "}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, nil)
			s.user("ann")
			a := s.want(200, "POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],`+test.failures+`"Operations":[`+strings.Join(test.operations, ",")+`]}`)
			var got []string
			results, _ := s.decoded(a)["Operations"].([]any)
			for _, e := range results {
				o, _ := e.(map[string]any)
				id, _ := o["bulkId"].(string)
				location, _ := o["location"].(string)
				refusal, _ := o["response"].(map[string]any)
				scimType, _ := refusal["scimType"].(string)
				got = append(got, fmt.Sprintf("%s %s %s %s", id, strings.TrimPrefix(location, "https://scim.example/scim/v2"), o["status"], scimType))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, a.body)
			}
			if test.members == "" {
				return
			}
			if g := s.want(200, "GET", "/Groups/1?attributes=members", "").body; !strings.Contains(g, `"members":[{"value":"`+test.members+`"}]`) {
				t.Errorf("the group is %s, want the member %s", g, test.members)
			}
		})
	}
}

// TestBulkLimits sends requests beyond the limits, of which no operation is run.
func TestBulkLimits(t *testing.T) {
	s := newSite(t, nil)
	one := `{"method":"POST","bulkId":"%d","path":"/Users","data":` + userBody("u%d") + `}`
	var six []string
	for i := range 6 {
		six = append(six, strings.ReplaceAll(one, "%d", fmt.Sprint(i)))
	}
	body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[%s]}`
	s.want(413, "POST", "/Bulk", fmt.Sprintf(body, strings.Join(six, ",")))
	s.want(413, "POST", "/Bulk", fmt.Sprintf(body, strings.Repeat(" ", 8192)+six[0]))
	s.want(200, "POST", "/Bulk", fmt.Sprintf(body, ""))
	s.want(400, "POST", "/Bulk", `{"Operations":"none"}`)
	if got, _, _ := s.page(s.want(200, "GET", "/Users", "")); got.Total != 0 {
		t.Errorf("refused bulk requests made %d users", got.Total)
	}
	s.want(200, "POST", "/Bulk", fmt.Sprintf(body, strings.Join(six[:5], ",")))
}
