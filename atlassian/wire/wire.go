// Package wire reads users and groups of the directory API from the bytes of an answer,
// in one pass and without a copy of any value.
//
// Read takes the form in which the directory answers: compact JSON in which only quotes
// and backslashes are escaped, with members that are known, each once and of its type.
// It is stricter than a decoder on purpose. Whatever it does not know by heart it does not take, and the caller has
// the decoder judge the same bytes; so it never accepts what the decoder refuses.
// ReadCanonical then reads what the decoder understood, written anew by the encoder, so
// that everything behind has one form of users and groups to deal with.
package wire

import (
	"bytes"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Users is an answer with users: a page of the list, or one user. Its values are parts
// of the answer, which it holds. It is safe for concurrent use as long as nobody reads
// into it or frees it.
type Users struct {
	Total, StartIndex, ItemsPerPage int // of a page
	// Typed says that a page has schemas, or Resources, and so says what it is.
	Typed bool
	All   []User

	answer
}

// Group is an answer with one group. Its texts are like those of a User, and so are its
// parts. It is safe for concurrent use as long as nobody reads into it or frees it.
type Group struct {
	Raw []byte // its object

	ID, ExternalID, DisplayName []byte
	Listed                      bool // it has members, even if there are none
	Members                     []Element
	Created, LastModified       time.Time // in UTC; zero: not there

	answer
}

// answer is what is read from, and the memory for what is read.
type answer struct {
	data     []byte
	elements []Element
	usual    usual
}

// User is a user. Each of its texts is as it stands in the answer between its quotes,
// nil or empty if it is not there; Text resolves escapes. It and its parts belong to the
// Users that it is in.
type User struct {
	Raw []byte // its object

	ID, ExternalID, UserName                                                            []byte
	Formatted, FamilyName, GivenName, MiddleName, HonorificPrefix, HonorificSuffix      []byte
	DisplayName, NickName, Title, PreferredLanguage, Timezone, Organization, Department []byte
	AccountID                                                                           []byte
	Active                                                                              Flag
	Emails, PhoneNumbers, Groups                                                        []Element
	Created, LastModified                                                               time.Time // in UTC; zero: not there

	topOrganization, topDepartment []byte // outside the enterprise extension
}

// Element is an e-mail address, a phone number, or a group of a user, or a member of a group.
type Element struct {
	Value, Type, Display []byte
	Primary              bool
}

// Flag is a boolean that may be missing.
type Flag uint8

// The values of a Flag.
const (
	Unsaid Flag = iota
	False
	True
)

// Text resolves the escapes of a text of a User. It returns the text itself if there
// are none.
func Text(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	quoted := append(append([]byte{'"'}, b...), '"')
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		panic("wire: a text that was read has a wrong escape: " + err.Error())
	}
	return text
}

var (
	pool   = sync.Pool{New: func() any { return new(Users) }}
	groups = sync.Pool{New: func() any { return new(Group) }}
)

// New returns Users without users, to read into. Free takes them back.
func New() *Users { return pool.Get().(*Users) }

// NewGroup returns a Group to read into. Free takes it back.
func NewGroup() *Group { return groups.Get().(*Group) }

// Spare returns the memory of the answer that u holds, to be used for another one, and
// nil if there is none. Call it before u reads; u has no users then.
func (u *Users) Spare() []byte {
	u.reset()
	return u.answer.spare()
}

// Spare returns memory for the next answer, as that of Users does.
func (g *Group) Spare() []byte {
	g.reset()
	return g.answer.spare()
}

func (a *answer) spare() []byte {
	spare := a.data
	a.data = nil
	return spare[:0]
}

// mostKept is the length in bytes of the longest answer whose memory is used again, and
// mostOfGroup that of a group, which may have 50,000 members of some 230 bytes.
const mostKept, mostOfGroup = 1 << 20, 32 << 20

// Free gives the memory of u back. Nobody may use u then, or anything that is a part
// of it.
func (u *Users) Free() {
	if cap(u.data) > mostKept {
		return
	}
	u.reset()
	pool.Put(u)
}

// Free gives the memory of g back. Nobody may use g then, or anything that is a part
// of it.
func (g *Group) Free() {
	if cap(g.data) > mostOfGroup {
		return
	}
	g.reset()
	groups.Put(g)
}

func (u *Users) reset() {
	u.Total, u.StartIndex, u.ItemsPerPage, u.Typed = 0, 0, 0, false
	u.All = u.All[:0]
	u.answer.reset()
}

func (g *Group) reset() {
	*g = Group{answer: g.answer}
	g.answer.reset()
}

func (a *answer) reset() { a.data, a.elements = a.data[:0], a.elements[:0] }
