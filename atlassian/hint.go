package atlassian

import (
	"regexp"
	"slices"
	"strings"
)

// Hint is what an entry of an audit log points to: what should be read again, because something about it may have changed.
// It says nothing about how the thing is now. The zero Hint points to nothing that is kept here.
type Hint struct {
	Accounts   []string // account ids
	Emails     []string // of accounts whose id is not told
	Groups     []string // ids as Jira and the organization have them
	GroupNames []string // of groups whose id is not told
	Projects   []string // ids of Jira projects, whose roles should be read

	// Something of the kind has changed, and it is not told which: only a comparison of counts or a scan can find it.
	SomeAccount, SomeGroup, SomeProject bool

	// Unknown says that the kind of entry is not known and that it names nothing either.
	Unknown bool
}

// kind is what the action of an event is about.
type kind uint8

const (
	aboutUnknown kind = iota
	aboutNothing      // that is kept here
	aboutAccount
	aboutGroup
	aboutMember // an account in a group: either of them will do
)

// actionKinds are actions whose names the words in them would not tell.
var actionKinds = map[string]kind{
	"user_logged_in_as_user":            aboutNothing,
	"user_login":                        aboutNothing,
	"user_login_failed":                 aboutNothing,
	"user_logout":                       aboutNothing,
	"org_settings_update":               aboutNothing,
	"user_invitation_sent":              aboutAccount,
	"added_org_admin":                   aboutAccount,
	"twosv_disabled_for_user":           aboutAccount,
	"confluence_added_space_permission": aboutNothing,
	"group_granted_admin_access":        aboutGroup,
	"user_added_to_group":               aboutMember,
	"user_removed_from_group":           aboutMember,
	"confluence_audit_record_removed_content_restriction": aboutNothing,
}

// actionEnds and actionWords are tried in this order on a name that is not in the table. Atlassian publishes no list.
var (
	actionEnds  = []string{"_viewed", "_policy_update"}
	actionWords = []struct {
		words []string
		about kind
	}{
		{[]string{"group_member"}, aboutMember},
		{[]string{"group"}, aboutGroup},
		{[]string{"role", "access", "admin"}, aboutAccount},
		{[]string{"token", "key"}, aboutNothing},
		{[]string{"user", "account", "invit"}, aboutAccount},
		{[]string{"space", "permission"}, aboutNothing},
	}
)

func kindOfAction(action string) kind {
	if about, known := actionKinds[action]; known {
		return about
	}
	if slices.ContainsFunc(actionEnds, func(end string) bool { return strings.HasSuffix(action, end) }) {
		return aboutNothing
	}
	for _, row := range actionWords {
		if slices.ContainsFunc(row.words, func(word string) bool { return strings.Contains(action, word) }) {
			return row.about
		}
	}
	return aboutUnknown
}

// Hint returns what the event points to. An object is named by its id if that looks like one of its kind, else by its
// e-mail address or name. An action that is about accounts or groups and names none of them points to some of them. An
// unknown action points to the accounts and groups that it names.
func (e *Event) Hint() Hint {
	var h Hint
	about := kindOfAction(e.Action)
	if about == aboutNothing {
		return h
	}
	for _, o := range e.Context {
		h.add(o)
	}
	accounts, groups := h.SomeAccount || len(h.Accounts)+len(h.Emails) > 0, h.SomeGroup || len(h.Groups)+len(h.GroupNames) > 0
	switch about {
	case aboutAccount:
		h.SomeAccount = h.SomeAccount || !accounts && !groups
	case aboutGroup:
		h.SomeGroup = h.SomeGroup || !groups
	case aboutMember:
		if !accounts && !groups {
			h.SomeAccount, h.SomeGroup = true, true
		}
	case aboutUnknown:
		h.Unknown = !accounts && !groups && len(h.Projects) == 0
	}
	return h
}

// The shapes of ids. Account ids were 24 hexadecimal digits until about 2021; now a UUID follows a number and a colon.
var (
	uuidShape    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	accountShape = regexp.MustCompile(`^([0-9a-f]{24}|[0-9]+:[0-9a-fA-F-]{36}|qm:[a-zA-Z0-9_|:-]{1,120})$`)
	numberShape  = regexp.MustCompile(`^[0-9]{1,18}$`)
)

// add points to an object, if it is of a kind that is kept here.
func (h *Hint) add(o EventObject) {
	kind := strings.ToLower(o.Type)
	switch {
	case strings.Contains(kind, "group"):
		h.addGroup(o.ID, o.Name)
	case strings.Contains(kind, "user"), strings.Contains(kind, "account"):
		h.addAccount(o.ID, o.Email)
	case strings.Contains(kind, "project"):
		h.addProject(o.ID)
	}
}

func (h *Hint) addAccount(id, email string) {
	switch {
	case accountShape.MatchString(id):
		h.Accounts = insert(h.Accounts, id)
	case strings.Contains(email, "@"): // some members of this name hold other texts
		h.Emails = insert(h.Emails, email)
	default:
		h.SomeAccount = true
	}
}

func (h *Hint) addGroup(id, name string) {
	switch {
	case uuidShape.MatchString(id):
		h.Groups = insert(h.Groups, id)
	case name != "":
		h.GroupNames = insert(h.GroupNames, name)
	default:
		h.SomeGroup = true
	}
}

func (h *Hint) addProject(id string) {
	if numberShape.MatchString(id) {
		h.Projects = insert(h.Projects, id)
	} else {
		h.SomeProject = true
	}
}

// insert appends a text that is not there.
func insert(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// Hint returns what the record points to. Any record about a project points to that project, since the texts of records may
// be in any language.
func (r *AuditRecord) Hint() Hint {
	var h Hint
	named := false
	for _, item := range append([]AuditItem{r.Object}, r.Associated...) {
		switch kind := strings.ToUpper(item.TypeName); {
		case kind == "PROJECT":
			h.addProject(item.ID)
		case kind == "USER":
			h.addAccount(item.ID, item.Name)
		case kind == "GROUP":
			h.addGroup(item.ID, item.Name)
		case strings.HasPrefix(kind, "PROJECT"): // such as a role
			h.SomeProject = h.SomeProject || len(h.Projects) == 0
		default:
			continue
		}
		named = true
	}
	h.Unknown = !named
	return h
}
