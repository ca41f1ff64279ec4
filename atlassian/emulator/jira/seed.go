package jira

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// Seed fills the site: the catalogues that every site has, then projects, then
// issues, and last the project of access requests, so that the others stay what
// they are without it. The accounts are there already. Nobody else may use the tenant yet.
func (j *Jira) Seed(rng *rand.Rand, projects, issues int) {
	s := &siteSeeder{Rand: rng, Jira: j}
	s.catalogues()
	for n := range projects {
		s.project(n)
	}
	s.people()
	s.texts()
	if len(j.projects) > 0 {
		for n := range issues {
			s.issue(n, issues)
		}
	}
	s.accessRequests()
	if s.options.ServiceDesk {
		s.serviceDesk()
	}
}

// GrantRoles gives project roles to people and to groups of the directory.
func (j *Jira) GrantRoles(people []*tenant.Account) {
	groups := slices.DeleteFunc(j.tenant.GroupsAt(j.tenant.Now()), func(g tenant.Group) bool { return !g.Synced })
	for n, p := range j.projects {
		member, viewer := p.roles[j.roles[1]], p.roles[j.roles[2]]
		viewer.join(&actors{accounts: []*tenant.Account{people[n%len(people)]}})
		if len(groups) > 0 {
			member.join(&actors{groups: []string{groups[n%len(groups)].ID}})
			viewer.join(&actors{groups: []string{groups[(n+1)%len(groups)].ID}})
		}
	}
}

// siteSeeder makes the sample data of a site.
type siteSeeder struct {
	*rand.Rand
	*Jira
	staff     []*tenant.Account // may be assigned issues
	former    []*tenant.Account // people who have left
	documents [][]byte          // descriptions; issues share them
}

// newID returns an id for an object that is neither an issue nor part of the
// fixed catalogues.
func (s *siteSeeder) newID() string {
	s.lastID++
	return strconv.Itoa(s.lastID)
}

// chance reports true in percent cases of a hundred.
func (s *siteSeeder) chance(percent int) bool { return s.IntN(100) < percent }

func (s *siteSeeder) catalogues() {
	for n, name := range []string{"Highest", "High", "Medium", "Low", "Lowest"} {
		s.priorities = append(s.priorities, &choice{strconv.Itoa(n + 1), name, name + " priority.", 5 - n})
	}
	for n, name := range []string{"Done", "Won't Do", "Duplicate", "Cannot Reproduce"} {
		s.resolutions = append(s.resolutions, &choice{strconv.Itoa(10000 + n), name, "", n + 1})
	}
	for n, name := range []string{"Administrators", "Member", "Viewer"} {
		s.roles = append(s.roles, &role{10002 + n, name, name + " of the project"})
	}
	for n, name := range []string{"Epic", "Story", "Task", "Bug", "Sub-task"} {
		s.types = append(s.types, &issueType{id: strconv.Itoa(10000 + n), name: name, level: typeLevel(name)})
	}
	s.statuses = []*status{
		{id: "10000", name: "To Do", category: categoryNew},
		{id: "3", name: "In Progress", category: categoryDoing},
		{id: "10001", name: "In Review", category: categoryDoing},
		{id: "10002", name: "Done", category: categoryDone},
		{id: "1", name: "Open", category: categoryNew},
		{id: "10003", name: "Waiting for approval", category: categoryDoing},
		{id: "10004", name: "Done", category: categoryDone}, // a second one of that name
		{id: "10005", name: "Rejected", category: categoryDone},
		{id: "10006", name: "Archived", category: categoryDone}, // in no workflow
	}
}

// siteTypes is the number of types that belong to the site. In the list of types
// they precede those of team-managed projects.
const siteTypes = 5

func typeLevel(name string) int {
	switch name {
	case "Epic":
		return 1
	case "Sub-task", "Subtask":
		return -1
	}
	return 0
}

var projectNames = []struct{ key, name string }{
	{"ENG", "Engineering"}, {"OPS", "Operations & Support"}, {"HR", "People"}, {"MKT", "Marketing"}, {"FIN", "Finance"},
	{"SEC", "Security"}, {"WEB", "Website"}, {"APP", "Mobile App"}, {"DATA", "Data Platform"}, {"LEGAL", "Legal"},
}

