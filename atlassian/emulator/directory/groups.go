package directory

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// listGroups is GET /Groups.
func (d *Directory) listGroups(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	filter, err := parseFilter(query, "displayName")
	if err != nil {
		return err
	}
	win, err := d.parseWindow(query)
	if err != nil {
		return err
	}
	total, page := d.groupPage(filter, win)
	writeList(w, r, total, win.start, page)
	return nil
}

// groupPage returns the number of groups that match, and the JSON of those in
// the window.
func (d *Directory) groupPage(filter equality, win window) (total int, page [][]byte) {
	d.tenant.RLock()
	defer d.tenant.RUnlock()
	found := d.groups
	if filter.attribute != "" {
		found = nil
		if g := d.groupByName[d.foldName(filter.value)]; g != nil {
			found = []*group{g}
		}
	}
	for _, g := range cutWindow(found, win) {
		page = append(page, appendGroup(nil, g, !d.options.OmitMembersInList))
	}
	return len(found), page
}

// getGroup is GET /Groups/{id}.
func (d *Directory) getGroup(w http.ResponseWriter, r *http.Request) error {
	text, err := d.groupJSON(r)
	if err != nil {
		return err
	}
	tenant.WriteBytes(w, http.StatusOK, answerType(r), text)
	return nil
}

func (d *Directory) groupJSON(r *http.Request) ([]byte, error) {
	d.tenant.RLock()
	defer d.tenant.RUnlock()
	g, err := d.findGroup(r)
	if err != nil {
		return nil, err
	}
	return appendGroup(nil, g, true), nil
}

func (d *Directory) findGroup(r *http.Request) (*group, error) {
	id := r.PathValue("id")
	g := d.groupByID[id]
	if g == nil {
		return nil, notFound("GROUP", id)
	}
	return g, nil
}

// groupBody has the attributes of a group that a client can write.
type groupBody struct {
	DisplayName string          `json:"displayName"`
	ExternalID  string          `json:"externalId"`
	Members     []memberElement `json:"members"`
}

type memberElement struct {
	Value string `json:"value"`
}

func readGroup(w http.ResponseWriter, r *http.Request) (groupBody, error) {
	var body groupBody
	text, err := readBody(w, r)
	if err != nil {
		return body, err
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return body, invalidBody(err)
	}
	if strings.TrimSpace(body.DisplayName) == "" {
		return body, refuse("invalidValue", "Attribute [displayName] is required.")
	}
	return body, nil
}

// createGroup is POST /Groups.
func (d *Directory) createGroup(w http.ResponseWriter, r *http.Request) error {
	body, err := readGroup(w, r)
	if err != nil {
		return err
	}
	text, err := d.insertGroup(body)
	if err != nil {
		return err
	}
	tenant.WriteBytes(w, http.StatusCreated, answerType(r), text)
	return nil
}

// insertGroup stores a new group and returns its JSON.
func (d *Directory) insertGroup(body groupBody) ([]byte, error) {
	d.tenant.Lock()
	defer d.tenant.Unlock()
	if d.groupNameTaken(body.DisplayName) {
		return nil, conflict("GROUP", "displayName", body.DisplayName)
	}
	now := d.tick()
	g := &group{
		id: tenant.NewUUID(tenant.Random{}), jiraID: tenant.NewUUID(tenant.Random{}), visibleFrom: now.Add(d.options.PropagationDelay),
		displayName: body.DisplayName, externalID: body.ExternalID, created: now, modified: now,
	}
	draft := newGroupDraft(d, g)
	if err := draft.addAll(body.Members); err != nil {
		return nil, refuse("invalidValue", "%v", err)
	}
	if err := draft.check(); err != nil {
		return nil, err
	}
	d.addGroup(g)
	d.tellGroup(tenant.GroupCreated, g)
	draft.commit(now)
	return appendGroup(nil, g, true), nil
}

func (d *Directory) groupNameTaken(name string) bool {
	return d.groupByName[d.foldName(name)] != nil || d.tenant.LocalGroupNamed(name) != nil ||
		slices.ContainsFunc(d.options.OrganizationGroups, func(other string) bool {
			return d.foldName(other) == d.foldName(name)
		})
}

// replaceGroup is PUT /Groups/{id}.
func (d *Directory) replaceGroup(w http.ResponseWriter, r *http.Request) error {
	body, err := readGroup(w, r)
	if err != nil {
		return err
	}
	return d.updateGroup(w, r, func(draft *groupDraft) error {
		if err := draft.rename(body.DisplayName); err != nil {
			return err
		}
		draft.externalID = body.ExternalID
		draft.removeAll()
		return unknownMember(draft.addAll(body.Members))
	})
}

// patchGroup is PATCH /Groups/{id}. Either all operations take place or none.
func (d *Directory) patchGroup(w http.ResponseWriter, r *http.Request) error {
	operations, err := readPatch(w, r)
	if err != nil {
		return err
	}
	return d.updateGroup(w, r, func(draft *groupDraft) error { return draft.patch(operations) })
}

// updateGroup lets change alter a draft of a group and answers with the whole
// group.
func (d *Directory) updateGroup(w http.ResponseWriter, r *http.Request, change func(*groupDraft) error) error {
	text, err := d.changeGroup(r, change)
	if err != nil {
		return err
	}
	tenant.WriteBytes(w, http.StatusOK, answerType(r), text)
	return nil
}

func (d *Directory) changeGroup(r *http.Request, change func(*groupDraft) error) ([]byte, error) {
	d.tenant.Lock()
	defer d.tenant.Unlock()
	g, err := d.findGroup(r)
	if err != nil {
		return nil, err
	}
	draft := newGroupDraft(d, g)
	if err := change(draft); err != nil {
		return nil, err
	}
	if err := draft.check(); err != nil {
		return nil, err
	}
	if draft.changed() {
		draft.commit(d.tick())
	}
	return appendGroup(nil, g, true), nil
}

// deleteGroup is DELETE /Groups/{id}.
func (d *Directory) deleteGroup(w http.ResponseWriter, r *http.Request) error {
	if err := d.dropGroup(r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (d *Directory) dropGroup(r *http.Request) error {
	d.tenant.Lock()
	defer d.tenant.Unlock()
	g, err := d.findGroup(r)
	if err != nil {
		return err
	}
	gone := d.asProvided(g)
	d.removeGroup(g)
	d.tenant.Record(tenant.Change{Action: tenant.GroupDeleted, By: tenant.Provisioner, Group: &gone})
	return nil
}

// unknownMember turns the 404 for an unknown member into PUT's answer.
func unknownMember(err error) error {
	if missing, ok := err.(*scimError); ok && missing.status == http.StatusNotFound {
		return &javaError{missing.detail}
	}
	return err
}
