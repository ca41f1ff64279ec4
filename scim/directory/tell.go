package directory

import (
	"strconv"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/query"
)

// This file has what a user that Atlassian sent consists of as a resource, in one place
// for all that is made of it: its object, its hash and its JSON. It is the same as what
// userObject makes of a decoded user, and a test compares the two.

// teller is told what a resource consists of, member by member in the order of the
// schema. A text that is empty is told too and is no member, and neither is an object
// or a list without members or elements.
type teller interface {
	text(n *memberName, v []byte)  // with its escapes
	fixed(n *memberName, v string) // never empty, without escapes, and not of Atlassian
	flag(n *memberName, v bool)
	instant(n *memberName, v time.Time)
	begin(n *memberName) // an object: its members follow, then end
	end()
	list(n *memberName, length int) // that many elements follow, each within element and end, then end
	element()
}

// memberName is the name of a member in the forms that tellers need.
type memberName struct {
	name string
	json string // quoted, with the colon
	hash query.Name
}

func named(name string) *memberName {
	return &memberName{name, string(appendQuoted(nil, name)) + ":", query.NameOf(name)}
}

// The members of a user and of its parts.
var (
	idName, externalIDName, userNameName                      = named("id"), named("externalId"), named("userName")
	nameName, formattedName, familyNameName, givenNameName    = named("name"), named("formatted"), named("familyName"), named("givenName")
	middleNameName, prefixName, suffixName                    = named("middleName"), named("honorificPrefix"), named("honorificSuffix")
	displayNameName, nickNameName, titleName                  = named("displayName"), named("nickName"), named("title")
	languageName, timezoneName, activeName                    = named("preferredLanguage"), named("timezone"), named("active")
	emailsName, phoneNumbersName, groupsName                  = named("emails"), named("phoneNumbers"), named("groups")
	valueName, typeName, primaryName, displayName             = named("value"), named("type"), named("primary"), named("display")
	enterpriseName, organizationName, departmentName          = named(atlassian.EnterpriseSchema), named("organization"), named("department")
	externalName, accountIDName                               = named(atlassian.ExternalSchema), named("atlassianAccountId")
	metaName, resourceTypeName, createdName, lastModifiedName = named("meta"), named("resourceType"), named("created"), named("lastModified")
)

// userMembers is how many members a user has at most, and elementMembers an element of one of its lists.
const userMembers, elementMembers = 18, 3

// tellUser tells all members of a user but meta.
func tellUser(to teller, u *wire.User) {
	to.text(idName, u.ID)
	to.text(externalIDName, u.ExternalID)
	to.text(userNameName, u.UserName)
	to.begin(nameName)
	to.text(formattedName, u.Formatted)
	to.text(familyNameName, u.FamilyName)
	to.text(givenNameName, u.GivenName)
	to.text(middleNameName, u.MiddleName)
	to.text(prefixName, u.HonorificPrefix)
	to.text(suffixName, u.HonorificSuffix)
	to.end()
	to.text(displayNameName, u.DisplayName)
	to.text(nickNameName, u.NickName)
	to.text(titleName, u.Title)
	to.text(languageName, u.PreferredLanguage)
	to.text(timezoneName, u.Timezone)
	if u.Active != wire.Unsaid {
		to.flag(activeName, u.Active == wire.True)
	}
	tellValues(to, emailsName, u.Emails)
	tellValues(to, phoneNumbersName, u.PhoneNumbers)
	to.list(groupsName, len(u.Groups))
	for i := range u.Groups {
		to.element()
		to.text(valueName, u.Groups[i].Value)
		to.text(displayName, u.Groups[i].Display)
		to.fixed(typeName, "direct") // there are no nested groups, RFC 7643 section 4.1.2
		to.end()
	}
	to.end()
	to.begin(enterpriseName)
	to.text(organizationName, u.Organization)
	to.text(departmentName, u.Department)
	to.end()
	to.begin(externalName)
	to.text(accountIDName, u.AccountID)
	to.end()
}

// tellValues tells addresses or numbers, which always have primary.
func tellValues(to teller, n *memberName, all []wire.Element) {
	to.list(n, len(all))
	for i := range all {
		to.element()
		to.text(valueName, all[i].Value)
		to.text(typeName, all[i].Type)
		to.flag(primaryName, all[i].Primary)
		to.end()
	}
	to.end()
}

// tellMeta tells what Atlassian knows of meta.
func (s *sentUsers) tellMeta(to teller, i int) {
	to.fixed(resourceTypeName, "User")
	to.instant(createdName, s.All[i].Created)
	to.instant(lastModifiedName, s.modified(i))
}

// modified is the lastModified that is shown.
func (s *sentUsers) modified(i int) time.Time {
	if s.dates != nil && !s.dates[i].IsZero() {
		return s.dates[i]
	}
	return s.All[i].LastModified
}

// has reports whether a user has attributes of an extension.
func has(u *wire.User, extension string) bool {
	switch extension {
	case atlassian.EnterpriseSchema:
		return len(u.Organization)+len(u.Department) > 0
	case atlassian.ExternalSchema:
		return len(u.AccountID) > 0
	}
	return false
}

// objectTeller makes an object. Its texts are parts of one copy of the bytes.
type objectTeller struct {
	copied string
	room   int     // the capacity of the bytes: a part of them that begins later has less
	open   []frame // what was begun and has not ended, the innermost last
}

// frame is an object or a list that is being made.
type frame struct {
	name     *memberName // in the frame around it; nil: an element
	object   query.Object
	list     []any
	elements query.Object // room for the members of all elements of the list
}

// start begins the object of these bytes; made returns it.
func (t *objectTeller) start(raw []byte) {
	t.copied, t.room = string(raw), cap(raw)
	t.open = append(t.open[:0], frame{object: make(query.Object, 0, userMembers)})
}

