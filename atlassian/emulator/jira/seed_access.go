package jira

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// The project ACC (Access requests) is on every site. Its workflow acts by
// itself, and its issues have custom fields of every kind.

func options(first int, values ...string) []*option {
	list := make([]*option, len(values))
	for n, value := range values {
		list[n] = &option{id: strconv.Itoa(first + n), value: value}
	}
	return list
}

// customFields lists the fields that an administrator has made. Two share a name.
func customFields() []*customField {
	regions := options(10320, "Europe", "Americas")
	regions[0].children = options(10330, "Belgium", "Germany")
	regions[1].children = options(10340, "Brazil", "Canada")
	kinds := options(10350, "Permanent", "Temporary", "Emergency")
	kinds[2].disabled = true
	return []*customField{
		{number: 10201, name: "Approver", kind: &kindPerson},
		{number: 10202, name: "Justification", kind: kindParagraph},
		{number: 10203, name: "Valid until", kind: kindDay},
		{number: 10204, name: "Risk", kind: &kindSelect, options: options(10300, "Low", "Medium", "High")},
		{number: 10205, name: "Systems", kind: kindSelects, options: options(10310, "CRM", "ERP", "Wiki")},
		{number: 10206, name: "Request URL", kind: kindURL},
		{number: 10207, name: "Approvers", kind: kindPeople},
		{number: 10208, name: "Access starts", kind: kindMoment},
		{number: 10209, name: "Region", kind: kindCascade, options: regions},
		{number: 10210, name: "Cost", kind: kindNumber},
		{number: 10211, name: "Access group", kind: &kindGroup},
		{number: 10212, name: "Access groups", kind: kindGroups},
		{number: 10213, name: "Tags", kind: kindLabels},
		{number: 10214, name: "Access kind", kind: kindRadio, options: kinds},
		{number: 10215, name: "Checks", kind: kindChecks, options: options(10360, "Duties", "Licence")},
		{number: 10216, name: "Reference", kind: kindText},
		{number: 10217, name: "Reference", kind: kindText},
		{number: 10218, name: "Found in", kind: &kindVersion},
		{number: 10219, name: "Affected releases", kind: kindVersions},
		{number: 10220, name: "Team", kind: kindTeam},
		{number: 10221, name: "Internal note", kind: kindText, offScreen: true},
		{number: 10222, name: "Silent note", kind: kindText, hidden: true},
		{number: 10223, name: "Assessment", kind: kindForeign},
	}
}

// allFields lists the fields of issues: of the system, then custom ones.
func (j *Jira) allFields() []*issueField {
	fields := append(issueFields(), surroundings()...)
	for _, f := range fields {
		f.trace = traces[f.id]
	}
	for _, f := range j.custom {
		fields = append(fields, f.issueField())
	}
	return fields
}

// surroundings are the fields that only issues of some projects show, since the
// sample data of the others are older than these fields.
func surroundings() []*issueField {
	fields := []*issueField{
		{id: "versions", name: "Affects versions", clauses: []string{"affectedVersion"}, kind: "array", items: "version",
			get: always(func(r *renderer, i *issue) any { return renderParts(r, i.x().affects, r.version) }),
			set: func(d *draft, v json.RawMessage) error {
				ids, err := d.parts("versions", "Version", d.project.versions, v)
				d.own().affects = ids
				return err
			},
			values: func(r *renderer, p *project) []any { return renderAll(p.versions, r.version) }},
		{id: "security", name: "Security Level", clauses: []string{"level"}, kind: "securitylevel", set: (*draft).setSecurity,
			get: always(func(r *renderer, i *issue) any {
				if s := i.x().security; s != nil {
					return r.level(s)
				}
				return nil
			}),
			values: func(r *renderer, p *project) []any { return renderAll(p.levels, r.level) }},
		{id: "timetracking", name: "Time tracking", kind: "timetracking", set: (*draft).setEstimate,
			get: always(func(r *renderer, i *issue) any { return i.x().estimate.shown() })},
		{id: "watches", name: "Watchers", kind: "watches", clauses: []string{"watchers"},
			get: always(func(r *renderer, i *issue) any { return r.watches(i, false) })},
		{id: "issuelinks", name: "Linked Issues", kind: "array", items: "issuelinks",
			get: always(func(r *renderer, i *issue) any { return r.links(i) })},
		{id: "comment", name: "Comment", kind: "comments-page",
			get: always(func(r *renderer, i *issue) any { return r.commentPage(i.x().comments) })},
	}
	for _, f := range fields {
		get := f.get
		f.in = func(p *project) bool { return p.custom }
		f.get = func(r *renderer, i *issue) (any, bool) {
			if !i.project.custom && i.more == nil && !r.j.linked(i) {
				return nil, false
			}
			return get(r, i)
		}
	}
	return fields
}

