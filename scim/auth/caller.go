// Package auth is the door: it finds the caller behind a request, and says what that caller may do.
//
// A Caller is an entry of the operator's list, which ParseCallers reads: its credentials, its rights by resource type,
// and settings for the habits of its client. An Authenticator compares the credentials of a request with the list:
// Basic with bcrypt hashes, a bearer token with SHA-256 digests, and, where the operator trusts an Issuer, an access
// token with the keys of that OpenID provider. Every failure is a *resource.Error: 401 or 503.
package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/crypto/bcrypt"

	"scim-atlassian/scim/origin"
	"scim-atlassian/scim/resource"
)

// Right is what a caller may do with the resources of one type.
type Right string

// The rights, each including the one before it.
const (
	Read  Right = "read"
	Write Right = "write"
)

// AnyType is the key in Caller.Rights that stands for every resource type without an entry of its own.
const AnyType = "*"

// Caller is a party that may use the server: how it proves its identity, and what it may do then.
// The server holds hashes only; it never knows a caller's secret.
type Caller struct {
	Name         string           `json:"name"`          // the caller's name in the log; unique
	BearerSHA256 Hashes           `json:"bearer_sha256"` // SHA-256 of a bearer token, hexadecimal; empty: no token
	Username     string           `json:"username"`      // user name for Basic; unique, without a colon (RFC 7617 section 2)
	BasicBcrypt  Hashes           `json:"basic_bcrypt"`  // bcrypt hash of the password of Username
	RealmRole    string           `json:"realm_role"`    // an access token with this role is this caller's; see Issuer
	ClientRole   string           `json:"client_role"`   // likewise, written "client/role"
	Scope        string           `json:"scope"`         // likewise, a scope of the token
	Rights       map[string]Right `json:"rights"`        // by resource type ("User") or AnyType; a type without an entry: no right
	Strict       bool             `json:"strict"`        // hold this caller to the letter of the RFCs
	ContentType  string           `json:"content_type"`  // media type of every answer to this caller; empty: negotiated

	// ClientCertSHA256 is the SHA-256 of a certificate (DER), hexadecimal: who has its key, and an issuer that the server
	// trusts for it, is this caller without any other credential.
	ClientCertSHA256 Hashes          `json:"client_cert_sha256"`
	AllowFrom        origin.Networks `json:"allow_from"` // where the caller may be; nil: anywhere

	PutWithoutMembers string `json:"put_without_members"` // whether a PUT of a group without members keeps them: Keep or Clear; empty: Keep, Clear if Strict
	UnknownMembers    string `json:"unknown_members"`     // what becomes of members that do not exist: Refuse or Ignore; empty: Refuse
	MemberRef         bool   `json:"member_ref"`          // answers show $ref in members and groups
	DeleteUsers       string `json:"delete_users"`        // what a DELETE does to a user or account: Delete or Deactivate; empty: Delete
	PutWithoutActive  string `json:"put_without_active"`  // what a PUT of a user or account without active does to it: Keep or Disable; empty: Keep

	RichText string `json:"rich_text"` // the form of an issue's description: Rich or Plain; empty: Rich

	GroupsByUser bool   `json:"groups_by_user"` // a PATCH of a user's groups changes the members of these groups
	UntypedEmail string `json:"untyped_email"`  // answers show an e-mail address without type with this one, such as "work"; empty: without

	// Hide lists attributes that answers show only to a request that names them: "Group.members", "User.groups".
	// scim.New checks the names, since it knows the schemas.
	Hide []string `json:"hide"`

	// Links says what becomes of members, groups and entitlements that belong to types which the caller may not read:
	// HideLinks leaves them out, and refuses requests that name them; empty: they are shown.
	Links string `json:"links"`
	// Withheld lists what Links takes from this caller, as Hide does. scim.New sets it.
	Withheld []string `json:"-"`

	AnnouncePagination *bool `json:"announce_pagination"` // ServiceProviderConfig shows pagination (RFC 9865); nil: as the server is set

	Release   bool `json:"release"`   // may release what the change budget refused, of any caller
	Protected bool `json:"protected"` // may change what the operator protects
	Console   bool `json:"console"`   // may sign in to the console

	Patience string `json:"patience"` // how long a request may wait for Atlassian's limits, such as 5s; empty: as the server is set

	NoCache   string `json:"no_cache"`  // IgnoreNoCache: Cache-Control: no-cache reads nothing anew; empty: it does
	Freshness string `json:"freshness"` // how old what lists rest on may be, such as 30s; empty: as the server is set

	Made string `json:"made"` // the day on which the secret was made, such as 2026-05-31; empty: not known

	Client string `json:"-"` // the OAuth client of an access token, from its claim azp
	Issued bool   `json:"-"` // an access token names the caller; there may be any number of such names
}