// project makes the nth project. Every second of three has a workflow that
// must be walked step by step, every third is team-managed.
func (s *siteSeeder) project(n int) {
	p := &project{id: strconv.Itoa(10000 + n), workflows: map[*issueType]*workflow{}, roles: map[*role]*actors{}}
	if n < len(projectNames) {
		p.key, p.name = projectNames[n].key, projectNames[n].name
	} else {
		p.key, p.name = fmt.Sprintf("P%d", n+1), fmt.Sprintf("Project %d", n+1)
	}
	p.lead = s.accounts.WithEmail(tenant.AdminEmail)
	switch n % 3 {
	case 0:
		s.adopt(p, s.types[:siteTypes:siteTypes], simpleWorkflow(s.statuses))
		short := simpleWorkflow(s.statuses)
		short.statuses = append(short.statuses[:2:2], short.statuses[3])
		short.transitions = append(short.transitions[:2:2], short.transitions[3])
		p.workflows[s.types[0]] = short
	case 1:
		s.adopt(p, s.types[1:siteTypes:siteTypes], strictWorkflow(s.statuses)) // without epics
	case 2:
		s.teamManaged(p)
	}
	for n, name := range []string{"API", "UI", "Database", "Infrastructure & Tools"} {
		p.components = append(p.components, s.part(p, name, n))
	}
	for n, name := range []string{"1.0", "1.1", "2.0 (LTS)", "Backlog"} {
		v := s.part(p, name, n)
		v.released = n < 2
		p.versions = append(p.versions, v)
	}
	for _, r := range s.roles {
		p.roles[r] = &actors{}
	}
	p.roles[s.roles[0]].accounts = []*tenant.Account{p.lead}
	s.projects = append(s.projects, p)
}

func (s *siteSeeder) adopt(p *project, types []*issueType, w *workflow) {
	p.types = types
	for _, t := range types {
		p.workflows[t] = w
	}
}

func (s *siteSeeder) part(p *project, name string, order int) *part {
	made := &part{id: s.newID(), name: name, project: p, order: order}
	s.parts[made.id] = made
	return made
}

// simpleWorkflow leads from anywhere to anywhere; Done asks for a resolution.
func simpleWorkflow(all []*status) *workflow {
	w := &workflow{statuses: all[:4:4]}
	for n, to := range w.statuses {
		w.transitions = append(w.transitions, &transition{
			id: strconv.Itoa(10*n + 11), name: to.name, to: to, screen: doneScreen(to),
		})
	}
	return w
}

func doneScreen(to *status) []onScreen {
	if to.category == categoryDone {
		return resolutionScreen
	}
	return nil
}

// strictWorkflow must be walked step by step: an open issue cannot be done at
// once. Two transitions share a name.
func strictWorkflow(all []*status) *workflow {
	open, doing, waiting, done, rejected := all[4], all[1], all[5], all[6], all[7]
	return &workflow{
		statuses: []*status{open, doing, waiting, done, rejected},
		transitions: []*transition{
			{id: "5", name: "Start work", from: []*status{open}, to: doing},
			{id: "6", name: "Ask for approval", from: []*status{doing}, to: waiting},
			{id: "7", name: "Close", from: []*status{waiting}, to: done, screen: resolutionScreen},
			{id: "8", name: "Close", from: []*status{open, waiting}, to: rejected, screen: resolutionScreen},
			{id: "9", name: "Back to work", from: []*status{waiting, rejected}, to: doing},
			{id: "10", name: "Reopen", from: []*status{done}, to: open},
		},
	}
}

// teamManaged gives a project types and statuses of its own, with the names
// that others have too. Nothing asks for a resolution there.
func (s *siteSeeder) teamManaged(p *project) {
	p.team = true
	w := &workflow{}
	for n, c := range []*category{categoryNew, categoryDoing, categoryDone} {
		own := &status{id: s.newID(), name: c.name, category: c, scope: p}
		s.statuses = append(s.statuses, own)
		w.statuses = append(w.statuses, own)
		w.transitions = append(w.transitions, &transition{id: strconv.Itoa(10*n + 11), name: c.name, to: own})
	}
	var types []*issueType
	for _, name := range []string{"Epic", "Story", "Task", "Subtask"} {
		types = append(types, &issueType{id: s.newID(), name: name, level: typeLevel(name), scope: p})
	}
	s.types = append(s.types, types...)
	s.adopt(p, types, w)
}

