package table

// ids finds rows by id. Most ids are UUIDs, which take less room as numbers.
type ids struct {
	uuids map[uuid]uint32
	texts map[string]uint32
}

func newIDs(rows int) ids {
	return ids{uuids: make(map[uuid]uint32, rows), texts: map[string]uint32{}}
}

func (m *ids) get(id string) (slot uint32, ok bool) {
	if key, is := parseUUID(id); is {
		slot, ok = m.uuids[key]
		return slot, ok
	}
	slot, ok = m.texts[id]
	return slot, ok
}

func (m *ids) put(id string, slot uint32) {
	if key, is := parseUUID(id); is {
		m.uuids[key] = slot
	} else {
		m.texts[id] = slot
	}
}

func (m *ids) remove(id string) {
	if key, is := parseUUID(id); is {
		delete(m.uuids, key)
	} else {
		delete(m.texts, id)
	}
}