func (t *objectTeller) made() query.Object {
	o := t.open[0].object
	t.copied = ""
	clear(t.open[:cap(t.open)])
	return o
}

func (t *objectTeller) add(n *memberName, v any) {
	at := &t.open[len(t.open)-1].object
	*at = append(*at, query.Member{Name: n.name, Value: v})
}

func (t *objectTeller) text(n *memberName, v []byte) {
	if len(v) == 0 {
		return
	}
	text := wire.Text(v)
	if len(text) != len(v) {
		t.add(n, string(text))
		return
	}
	from := t.room - cap(v)
	t.add(n, t.copied[from:from+len(v)])
}

func (t *objectTeller) fixed(n *memberName, v string) { t.add(n, v) }
func (t *objectTeller) flag(n *memberName, v bool)    { t.add(n, v) }

func (t *objectTeller) instant(n *memberName, v time.Time) {
	if !v.IsZero() {
		t.add(n, v)
	}
}

func (t *objectTeller) begin(n *memberName) { t.open = append(t.open, frame{name: n}) }

func (t *objectTeller) list(n *memberName, length int) {
	f := frame{name: n}
	if length > 0 {
		f.list, f.elements = make([]any, 0, length), make(query.Object, 0, elementMembers*length)
	}
	t.open = append(t.open, f)
}

func (t *objectTeller) element() {
	list := &t.open[len(t.open)-1]
	o := list.elements[:0:elementMembers]
	list.elements = list.elements[elementMembers:cap(list.elements)]
	t.open = append(t.open, frame{object: o})
}

func (t *objectTeller) end() {
	f := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	switch {
	case f.name == nil:
		list := &t.open[len(t.open)-1]
		list.list = append(list.list, f.object)
	case f.list != nil:
		t.add(f.name, f.list)
	case len(f.object) > 0:
		t.add(f.name, f.object)
	}
}

// hashTeller adds up the hash of a resource.
type hashTeller struct {
	open [4]query.Hash // of what was begun and has not ended
	name [4]*memberName
	last int // the innermost
}

func (t *hashTeller) text(n *memberName, v []byte) {
	if len(v) > 0 {
		t.open[t.last].Text(n.hash, wire.Text(v))
	}
}

func (t *hashTeller) fixed(n *memberName, v string) { t.open[t.last].String(n.hash, v) }
func (t *hashTeller) flag(n *memberName, v bool)    { t.open[t.last].Bool(n.hash, v) }

func (t *hashTeller) instant(n *memberName, v time.Time) {
	if !v.IsZero() {
		t.open[t.last].Instant(n.hash, v)
	}
}

func (t *hashTeller) begin(n *memberName) {
	t.last++
	t.open[t.last], t.name[t.last] = query.Hash{}, n
}

func (t *hashTeller) list(n *memberName, _ int) { t.begin(n) }
func (t *hashTeller) element()                  { t.begin(nil) }

func (t *hashTeller) end() {
	done, n := t.open[t.last], t.name[t.last]
	t.last--
	switch {
	case n == nil:
		t.open[t.last].Element(done)
	case done != query.Hash{}:
		t.open[t.last].Inner(n.hash, done)
	}
}

// jsonTeller writes JSON, behind a member that is there already.
type jsonTeller struct {
	b    []byte
	open [4]part // what was begun and has not ended
	last int     // the innermost
}

// part is an object or a list that is being written.
type part struct {
	from    int // where it begins, with its name
	members int
	close   byte
}

// next writes what stands between two members or elements.
func (t *jsonTeller) next() {
	if p := &t.open[t.last]; p.members > 0 || t.last == 0 {
		t.b = append(t.b, ',')
	}
	t.open[t.last].members++
}

func (t *jsonTeller) member(n *memberName) {
	t.next()
	t.b = append(t.b, n.json...)
}

func (t *jsonTeller) text(n *memberName, v []byte) {
	if len(v) > 0 {
		t.member(n)
		t.b = append(append(append(t.b, '"'), v...), '"')
	}
}

func (t *jsonTeller) fixed(n *memberName, v string) {
	t.member(n)
	t.b = append(append(append(t.b, '"'), v...), '"')
}

func (t *jsonTeller) flag(n *memberName, v bool) {
	t.member(n)
	t.b = strconv.AppendBool(t.b, v)
}

func (t *jsonTeller) instant(n *memberName, v time.Time) {
	if !v.IsZero() {
		t.member(n)
		t.b = append(query.AppendInstant(append(t.b, '"'), v), '"')
	}
}

func (t *jsonTeller) begin(n *memberName) {
	from := len(t.b)
	t.member(n)
	t.push(from, '{', '}')
}

func (t *jsonTeller) list(n *memberName, _ int) {
	from := len(t.b)
	t.member(n)
	t.push(from, '[', ']')
}

func (t *jsonTeller) element() {
	from := len(t.b)
	t.next()
	t.push(from, '{', '}')
}

func (t *jsonTeller) push(from int, open, end byte) {
	t.b = append(t.b, open)
	t.last++
	t.open[t.last] = part{from: from, close: end}
}

func (t *jsonTeller) end() {
	p := t.open[t.last]
	t.last--
	if p.members == 0 && t.open[t.last].close != ']' { // an empty member is none
		t.b = t.b[:p.from]
		t.open[t.last].members--
		return
	}
	t.b = append(t.b, p.close)
}

// tellers are one of each, to be used again: what is told through an interface does not
// stay on the stack.
type tellers struct {
	object objectTeller
	hash   hashTeller
	json   jsonTeller
}

var tellersPool = sync.Pool{New: func() any { return new(tellers) }}
