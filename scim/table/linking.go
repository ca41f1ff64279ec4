package table

import (
	"slices"
	"strings"

	"scim-atlassian/scim/query"
)

// Linking lists the ids of the rows whose links name id, in order. The first call
// reads all rows.
func (t *Table) Linking(id string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := t.state()
	t.linkLock.Lock()
	if t.linking == nil {
		t.linking = t.link(s)
	}
	slots := t.linking[id]
	t.linkLock.Unlock()
	return s.ids(slots)
}

// link makes linking from all rows.
func (t *Table) link(s *state) map[string][]uint32 {
	linking := map[string][]uint32{}
	pick := s.Picker(t.links.Name)
	for _, slot := range s.slots() {
		for id := range t.links.Of(pick.Pick(s.row(slot))) {
			addLink(linking, id, slot)
		}
	}
	return linking
}

// relink brings linking up to date before the row in a slot becomes another one, or
// goes; see derive.
func (t *Table) relink(slot uint32, o query.Object, row []byte) {
	if t.linking == nil {
		return
	}
	var before []string
	if b := int(slot / blockRows); b < len(t.blocks) && t.blocks[b].live>>(slot%blockRows)&1 != 0 {
		was := t.row(slot)
		if row != nil && t.packer.Member(was, t.links.Name) == t.packer.Member(string(row), t.links.Name) {
			return
		}
		before = slices.Collect(t.links.Of(t.packer.Picker(t.links.Name).Pick(was)))
	}
	after := slices.Collect(t.links.Of(o))
	for _, id := range before {
		if slots := withoutSlot(t.linking[id], slot); len(slots) > 0 {
			t.linking[id] = slots
		} else {
			delete(t.linking, id)
		}
	}
	for _, id := range after {
		addLink(t.linking, id, slot)
	}
}

// addLink adds a slot to those that link to id, unless it is there.
func addLink(linking map[string][]uint32, id string, slot uint32) {
	slots, known := linking[id]
	if !known {
		id = strings.Clone(id) // it may be a part of a row
	}
	if at, found := slices.BinarySearch(slots, slot); !found {
		linking[id] = slices.Insert(slots, at, slot)
	}
}

// withoutSlot removes a slot from an ordered list, if it is there.
func withoutSlot(slots []uint32, slot uint32) []uint32 {
	if at, found := slices.BinarySearch(slots, slot); found {
		return slices.Delete(slots, at, at+1)
	}
	return slots
}
