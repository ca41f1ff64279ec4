package directory

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// listUsers is GET /Users.
func (d *Directory) listUsers(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	filter, err := parseFilter(query, "userName", "externalId")
	if err != nil {
		return err
	}
	win, err := d.parseWindow(query)
	if err != nil {
		return err
	}
	shape, err := parseProjection(query)
	if err != nil {
		return err
	}
	total, page := d.userPage(filter, win)
	for i := range page {
		page[i] = shape.apply(page[i])
	}
	writeList(w, r, total, win.start, page)
	return nil
}

// userPage returns the number of users that match, and the JSON of those in the
// window.
func (d *Directory) userPage(filter equality, win window) (total int, page [][]byte) {
	d.tenant.RLock()
	defer d.tenant.RUnlock()
	found := d.users
	switch filter.attribute {
	case "userName":
		found = nil
		if u := d.userByName[d.foldName(filter.value)]; u != nil {
			found = []*user{u}
		}
	case "externalId":
		found = d.userByExtID[filter.value]
	}
	now := d.tenant.Now()
	for _, u := range cutWindow(found, win) {
		page = append(page, u.json(now))
	}
	return len(found), page
}

// getUser is GET /Users/{id}.
func (d *Directory) getUser(w http.ResponseWriter, r *http.Request) error {
	shape, err := parseProjection(r.URL.Query())
	if err != nil {
		return err
	}
	text, err := d.userJSON(r)
	if err != nil {
		return err
	}
	tenant.WriteBytes(w, http.StatusOK, answerType(r), shape.apply(text))
	return nil
}

func (d *Directory) userJSON(r *http.Request) ([]byte, error) {
	d.tenant.RLock()
	defer d.tenant.RUnlock()
	u, err := d.findUser(r)
	if err != nil {
		return nil, err
	}
	return u.json(d.tenant.Now()), nil
}

func (d *Directory) findUser(r *http.Request) (*user, error) {
	id := r.PathValue("id")
	u := d.userByID[id]
	if u == nil {
		return nil, notFound("USER", id)
	}
	return u, nil
}

// createUser is POST /Users.
func (d *Directory) createUser(w http.ResponseWriter, r *http.Request) error {
	attrs, err := readUser(w, r)
	if err != nil {
		return err
	}
	shape, err := parseProjection(r.URL.Query())
	if err != nil {
		return err
	}
	text, err := d.insertUser(attrs)
	if err != nil {
		return err
	}
	tenant.WriteBytes(w, http.StatusCreated, answerType(r), shape.apply(text))
	return nil
}

// insertUser stores a new user and returns its JSON.
func (d *Directory) insertUser(attrs userAttributes) ([]byte, error) {
	d.tenant.Lock()
	defer d.tenant.Unlock()
	if err := d.checkUser(nil, &attrs); err != nil {
		return nil, err
	}
	if limit := d.options.MaxUsers; len(d.users) >= limit {
		return nil, refuse("tooMany", "Directory [%s] has reached its limit of [%d] users.", tenant.DirectoryID, limit)
	}
	now := d.tick()
	u := &user{id: tenant.NewUUID(tenant.Random{}), created: now, modified: now, attrs: attrs}
	tell := d.watchAccount(d.accounts.WithEmail(u.attrs.primaryEmail()))
	d.linkAccount(u, now)
	d.addUser(u)
	tell(u, true)
	return u.json(d.tenant.Now()), nil
}

// replaceUser is PUT /Users/{id}: attributes that the body lacks are removed.
func (d *Directory) replaceUser(w http.ResponseWriter, r *http.Request) error {
	attrs, err := readUser(w, r)
	if err != nil {
		return err
	}
	return d.updateUser(w, r, func(userAttributes) (userAttributes, error) { return attrs, nil })
}

// patchUser is PATCH /Users/{id}. Either all operations take place or none.
func (d *Directory) patchUser(w http.ResponseWriter, r *http.Request) error {
	operations, err := readPatch(w, r)
	if err != nil {
		return err
	}
	return d.updateUser(w, r, func(attrs userAttributes) (userAttributes, error) {
		return patchAttributes(attrs, operations)
	})
}

