package wire

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"time"
	"unicode/utf8"
)

// Read reads a page of users from answer, which u then holds: nobody may write to it. It
// reports false if the answer is not of the usual form; u has no users then.
func (u *Users) Read(answer []byte) bool {
	if u.read(answer, false, (*reader).page) && u.Total > 0 && len(u.All) > 0 {
		return true
	}
	u.reset()
	return false
}

// ReadOne reads an answer that is one user, as Read does.
func (u *Users) ReadOne(answer []byte) bool { return u.read(answer, false, (*reader).one) }

// ReadCanonical reads a page that the encoder has written.
func (u *Users) ReadCanonical(answer []byte) bool { return u.read(answer, true, (*reader).page) }

// ReadOneCanonical reads a user that the encoder has written.
func (u *Users) ReadOneCanonical(answer []byte) bool { return u.read(answer, true, (*reader).one) }

func (u *Users) read(answer []byte, escapes bool, what func(*reader)) bool {
	u.reset()
	u.data = answer
	r := reader{answer: &u.answer, users: u, rest: answer, escapes: escapes}
	if what(&r); !r.complete() {
		u.reset()
		return false
	}
	return true
}

// Read reads an answer that is one group, as that of Users does.
func (g *Group) Read(answer []byte) bool { return g.read(answer, false) }

// ReadCanonical reads a group that the encoder has written.
func (g *Group) ReadCanonical(answer []byte) bool { return g.read(answer, true) }

func (g *Group) read(answer []byte, escapes bool) bool {
	g.reset()
	g.data = answer
	r := reader{answer: &g.answer, rest: answer, escapes: escapes}
	if r.group(g); !r.complete() {
		g.reset()
		return false
	}
	return true
}

// reader reads JSON from the front of rest. After the first thing that it does not know
// failed is true, and what it returns means nothing.
type reader struct {
	*answer
	users   *Users // of an answer with users
	rest    []byte
	escapes bool   // they may be in texts
	seen    uint64 // all bytes of texts, eight at a time, joined by or
	failed  bool
}

// complete reports whether all of the answer was read, and it is valid UTF-8.
func (r *reader) complete() bool {
	return !r.failed && len(r.rest) == 0 && (r.seen&highs == 0 || utf8.Valid(r.data))
}

// take passes over a byte, which must be c.
func (r *reader) take(c byte) {
	if len(r.rest) == 0 || r.rest[0] != c {
		r.fail()
		return
	}
	r.rest = r.rest[1:]
}