// The values of Caller.PutWithoutMembers (Keep, Clear), Caller.UnknownMembers (Refuse, Ignore),
// Caller.PutWithoutActive (Keep, Disable), Caller.DeleteUsers (Delete, Deactivate) and Caller.RichText (Rich, Plain).
const (
	Keep       = "keep"
	Clear      = "clear"
	Refuse     = "refuse"
	Ignore     = "ignore"
	Disable    = "disable"
	Delete     = "delete"
	Deactivate = "deactivate"
	Rich       = "rich"
	Plain      = "plain"
	HideLinks  = "hide" // of Caller.Links
)

// Hashes are of one secret, or of two while it is replaced. In JSON they are a text, or an array of one or two.
type Hashes []string

// UnmarshalJSON implements json.Unmarshaler.
func (h *Hashes) UnmarshalJSON(b []byte) error {
	*h = nil
	switch string(b) {
	case "null", `""`:
		return nil
	}
	if jsontext.Value(b).Kind() == '"' {
		*h = make(Hashes, 1)
		return json.Unmarshal(b, &(*h)[0])
	}
	if err := json.Unmarshal(b, (*[]string)(h)); err != nil || len(*h) < 1 || len(*h) > 2 {
		return errors.New("use a text, or an array of two while the secret is replaced")
	}
	return nil
}

// ParseCallers reads a JSON array of callers. It refuses unknown and repeated members, and reports every problem
// of every caller at once, joined into one error with a line each. Rights may name a resource type or its endpoint
// ("User" or "Users"); the result has types only.
func ParseCallers(data []byte) ([]Caller, error) {
	var callers []Caller
	if err := json.Unmarshal(data, &callers, json.RejectUnknownMembers(true)); err != nil {
		return nil, misread(data, err)
	}
	lines := linesOf(data)
	if len(callers) == 0 {
		return nil, errors.New("no callers: nobody could use the server")
	}
	if err := checkCallers(callers, func(i int) string { return fmt.Sprintf("caller %d (%s), line %d", i+1, callers[i].Name, lines[i]) }); err != nil {
		return nil, err
	}
	return callers, nil
}

// misread says which setting of which caller cannot be read, and on which line, if that is why the list cannot.
func misread(data []byte, err error) error {
	var garbled *jsontext.SyntacticError
	if errors.As(err, &garbled) {
		return fmt.Errorf("not a JSON array of callers: line %d: %w", lineOf(data, garbled.ByteOffset), garbled.Err)
	}
	var wrong *json.SemanticError
	if !errors.As(err, &wrong) {
		return errors.New("not a JSON array of callers")
	}
	line := lineOf(data, wrong.ByteOffset)
	place := slices.Collect(wrong.JSONPointer.Tokens())
	var names []struct {
		Name any `json:"name"`
	}
	if len(place) < 1 || json.Unmarshal(data, &names) != nil {
		return fmt.Errorf("not a JSON array of callers, each an object: line %d", line)
	}
	i, _ := strconv.Atoi(place[0]) // of an array
	return fmt.Errorf("caller %d (%v), line %d: %s %s", i+1, names[i].Name, line, strings.Join(place[1:], "."), faultOf(wrong))
}

// faultOf says what is wrong with a setting, without the names of Go's types.
func faultOf(wrong *json.SemanticError) string {
	switch {
	case errors.Is(wrong.Err, json.ErrUnknownName):
		return "is no setting"
	case wrong.GoType == reflect.TypeFor[bool]():
		return "must be true or false"
	case wrong.GoType == reflect.TypeFor[string](), wrong.GoType == reflect.TypeFor[Right]():
		return "must be a text"
	case (wrong.GoType == reflect.TypeFor[Hashes]() || wrong.GoType == reflect.TypeFor[origin.Networks]()) && wrong.Err != nil:
		return "cannot be used: " + wrong.Err.Error()
	case wrong.GoType.Kind() == reflect.Slice:
		return "must be a list"
	case wrong.GoType.Kind() == reflect.Map:
		return "must be an object"
	}
	return "cannot be read"
}

