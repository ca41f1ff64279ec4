package bulk

import (
	"strings"

	"scim-atlassian/scim/document"
	"scim-atlassian/scim/resource"
)

// plan finds out which operations wait for which others, and which are ready. An operation waits for the POSTs that it
// refers to by bulkId, and for earlier operations on the same resource. Of
//
//	0  PATCH  /Groups/g  adds the member u
//	1  PUT    /Users/u
//	2  DELETE /Groups/g
//	3  POST   /Users     userName ann, bulkId a
//	4  POST   /Users     userName ann
//	5  PATCH  /Groups/h  adds the member bulkId:a
//
// 1 waits for 0, which names the user that 1 changes; 2 waits for 0, since both change the group g; 4 waits for 3, since
// both make a user named ann; 5 waits for 3 by its reference. 0 and 3 are ready.
func (j *Job) plan() {
	j.refuseImpossible()
	for _, op := range j.ops {
		if op.fault == nil {
			op.fault = j.refer(op)
		}
	}
	j.order()
	for _, op := range j.ops {
		if op.waiting == 0 {
			j.ready = append(j.ready, op)
		}
	}
}

// use is the latest use of a subject by the operations before the one in question.
type use struct {
	writer  *operation   // the last operation that changes the subject; nil: none yet
	readers []*operation // the operations since writer that name the subject in their data
}

// order lets an operation wait for earlier ones on the same subject. If it names a subject, it waits for the last
// operation that changes that; if it changes the subject, also for those that have named it since.
func (j *Job) order() {
	uses := map[string]*use{}
	for _, op := range j.ops {
		if op.fault == nil {
			uses[op.subject()] = &use{}
		}
	}
	delete(uses, "")
	for _, op := range j.ops {
		if op.fault != nil {
			continue
		}
		subject := op.subject()
		for _, text := range texts(op.data) {
			named := canonical(text)
			if u := uses[named]; u != nil && named != subject {
				op.waitFor(u.writer)
				u.readers = append(u.readers, op)
			}
		}
		if u := uses[subject]; u != nil {
			op.waitFor(u.writer)
			for _, reader := range u.readers {
				op.waitFor(reader)
			}
			*u = use{writer: op}
		}
	}
}

// subject names the thing that an operation changes: by the id in its path or, for a POST, by its endpoint and the name
// of the new resource, since no two resources of an endpoint share a name. It is "" for a POST without a name.
func (op *operation) subject() string {
	if id := op.target(); id != "" {
		return canonical(id)
	}
	object, _ := op.data.(map[string]any)
	for _, attribute := range []string{"userName", "displayName"} {
		value, _ := document.LookUp(object, attribute)
		if text, ok := value.(string); ok && text != "" {
			return strings.ToLower(op.path[0] + "\x00" + text)
		}
	}
	return ""
}

// refer finds the POSTs that op refers to by bulkId and lets it wait for them. It refuses a bulkId that no POST has.
func (j *Job) refer(op *operation) error {
	for _, text := range append(texts(op.data), op.target()) {
		bulkID, ok := referenceIn(text)
		if _, known := op.refs[bulkID]; !ok || known {
			continue
		}
		to := j.byID[bulkID]
		if to == nil {
			return resource.InvalidValue("No POST in this request has the bulkId %q.", resource.Clip(bulkID))
		}
		op.refs[bulkID] = true
		op.open++
		op.waiting++
		to.next = append(to.next, op)
	}
	return nil
}

// waitFor lets op wait for an earlier operation, if there is one.
func (op *operation) waitFor(earlier *operation) {
	if earlier != nil && earlier != op {
		op.waiting++
		earlier.next = append(earlier.next, op)
	}
}