// is reports whether the next byte is c, and passes over it then.
func (r *reader) is(c byte) bool {
	if len(r.rest) == 0 || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// fail makes everything end: there is nothing left to read.
func (r *reader) fail() { r.failed, r.rest = true, nil }

// text reads a string, without its quotes.
func (r *reader) text() []byte {
	r.take('"')
	for end := r.special(0); end < len(r.rest); end = r.special(end) {
		switch r.rest[end] {
		case '"':
			text := r.rest[:end]
			r.rest = r.rest[end+1:]
			return text
		case '\\':
			if r.escapes || usualEscape(r.rest[end+1:]) {
				end += 2
				continue
			}
		}
		break // a control character, or an escape
	}
	r.fail()
	return nil
}

// usualEscape reports whether the text behind a backslash is one that an encoder has to
// escape, and does so in one way only.
func usualEscape(b []byte) bool { return len(b) > 0 && (b[0] == '"' || b[0] == '\\') }

// For words of eight bytes.
const ones, highs = 0x0101010101010101, 0x8080808080808080

// special returns the place of the first quote, backslash or control character from a
// place on, or the length of what is left.
func (r *reader) special(at int) int {
	b := r.rest
	for ; at+8 <= len(b); at += 8 {
		w := binary.LittleEndian.Uint64(b[at:])
		r.seen |= w
		quote, slash := w^ones*'"', w^ones*'\\'
		// The lowest of the bits that are set is that of the first such byte; those above may be wrong.
		if found := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & highs; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for ; at < len(b); at++ {
		r.seen |= uint64(b[at])
		if b[at] == '"' || b[at] == '\\' || b[at] < ' ' {
			break
		}
	}
	return at
}

// set reads a string into a member that was not there before.
func (r *reader) set(text *[]byte) {
	if *text != nil {
		r.fail()
	}
	if *text = r.text(); *text == nil {
		*text = []byte{} // failed, or there and empty
	}
}

// once fails if the bit is set already, and sets it.
func (r *reader) once(seen *uint16, bit uint16) {
	if *seen&bit != 0 {
		r.fail()
	}
	*seen |= bit
}

// kind is a kind of object.
type kind int

const (
	ofPage kind = iota
	ofUser
	ofGroup
	ofName
	ofElement
	ofMeta
	ofExtension
	kinds
)

// usual is the names of members by kind of object, in the order in which objects of the
// kind have had them. One that lacks some of them passes over their names.
type usual [kinds]struct {
	names [24]string
	known int
}

// name reads the name of a member, with its colon. The objects of a kind mostly have
// their members in the same order, so it is looked for from place on, behind the one
// before; next is the place behind it.
func (r *reader) name(k kind, place int) (name string, next int) {
	all := &r.usual[k]
	for at := place; at < all.known; at++ {
		was := all.names[at]
		if n := len(was); len(r.rest) > n+2 && r.rest[0] == '"' && r.rest[n+1] == '"' && string(r.rest[1:n+1]) == was && r.rest[n+2] == ':' {
			r.rest = r.rest[n+3:]
			return was, at + 1
		}
	}
	name, known := names[string(r.text())]
	if r.take(':'); !known || r.failed {
		r.fail()
		return "", place
	}
	if all.known == len(all.names) { // the members have come in all sorts of orders
		return name, place
	}
	copy(all.names[place+1:], all.names[place:all.known])
	all.names[place] = name
	all.known++
	return name, place + 1
}

// object reads an object: member reads the value of each member, whose name it gets.
func (r *reader) object(k kind, member func(name string)) {
	r.take('{')
	if r.is('}') {
		return
	}
	for place := 0; !r.failed; {
		var name string
		name, place = r.name(k, place)
		member(name)
		if r.is('}') {
			return
		}
		r.take(',')
	}
}

// list reads a list: element reads each of its elements.
func (r *reader) list(element func()) {
	r.take('[')
	if r.is(']') {
		return
	}
	for !r.failed {
		element()
		if r.is(']') {
			return
		}
		r.take(',')
	}
}

func (r *reader) bool() Flag {
	switch {
	case bytes.HasPrefix(r.rest, []byte("true")):
		r.rest = r.rest[4:]
		return True
	case bytes.HasPrefix(r.rest, []byte("false")):
		r.rest = r.rest[5:]
		return False
	}
	r.fail()
	return Unsaid
}

// count reads a whole number that is not negative and has at most 18 digits.
func (r *reader) count() int {
	n, digits := 0, 0
	for digits < len(r.rest) && '0' <= r.rest[digits] && r.rest[digits] <= '9' {
		n = n*10 + int(r.rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 18 || digits > 1 && r.rest[0] == '0' {
		r.fail()
		return 0
	}
	r.rest = r.rest[digits:]
	return n
}

// page reads a page of users.
func (r *reader) page() {
	var seen uint16
	r.object(ofPage, func(name string) {
		switch name {
		case "schemas":
			r.once(&seen, 1)
			r.users.Typed = true
			r.list(func() { r.text() })
		case "totalResults":
			r.once(&seen, 2)
			r.users.Total = r.count()
		case "startIndex":
			r.once(&seen, 4)
			r.users.StartIndex = r.count()
		case "itemsPerPage":
			r.once(&seen, 8)
			r.users.ItemsPerPage = r.count()
		case "Resources":
			r.once(&seen, 16)
			r.users.Typed = true
			r.list(r.one)
		default:
			r.fail()
		}
	})
	if seen&2 == 0 {
		r.fail()
	}
}

// The URNs of the extensions of a user.
const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	external   = "urn:scim:schemas:extension:atlassian-external:1.0"
)

// names are those that are known, by themselves.
var names = func() map[string]string {
	all := map[string]string{}
	for _, name := range []string{
		"schemas", "totalResults", "startIndex", "itemsPerPage", "Resources",
		"id", "externalId", "userName", "name", "displayName", "nickName", "title", "preferredLanguage", "timezone", "organization", "department",
		"active", "emails", "phoneNumbers", "groups", "members", "meta", enterprise, external,
		"formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix",
		"value", "type", "display", "$ref", "primary", "atlassianAccountId", "resourceType", "location", "created", "lastModified",
	} {
		all[name] = name
	}
	return all
}()

// The members of a user that are no texts.
const (
	seenSchemas = 1 << iota
	seenName
	seenActive
	seenEmails
	seenPhones
	seenGroups
	seenMeta
	seenEnterprise
	seenExternal
)

// one reads a user.
func (r *reader) one() {
	r.users.All = append(r.users.All, User{})
	u, from, seen := &r.users.All[len(r.users.All)-1], r.rest, uint16(0)
	r.object(ofUser, func(name string) { r.member(u, &seen, name) })
	u.Raw = from[:len(from)-len(r.rest)]
	if len(u.ID) == 0 {
		r.fail()
	}
	if len(u.Organization) == 0 {
		u.Organization = u.topOrganization
	}
	if len(u.Department) == 0 {
		u.Department = u.topDepartment
	}
}

// member reads the value of a member of a user.
func (r *reader) member(u *User, seen *uint16, name string) {
	switch name {
	case "id":
		r.set(&u.ID)
	case "externalId":
		r.set(&u.ExternalID)
	case "userName":
		r.set(&u.UserName)
	case "displayName":
		r.set(&u.DisplayName)
	case "nickName":
		r.set(&u.NickName)
	case "title":
		r.set(&u.Title)
	case "preferredLanguage":
		r.set(&u.PreferredLanguage)
	case "timezone":
		r.set(&u.Timezone)
	case "organization":
		r.set(&u.topOrganization)
	case "department":
		r.set(&u.topDepartment)
	case "schemas":
		r.once(seen, seenSchemas)
		r.list(func() { r.text() })
	case "name":
		r.once(seen, seenName)
		r.object(ofName, func(name string) { r.part(u, name) })
	case "active":
		r.once(seen, seenActive)
		u.Active = r.bool()
	case "emails":
		r.once(seen, seenEmails)
		u.Emails = r.many()
	case "phoneNumbers":
		r.once(seen, seenPhones)
		u.PhoneNumbers = r.many()
	case "groups":
		r.once(seen, seenGroups)
		u.Groups = r.many()
	case "meta":
		r.once(seen, seenMeta)
		u.Created, u.LastModified = r.meta("User")
	case enterprise:
		r.once(seen, seenEnterprise)
		r.object(ofExtension, func(name string) {
			switch name {
			case "organization":
				r.set(&u.Organization)
			case "department":
				r.set(&u.Department)
			default:
				r.fail()
			}
		})
	case external:
		r.once(seen, seenExternal)
		r.object(ofExtension, func(name string) {
			if name != "atlassianAccountId" {
				r.fail()
			}
			r.set(&u.AccountID)
		})
	default:
		r.fail()
	}
}

// part reads a part of a person's name.
func (r *reader) part(u *User, name string) {
	switch name {
	case "formatted":
		r.set(&u.Formatted)
	case "familyName":
		r.set(&u.FamilyName)
	case "givenName":
		r.set(&u.GivenName)
	case "middleName":
		r.set(&u.MiddleName)
	case "honorificPrefix":
		r.set(&u.HonorificPrefix)
	case "honorificSuffix":
		r.set(&u.HonorificSuffix)
	default:
		r.fail()
	}
}

// group reads a group.
func (r *reader) group(g *Group) {
	from, seen := r.rest, uint16(0)
	r.object(ofGroup, func(name string) {
		switch name {
		case "id":
			r.set(&g.ID)
		case "externalId":
			r.set(&g.ExternalID)
		case "displayName":
			r.set(&g.DisplayName)
		case "schemas":
			r.once(&seen, 1)
			r.list(func() { r.text() })
		case "members":
			r.once(&seen, 2)
			g.Listed, g.Members = true, r.many()
		case "meta":
			r.once(&seen, 4)
			g.Created, g.LastModified = r.meta("Group")
		default:
			r.fail()
		}
	})
	g.Raw = from[:len(from)-len(r.rest)]
	if len(g.ID) == 0 {
		r.fail()
	}
}

// many reads addresses, numbers, groups or members.
func (r *reader) many() []Element {
	from := len(r.elements)
	r.list(func() {
		r.elements = append(r.elements, Element{})
		e, seen, ref := &r.elements[len(r.elements)-1], uint16(0), []byte(nil)
		r.object(ofElement, func(name string) {
			switch name {
			case "value":
				r.set(&e.Value)
			case "type":
				r.set(&e.Type)
			case "display":
				r.set(&e.Display)
			case "$ref":
				r.set(&ref)
			case "primary":
				r.once(&seen, 1)
				e.Primary = r.bool() == True
			default:
				r.fail()
			}
		})
	})
	return r.elements[from:len(r.elements):len(r.elements)]
}

// meta reads the facts about a resource of the type.
func (r *reader) meta(resourceType string) (created, lastModified time.Time) {
	var kind, location, made, modified []byte
	r.object(ofMeta, func(name string) {
		switch name {
		case "resourceType":
			r.set(&kind)
		case "location":
			r.set(&location)
		case "created":
			r.set(&made)
		case "lastModified":
			r.set(&modified)
		default:
			r.fail()
		}
	})
	if len(kind) > 0 && string(kind) != resourceType {
		r.fail()
	}
	return r.instant(made), r.instant(modified)
}

// instant understands a time in UTC as RFC 3339 has it, down to the nanosecond, and the
// absent one.
func (r *reader) instant(b []byte) time.Time {
	const form = "0000-00-00T00:00:00"
	if b == nil {
		return time.Time{}
	}
	if len(b) < len(form)+1 || b[len(b)-1] != 'Z' {
		r.fail()
		return time.Time{}
	}
	for i := range form {
		if digit := b[i] - '0'; form[i] == '0' && digit > 9 || form[i] != '0' && b[i] != form[i] {
			r.fail()
			return time.Time{}
		}
	}
	two := func(at int) int { return int(b[at]-'0')*10 + int(b[at+1]-'0') }
	year, month, day := two(0)*100+two(2), time.Month(two(5)), two(8)
	nanoseconds := r.fraction(b[len(form) : len(b)-1])
	t := time.Date(year, month, day, two(11), two(14), two(17), nanoseconds, time.UTC)
	if y, m, d := t.Date(); y != year || m != month || d != day || two(11) > 23 || two(14) > 59 || two(17) > 59 {
		r.fail() // there is no such day, or no such time of it
	}
	return t
}

// fraction understands the fraction of a second, with its point, or nothing.
func (r *reader) fraction(b []byte) (nanoseconds int) {
	if len(b) == 0 {
		return 0
	}
	if b[0] != '.' || len(b) < 2 || len(b) > 10 {
		r.fail()
		return 0
	}
	for i := 1; i < 10; i++ {
		nanoseconds *= 10
		if i < len(b) {
			if b[i]-'0' > 9 {
				r.fail()
			} else {
				nanoseconds += int(b[i] - '0')
			}
		}
	}
	return nanoseconds
}