// updateUser replaces the attributes of a user by the result of change, and
// answers with the whole user.
func (d *Directory) updateUser(w http.ResponseWriter, r *http.Request, change func(userAttributes) (userAttributes, error)) error {
	shape, err := parseProjection(r.URL.Query())
	if err != nil {
		return err
	}
	text, err := d.changeUser(r, change)
	if err != nil {
		return err
	}
	tenant.WriteBytes(w, http.StatusOK, answerType(r), shape.apply(text))
	return nil
}

func (d *Directory) changeUser(r *http.Request, change func(userAttributes) (userAttributes, error)) ([]byte, error) {
	d.tenant.Lock()
	defer d.tenant.Unlock()
	u, err := d.findUser(r)
	if err != nil {
		return nil, err
	}
	attrs, err := change(u.attrs)
	if err != nil {
		return nil, err
	}
	if err := d.checkUser(u, &attrs); err != nil {
		return nil, err
	}
	tell := d.watchAccount(u.account)
	changed := string(tenant.JSON(attrs)) != string(tenant.JSON(u.attrs))
	if changed {
		d.setAttributes(u, attrs, d.tick())
	}
	d.updateAccount(u) // even if the user is as before: the organization may have changed the account
	tell(u, changed)
	return u.json(d.tenant.Now()), nil
}

// deleteUser is DELETE /Users/{id}: the user is gone for good, the account is
// deactivated.
func (d *Directory) deleteUser(w http.ResponseWriter, r *http.Request) error {
	if err := d.dropUser(r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (d *Directory) dropUser(r *http.Request) error {
	d.tenant.Lock()
	defer d.tenant.Unlock()
	u, err := d.findUser(r)
	if err != nil {
		return err
	}
	d.removeUser(u, d.tick())
	if u.account.Managed {
		u.account.Active = false
	}
	d.tell(tenant.UserRemoved, u.account)
	return nil
}

// readUser decodes the body of POST and PUT. Unknown and read-only attributes
// are ignored.
func readUser(w http.ResponseWriter, r *http.Request) (userAttributes, error) {
	body, err := readBody(w, r)
	if err != nil {
		return userAttributes{}, err
	}
	var attrs userAttributes
	if err := json.Unmarshal(body, &attrs); err != nil {
		return userAttributes{}, invalidBody(err)
	}
	return attrs, nil
}

// invalidBody tells broken JSON from JSON of the wrong types.
func invalidBody(err error) error {
	var refused *scimError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &wrong):
		return refuse("invalidValue", "Attribute [%s] has a value of the wrong type.", wrong.Field)
	}
	return refuse("invalidSyntax", "Request payload is not valid JSON.")
}

// checkUser validates the attributes that a user is to get, and sets active if
// it is not given. For a new user, u is nil.
func (d *Directory) checkUser(u *user, attrs *userAttributes) error {
	if strings.TrimSpace(attrs.UserName) == "" {
		return refuse("invalidValue", "Attribute [userName] is required.")
	}
	email, err := checkEmails(attrs.Emails)
	if err != nil {
		return err
	}
	if other := d.userByName[d.foldName(attrs.UserName)]; other != nil && other != u {
		return conflict("USER", "userName", attrs.UserName)
	}
	if other := d.userByEmail[strings.ToLower(email)]; other != nil && other != u {
		return conflict("USER", "email", email)
	}
	if u != nil && !strings.EqualFold(email, u.attrs.primaryEmail()) {
		if owner := d.accounts.WithEmail(email); owner != nil && owner != u.account {
			return conflict("USER", "email", email)
		}
	}
	if d.options.UnverifiedDomainReject && !d.tenant.Verified(email) {
		return refuse("invalidValue", "The domain of email [%s] is not verified.", email)
	}
	if attrs.Active == nil {
		active := looseBool(true)
		attrs.Active = &active
	}
	return nil
}

// checkEmails returns the primary address.
func checkEmails(emails []contact) (string, error) {
	if len(emails) == 0 {
		return "", refuse("invalidValue", "Attribute [emails] is required.")
	}
	var primary []string
	for _, email := range emails {
		at := strings.LastIndexByte(email.Value, '@')
		if at < 1 || at == len(email.Value)-1 || strings.ContainsAny(email.Value, " \t\r\n") {
			return "", refuse("invalidValue", "Email [%s] is not valid.", email.Value)
		}
		if email.Primary {
			primary = append(primary, email.Value)
		}
	}
	if len(primary) != 1 {
		return "", refuse("invalidValue", "Exactly one of [emails] must be primary.")
	}
	return primary[0], nil
}