// linesOf returns the number of the line on which each element of an array of JSON begins.
func linesOf(data []byte) []int {
	var lines []int
	d := jsontext.NewDecoder(bytes.NewReader(data))
	_, _ = d.ReadToken() // the array's beginning; data was read before
	for d.PeekKind() == '{' {
		v, err := d.ReadValue()
		if err != nil {
			break
		}
		lines = append(lines, lineOf(data, d.InputOffset()-int64(len(v))))
	}
	return lines
}

// lineOf returns the number of the line with the byte at an offset, from 1.
func lineOf(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}

// CheckCallers reports every problem of every caller, joined into one error with a line each, and gives rights
// their canonical names.
func CheckCallers(callers []Caller) error {
	return checkCallers(callers, func(i int) string { return fmt.Sprintf("caller %d (%s)", i+1, callers[i].Name) })
}

// checkCallers is CheckCallers with a name for each caller.
func checkCallers(callers []Caller, named func(i int) string) error {
	var problems []error
	seen := make(map[string]int)
	for i := range callers {
		for _, problem := range callers[i].problems() {
			problems = append(problems, fmt.Errorf("%s: %w", named(i), problem))
		}
		for _, id := range callers[i].identities() {
			if first, ok := seen[id.what+id.value]; ok {
				problems = append(problems, fmt.Errorf("%s: has the %s of caller %d", named(i), id.what, first))
				continue
			}
			seen[id.what+id.value] = i + 1
		}
	}
	return errors.Join(problems...)
}

// Policy returns the settings of the caller that backends follow.
func (c *Caller) Policy() resource.Policy {
	return resource.Policy{
		Caller: c.Name, Patience: c.patience(),
		Strict: c.Strict, IgnoreUnknownMembers: c.UnknownMembers == Ignore,
		KeepMembers:          c.PutWithoutMembers == Keep || c.PutWithoutMembers == "" && !c.Strict,
		DisableWithoutActive: c.PutWithoutActive == Disable, DeactivateDeleted: c.DeleteUsers == Deactivate,
		PlainText: c.RichText == Plain, ChangesProtected: c.Protected, Kinds: c.kinds(),
		GroupsByUser: c.GroupsByUser,
	}
}

// IgnoreNoCache is the value of Caller.NoCache: some gateways send the header with every
// request, and each list would be read anew.
const IgnoreNoCache = "ignore"

// Wants returns how new the data of an answer must be to a request that came in at a
// time: fresh if nothing may be older than the request, else not older than since, if
// that is not zero.
func (c *Caller) Wants(r *http.Request, began time.Time) (fresh bool, since time.Time) {
	if d, _ := time.ParseDuration(c.Freshness); d > 0 { // problems has checked it
		since = began.Add(-d)
	}
	fresh = c.NoCache != IgnoreNoCache && strings.Contains(strings.ToLower(r.Header.Get("Cache-Control")), "no-cache")
	return fresh, since
}

// MadeAt returns the day on which the caller's secret was made, zero if it is not known.
func (c *Caller) MadeAt() time.Time {
	day, _ := time.Parse(time.DateOnly, c.Made) // problems has checked it
	return day
}

// patience returns how long a request of the caller may wait for Atlassian's limits, 0 if it is not set.
func (c *Caller) patience() time.Duration {
	d, _ := time.ParseDuration(c.Patience) // problems has checked it
	return d
}

// Writes reports whether the caller may change resources of any type.
func (c *Caller) Writes() bool {
	for _, right := range c.Rights {
		if right == Write {
			return true
		}
	}
	return false
}

// May reports whether the caller may read resources of the type, or with write, change them.
// Of entitlements that is of any kind of them; backends follow Policy.Kinds.
// An entry for the type itself wins over AnyType, so that a caller of everything can have fewer rights on one type.
func (c *Caller) May(resourceType string, write bool) bool {
	if resourceType == "Entitlement" {
		for _, right := range c.kinds() {
			if right == string(Write) || right == string(Read) && !write {
				return true
			}
		}
	}
	right, ok := c.Rights[resourceType]
	if !ok {
		right = c.Rights[AnyType]
	}
	return right == Write || right == Read && !write
}

// entitlementKinds are the kinds of entitlements that rights may name, as "Entitlement:GROUP".
var entitlementKinds = []string{"GROUP", "PROJECT_ROLE"}

// kindPrefix is before the name of a kind in rights.
const kindPrefix = "Entitlement:"