func (s *siteSeeder) people() {
	for _, a := range s.accounts.All() {
		switch {
		case assignable(a):
			s.staff = append(s.staff, a)
		case a.Kind == tenant.KindPerson:
			s.former = append(s.former, a)
		}
	}
	for _, p := range s.projects {
		held := p.roles[s.roles[1]]
		for range min(3, len(s.staff)) {
			held.join(&actors{accounts: []*tenant.Account{tenant.Pick(s.Rand, s.staff)}}) // a second pick of a person is refused
		}
	}
}

// issue makes the nth of all issues. One of a hundred was moved from another
// project.
func (s *siteSeeder) issue(n, all int) {
	p := s.projects[n%len(s.projects)]
	span := 66 * 30 * 24 * time.Hour / time.Duration(all)
	i := &issue{
		project: p, summary: s.summary(), creator: tenant.Pick(s.Rand, s.staff), reporter: tenant.Pick(s.Rand, s.staff),
		created: tenant.Epoch.Add(time.Duration(n)*span + time.Duration(s.IntN(86_400_000))*time.Millisecond),
	}
	i.created = i.created.Truncate(time.Millisecond)
	s.place(i)
	s.progress(i)
	s.describe(i)
	s.addIssue(i)
	if i.number%97 == 13 && len(s.projects) > 1 {
		from := s.projects[(n+1)%len(s.projects)]
		from.lastNumber++
		key := from.key + "-" + strconv.Itoa(from.lastNumber)
		s.issueByKey[key], s.movedKeys[key] = i, i
	}
}

// place chooses type and parent: epics first, sub-tasks below the issue before.
func (s *siteSeeder) place(i *issue) {
	types := i.project.types
	sub := types[len(types)-1]
	i.kind = tenant.Pick(s.Rand, types[:len(types)-1])
	if i.kind.level > 0 && s.chance(80) {
		i.kind = types[1]
	}
	var epic, before *issue
	for n := len(s.issues) - 1; n >= 0 && n > len(s.issues)-60 && (epic == nil || before == nil); n-- {
		switch other := s.issues[n]; {
		case other.project != i.project:
		case other.kind.level > 0 && epic == nil:
			epic = other
		case other.kind.level == 0 && before == nil:
			before = other
		}
	}
	switch {
	case before != nil && s.chance(12):
		i.kind, i.parent = sub, before
	case epic != nil && i.kind.level == 0 && s.chance(60):
		i.parent = epic
	}
}

// progress chooses status, resolution and dates.
func (s *siteSeeder) progress(i *issue) {
	i.status = tenant.Pick(s.Rand, i.workflow().statuses)
	i.updated = i.created.Add(time.Duration(s.IntN(20*86_400_000)) * time.Millisecond)
	if i.status.category == categoryDone {
		i.resolution = tenant.Pick(s.Rand, s.resolutions)
		i.resolved = i.updated
	}
	if s.chance(30) {
		i.due = i.created.AddDate(0, 0, s.IntN(90)).Format(time.DateOnly)
	}
	if !s.chance(4) {
		i.priority = tenant.Pick(s.Rand, s.priorities)
	}
}

// describe fills in the rest.
func (s *siteSeeder) describe(i *issue) {
	switch {
	case s.chance(20):
	case len(s.former) > 0 && s.chance(5):
		i.assignee = tenant.Pick(s.Rand, s.former)
	default:
		i.assignee = tenant.Pick(s.Rand, s.staff)
	}
	if !s.chance(15) {
		i.description = tenant.Pick(s.Rand, s.documents)
	}
	if s.chance(8) {
		i.environment = tenant.Pick(s.Rand, s.documents)
	}
	i.setLabels(s.some(seedLabels))
	for n := range s.IntN(3) {
		if s.chance(40) {
			i.components = append(i.components, i.project.components[n].id)
		}
		if s.chance(25) {
			i.versions = append(i.versions, i.project.versions[n+1].id)
		}
	}
}
