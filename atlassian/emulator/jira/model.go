package jira

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian/emulator/jql"
	"scim-atlassian/atlassian/emulator/tenant"
)

// category is one of Jira's fixed status categories.
type category struct {
	id               int
	key, name, color string
	enum             string // as /statuses/search spells it
}

var (
	categoryNew   = &category{2, "new", "To Do", "blue-gray", "TODO"}
	categoryDoing = &category{4, "indeterminate", "In Progress", "yellow", "IN_PROGRESS"}
	categoryDone  = &category{3, "done", "Done", "green", "DONE"}
)

// status is a step of a workflow. Names are not unique.
type status struct {
	id, name string
	category *category
	scope    *project // the team-managed project that it belongs to, or nil
}

// issueType is a kind of issue. level is 1 for epics, -1 for sub-tasks.
type issueType struct {
	id, name string
	level    int
	scope    *project
}

// choice is a priority or resolution. Higher ranks are more urgent.
type choice struct {
	id, name, description string
	rank                  int
}

// part is a component or version of a project.
type part struct {
	id, name string
	project  *project
	order    int
	released bool
}

type project struct {
	id, key, name string
	team          bool // team-managed: types and statuses of its own
	lead          *tenant.Account
	types         []*issueType
	workflows     map[*issueType]*workflow
	components    []*part
	versions      []*part
	roles         map[*role]*actors
	lastNumber    int

	custom bool             // the custom fields apply
	desk   *serviceDesk     // nil: it is no service desk
	levels []*securityLevel // of its security scheme
}

// role is a project role. The map roles of a project has its holders.
type role struct {
	id                int
	name, description string
}

// actors are the holders of a role in one project, in order of joining.
type actors struct {
	accounts []*tenant.Account
	groups   []string // ids
}

// issue is one issue. Writers change a copy and put it back whole, so that a
// copy taken before stays as it was.
type issue struct {
	id          int64
	idText      string
	project     *project
	number      int
	key         string
	kind        *issueType
	status      *status
	summary     string
	description json.RawMessage // ADF, nil when empty
	environment json.RawMessage
	priority    *choice
	resolution  *choice
	assignee    *tenant.Account
	reporter    *tenant.Account
	creator     *tenant.Account
	labels      []string
	folded      []string // labels in lower case, as the index has them
	components  []string // ids
	versions    []string // ids of the fix versions
	parent      *issue
	subtasks    []*issue // children of any level
	due         string   // yyyy-mm-dd, or ""
	created     time.Time
	updated     time.Time
	resolved    time.Time // zero when open
	deleted     bool
	more        *extras // nil: none

	words *issueWords

	// While the index lags, until fresh, search sees the state stale: the
	// issue before the change, or nil if it is new.
	stale *issue
	fresh time.Time
}

// issueWords are the words of the text fields, split when a search first needs
// them.
type issueWords struct {
	summary, description, environment wordList
}

type wordList struct {
	once  sync.Once
	words []string
}

func (l *wordList) of(text func() string) []string {
	l.once.Do(func() {
		if t := text(); t != "" {
			l.words = jql.Words(t)
		}
	})
	return l.words
}

func (i *issue) setLabels(labels []string) {
	i.labels = labels
	i.folded = nil
	for _, l := range labels {
		i.folded = append(i.folded, strings.ToLower(l))
	}
}

// workflow returns the workflow that the issue follows.
func (i *issue) workflow() *workflow { return i.project.workflows[i.kind] }

// addIssue stores a new issue and gives it an id and a key.
func (j *Jira) addIssue(i *issue) {
	j.lastIssue++
	i.id = j.lastIssue
	i.idText = strconv.FormatInt(i.id, 10)
	i.project.lastNumber++
	i.number = i.project.lastNumber
	i.key = i.project.key + "-" + strconv.Itoa(i.number)
	i.words = &issueWords{}
	j.issues = append(j.issues, i)
	j.issueByID[i.idText] = i
	j.issueByKey[i.key] = i
	if i.parent != nil {
		i.parent.subtasks = append(i.parent.subtasks, i)
	}
}

// issue finds an issue by id, or by key in any case. Keys from before a move
// lead to the issue too.
func (j *Jira) issue(idOrKey string) *issue {
	i := j.issueByID[idOrKey]
	if i == nil {
		i = j.issueByKey[strings.ToUpper(idOrKey)]
	}
	if i == nil || i.sealed() {
		return nil
	}
	return i
}

// sealed reports whether nobody may see the issue.
func (i *issue) sealed() bool { s := i.x().security; return s != nil && s.sealed }

// removeIssue deletes an issue and its sub-tasks. Other children lose their
// parent.
func (j *Jira) removeIssue(i *issue) {
	for _, child := range slices.Clone(i.subtasks) {
		if child.kind.level < 0 {
			j.removeIssue(child)
		} else {
			child.parent = nil
		}
	}
	j.keepStale(i)
	i.deleted = true
	if i.parent != nil {
		i.parent.dropSubtask(i)
	}
	delete(j.issueByID, i.idText)
	for key, other := range j.movedKeys {
		if other == i {
			delete(j.issueByKey, key)
			delete(j.movedKeys, key)
		}
	}
	delete(j.issueByKey, i.key)
	if at, found := slices.BinarySearchFunc(j.issues, i.id, func(i *issue, id int64) int { return int(i.id - id) }); found {
		j.issues = slices.Delete(j.issues, at, at+1)
	}
	if j.options.IndexLag > 0 {
		over := j.tenant.Now().Add(-2 * j.options.IndexLag)
		j.ghosts = append(slices.DeleteFunc(j.ghosts, func(g *issue) bool { return g.fresh.Before(over) }), i)
	}
}

func (i *issue) dropSubtask(child *issue) {
	i.subtasks = slices.DeleteFunc(slices.Clone(i.subtasks), func(other *issue) bool { return other == child })
}

// change replaces the state of an issue by that of draft, a changed copy, and
// notes the differences in its changelog.
func (j *Jira) change(i, draft *issue, why cause) {
	now := j.tenant.Now()
	j.record(i, draft, why)
	j.keepStale(i)
	if old := i.parent; old != draft.parent {
		if old != nil {
			old.dropSubtask(i)
		}
		if draft.parent != nil {
			draft.parent.subtasks = append(slices.Clone(draft.parent.subtasks), i)
		}
	}
	draft.stale, draft.fresh = i.stale, i.fresh
	draft.subtasks = i.subtasks
	draft.words = &issueWords{}
	draft.updated = now
	*i = *draft
}

// touch marks an issue as updated now, without an entry in its changelog.
func (j *Jira) touch(i *issue) {
	j.keepStale(i)
	i.updated = j.tenant.Now()
}

// keepStale saves the present state of an issue before a change, because a
// lagging index goes on showing it.
func (j *Jira) keepStale(i *issue) {
	if j.options.IndexLag <= 0 {
		return
	}
	now := j.tenant.Now()
	if !now.Before(i.fresh) {
		before := *i
		i.stale = &before
	}
	i.fresh = now.Add(j.options.IndexLag)
}

// project finds a project by id or key. Keys are case-sensitive.
func (j *Jira) project(idOrKey string) *project {
	for _, p := range j.projects {
		if p.id == idOrKey || p.key == idOrKey {
			return p
		}
	}
	return nil
}