// Unsaid reports whether rights give more than they say: to write accounts is to give and take any group and any
// project role, unless the rights name kinds of entitlements.
func (c *Caller) Unsaid() bool {
	return c.kinds() == nil && c.May("Account", true) && !c.May("Entitlement", true)
}

// AnyToken reports whether no caller is for access tokens, so that each token that the issuer is trusted for may write everything.
func AnyToken(callers []Caller) bool {
	return !slices.ContainsFunc(callers, func(c Caller) bool { return c.byToken() })
}

// kinds returns the right for each kind of entitlement, nil if the rights name none: then Account and Entitlement give
// all kinds. A kind that is not named has the right of Entitlement, or of AnyType.
func (c *Caller) kinds() map[string]string {
	var kinds map[string]string
	for _, kind := range entitlementKinds {
		if _, named := c.Rights[kindPrefix+kind]; named {
			kinds = map[string]string{}
		}
	}
	if kinds == nil {
		return nil
	}
	for _, kind := range entitlementKinds {
		for _, name := range []string{kindPrefix + kind, "Entitlement", AnyType} {
			if right, ok := c.Rights[name]; ok {
				kinds[kind] = string(right)
				break
			}
		}
	}
	return kinds
}

// Hides reports whether answers to the caller leave out attributes that others see.
func (c *Caller) Hides() bool { return len(c.Hide)+len(c.Withheld) > 0 }

// MayName refuses requests of the caller that name attributes which are withheld from it, in a projection, a filter or
// an order.
func (c *Caller) MayName(names ...string) error {
	for _, name := range names {
		top, _, _ := strings.Cut(name[strings.LastIndexByte(name, ':')+1:], ".")
		for _, setting := range c.Withheld {
			if _, attribute, _ := strings.Cut(setting, "."); strings.EqualFold(attribute, strings.TrimSpace(top)) {
				return resource.Refuse(http.StatusForbidden, "", "%s belongs to resources that the caller %s may not read; leave it out.", attribute, c.Name)
			}
		}
	}
	return nil
}

// Hidden returns the names of the attributes of a type that Hide and Withheld list.
func (c *Caller) Hidden(resourceType string) []string {
	var names []string
	for _, setting := range slices.Concat(c.Hide, c.Withheld) {
		if of, name, _ := strings.Cut(setting, "."); of == resourceType {
			names = append(names, name)
		}
	}
	return names
}

// byToken reports whether an access token with a role or a scope makes its bearer this caller.
func (c *Caller) byToken() bool { return c.RealmRole != "" || c.ClientRole != "" || c.Scope != "" }

// identities lists the values that no other caller may have.
func (c *Caller) identities() []identity {
	all := []identity{
		{"name", c.Name},
		{"username", c.Username},
		{"realm_role", c.RealmRole},
		{"client_role", c.ClientRole},
		{"scope", c.Scope},
	}
	for _, digest := range c.BearerSHA256 {
		all = append(all, identity{"bearer_sha256", strings.ToLower(digest)})
	}
	for _, digest := range c.ClientCertSHA256 {
		all = append(all, identity{"client_cert_sha256", strings.ToLower(digest)})
	}
	return slices.DeleteFunc(all, func(id identity) bool { return id.value == "" })
}