// linked reports whether an issue has a link to another.
func (j *Jira) linked(i *issue) bool {
	for _, l := range j.links {
		if l.from == i || l.to == i {
			return true
		}
	}
	return false
}

// setEstimate reads times such as 2d 4h. A member that is left out stays.
func (d *draft) setEstimate(v json.RawMessage) error {
	var given struct{ OriginalEstimate, RemainingEstimate *string }
	if isNull(v) {
		d.own().estimate = estimate{}
		return nil
	}
	if json.Unmarshal(v, &given) != nil {
		return denyField("timetracking", "expected Object")
	}
	e := d.x().estimate
	for _, one := range []struct {
		text *string
		to   **int
	}{{given.OriginalEstimate, &e.original}, {given.RemainingEstimate, &e.remaining}} {
		if one.text == nil {
			continue
		}
		seconds, ok := workTime(*one.text)
		if !ok {
			return denyField("timetracking", "'%s' is not a valid time: it must be like 3w 4d 12h", *one.text)
		}
		if *one.to = &seconds; *one.text == "" {
			*one.to = nil
		}
	}
	d.own().estimate = e
	return nil
}

// workUnits are in seconds: a day of work has eight hours, a week five days.
var workUnits = []struct {
	unit    string
	seconds int
}{{"w", 5 * 8 * 3600}, {"d", 8 * 3600}, {"h", 3600}, {"m", 60}}

func workTime(text string) (seconds int, ok bool) {
	for part := range strings.FieldsSeq(text) {
		n, err := strconv.Atoi(part[:len(part)-1])
		known := false
		for _, u := range workUnits {
			if strings.HasSuffix(part, u.unit) {
				seconds, known = seconds+n*u.seconds, true
			}
		}
		if err != nil || !known {
			return 0, false
		}
	}
	return seconds, true
}

func (e estimate) shown() map[string]any {
	shown := map[string]any{}
	for name, seconds := range map[string]*int{"originalEstimate": e.original, "remainingEstimate": e.remaining} {
		if seconds == nil {
			continue
		}
		var parts []string
		rest := *seconds
		for _, u := range workUnits {
			if n := rest / u.seconds; n > 0 {
				parts = append(parts, fmt.Sprintf("%d%s", n, u.unit))
				rest -= n * u.seconds
			}
		}
		if parts == nil {
			parts = []string{"0m"}
		}
		shown[name], shown[name+"Seconds"] = strings.Join(parts, " "), *seconds
	}
	return shown
}

// accessRequests makes the project ACC, without issues.
func (s *siteSeeder) accessRequests() {
	request := &issueType{id: "10005", name: "Access request"}
	approved := &status{id: "10007", name: "Approved", category: categoryDone}
	waiting, closed, rejected := s.statuses[5], s.statuses[6], s.statuses[7]
	s.types = append(s.types, request)
	s.statuses = append(s.statuses, approved)
	p := s.extraProject("19000", "ACC", "Access requests")
	p.levels = []*securityLevel{
		{id: "10100", name: "Requester and approver", description: "Whom the request concerns."},
		{id: "10101", name: "Sealed", description: "Nobody whom the site knows.", sealed: true},
	}
	s.adopt(p, []*issueType{request}, &workflow{
		statuses: []*status{waiting, approved, rejected, closed}, classic: true,
		transitions: []*transition{
			{id: "21", name: "Approve", from: []*status{waiting}, to: approved, done: func(d *draft) {
				d.assignee, d.resolution = d.reporter, s.resolutions[0]
			}},
			{id: "31", name: "Approve with conditions", from: []*status{waiting}, to: approved},
			{id: "41", name: "Reject", from: []*status{waiting}, to: rejected, screen: []onScreen{{"comment", true}}},
			{id: "51", name: "Reopen", from: []*status{approved, rejected, closed}, to: waiting, done: func(d *draft) {
				d.resolution, d.resolved = nil, time.Time{}
			}},
			{id: "61", name: "Close", from: []*status{approved}, to: closed, done: func(d *draft) { d.resolution = s.resolutions[0] }},
		},
	})
}

// extraProject adds a project in which the custom fields apply.
func (s *siteSeeder) extraProject(id, key, name string) *project {
	p := &project{
		id: id, key: key, name: name, custom: true, lead: s.accounts.WithEmail(tenant.AdminEmail),
		workflows: map[*issueType]*workflow{}, roles: map[*role]*actors{},
	}
	for n, name := range []string{"Accounts", "Roles"} {
		p.components = append(p.components, s.part(p, name, n))
	}
	for n, name := range []string{"2026.1", "2026.2"} {
		p.versions = append(p.versions, s.part(p, name, n))
	}
	for _, r := range s.roles {
		p.roles[r] = &actors{}
	}
	p.roles[s.roles[0]].accounts = []*tenant.Account{p.lead}
	s.projects = append(s.projects, p)
	return p
}