// problems lists every fault of one caller, and gives its rights their canonical names.
func (c *Caller) problems() []error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Name == "" {
		add("name is missing: the log calls the caller by it")
	}
	if c.BearerSHA256 == nil && c.BasicBcrypt == nil && c.ClientCertSHA256 == nil && !c.byToken() {
		add("needs bearer_sha256, or username with basic_bcrypt, or client_cert_sha256, or realm_role, client_role or scope")
	}
	if _, err := time.Parse(time.DateOnly, c.Made); c.Made != "" && err != nil {
		add("made is %q; it is a day such as 2026-05-31", c.Made)
	}
	if c.RealmRole != "" && c.ClientRole != "" || c.RealmRole+c.ClientRole != "" && c.Scope != "" {
		add("realm_role, client_role and scope exclude each other: make a caller of each")
	}
	if client, role, _ := strings.Cut(c.ClientRole, "/"); c.ClientRole != "" && (client == "" || role == "") {
		add("client_role must be CLIENT/ROLE")
	}
	for _, digest := range c.BearerSHA256 {
		if _, err := parseDigest(digest); err != nil {
			add("bearer_sha256 %w: printf %%s TOKEN | sha256sum", err)
		}
	}
	for _, digest := range c.ClientCertSHA256 {
		if _, err := parseDigest(digest); err != nil {
			add("client_cert_sha256 %w: openssl x509 -in FILE -outform der | sha256sum", err)
		}
	}
	if (c.Username == "") != (c.BasicBcrypt == nil) {
		add("username and basic_bcrypt belong together")
	}
	if strings.ContainsFunc(c.Username, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f }) {
		add("username must not contain a colon or control characters")
	}
	for _, hash := range c.BasicBcrypt {
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			add("basic_bcrypt is not a bcrypt hash: make one with hash-password")
		}
	}
	if strings.ContainsFunc(c.ContentType, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		add("content_type must be printable ASCII")
	}
	for _, choice := range []struct{ name, value, one, other string }{
		{"put_without_members", c.PutWithoutMembers, Keep, Clear},
		{"unknown_members", c.UnknownMembers, Refuse, Ignore},
		{"put_without_active", c.PutWithoutActive, Keep, Disable},
		{"delete_users", c.DeleteUsers, Delete, Deactivate},
		{"rich_text", c.RichText, Rich, Plain},
	} {
		if choice.value != "" && choice.value != choice.one && choice.value != choice.other {
			add("%s is %q: use %s or %s", choice.name, choice.value, choice.one, choice.other)
		}
	}
	if d, err := time.ParseDuration(c.Patience); c.Patience != "" && (err != nil || d <= 0) {
		add("patience is %q: use a duration such as 5s", c.Patience)
	}
	if d, err := time.ParseDuration(c.Freshness); c.Freshness != "" && (err != nil || d <= 0) {
		add("freshness is %q: use a duration such as 30s", c.Freshness)
	}
	if c.NoCache != "" && c.NoCache != IgnoreNoCache {
		add("no_cache is %q: use %s", c.NoCache, IgnoreNoCache)
	}
	if c.Links != "" && c.Links != HideLinks {
		add("links is %q: use %s", c.Links, HideLinks)
	}
	if c.UntypedEmail != "" && !slices.Contains(emailTypes, c.UntypedEmail) {
		add("untyped_email is %q: use %s", c.UntypedEmail, strings.Join(emailTypes, ", "))
	}
	return append(problems, c.canonicalRights()...)
}

// canonicalRights replaces endpoint names in the rights by type names. It lists the names that are neither: a
// misspelt type must not silently grant nothing.
func (c *Caller) canonicalRights() []error {
	if len(c.Rights) == 0 {
		return []error{errors.New(`rights are missing: for instance {"*": "read"}`)}
	}
	var problems []error
	canonical := make(map[string]Right, len(c.Rights))
	for _, name := range slices.Sorted(maps.Keys(c.Rights)) {
		right, resourceType := c.Rights[name], strings.TrimSuffix(name, "s")
		if of, kind, ok := strings.Cut(name, ":"); ok {
			resourceType = strings.TrimSuffix(of, "s") + ":" + kind
		}
		switch resourceType {
		case AnyType, "User", "Group", "Issue", "Account", "Entitlement", "Entitlement:GROUP", "Entitlement:PROJECT_ROLE":
		default:
			problems = append(problems, fmt.Errorf("rights: %q is no resource type: use User, Group, Issue, Account, Entitlement, Entitlement:GROUP, Entitlement:PROJECT_ROLE or *", name))
		}
		if right != Read && right != Write {
			problems = append(problems, fmt.Errorf("rights: %s is %q: use read or write", name, right))
		}
		if _, ok := canonical[resourceType]; ok {
			problems = append(problems, fmt.Errorf("rights: %s is there twice", resourceType))
		}
		canonical[resourceType] = right
	}
	c.Rights = canonical
	return problems
}

// parseDigest decodes a hexadecimal SHA-256.
func parseDigest(hexadecimal string) (digest [sha256.Size]byte, err error) {
	b, err := hex.DecodeString(hexadecimal)
	if err != nil || len(b) != sha256.Size {
		return digest, fmt.Errorf("must be %d hexadecimal digits", 2*sha256.Size)
	}
	return [sha256.Size]byte(b), nil
}

// identity is a value that one caller alone may have, with the name of its setting.
type identity struct{ what, value string }

// emailTypes are the types of e-mail addresses, RFC 7643 section 4.1.2.
var emailTypes = []string{"work", "home", "other"}
