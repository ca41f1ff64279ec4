package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// client is one client of the server: it makes random operations on users, groups, roles and issues of its own, one after
// the other, and judges the answers by its model.
type client struct {
	*world
	name   string // the prefix of the names of its things
	rng    *rand.Rand
	model  model
	users  []*thing
	groups []*thing
	issues []*thing
	number int // of the requests so far
	named  int // of the things so far
}

// thing is a resource that the client has created, or tried to.
type thing struct{ kind, name, id string }

func (t *thing) fact() string { return t.kind + " " + t.name }

func newClient(w *world, number int) *client {
	return &client{world: w, name: fmt.Sprintf("c%02d", number), rng: rand.New(rand.NewPCG(w.seed, uint64(number))), model: model{}}
}

// run makes operations until ctx ends.
func (c *client) run(ctx context.Context) {
	operations := []struct {
		weight int
		name   string
		do     func(context.Context)
	}{
		{12, "create user", c.createUser}, {10, "read user", c.readUser}, {8, "find user", c.findUser}, {12, "patch user", c.patchUser},
		{5, "put user", c.putUser}, {3, "delete user", c.deleteUser}, {4, "create group", c.createGroup}, {5, "read group", c.readGroup},
		{12, "change member", c.changeMember}, {1, "delete group", c.deleteGroup}, {3, "list users", c.listUsers}, {3, "page groups", c.pageGroups},
		{3, "bulk", c.bulk}, {4, "change role", c.changeRole}, {3, "create issue", c.createIssue}, {3, "patch issue", c.patchIssue},
		{3, "read issue", c.readIssue}, {3, "find issue", c.findIssue}, {1, "delete issue", c.deleteIssue},
	}
	total := 0
	for _, o := range operations {
		total += o.weight
	}
	for ctx.Err() == nil {
		at := c.rng.IntN(total)
		for _, o := range operations {
			if at -= o.weight; at < 0 {
				o.do(context.WithoutCancel(ctx)) // an operation that has begun is carried to its end, so that its outcome is known
				break
			}
		}
	}
}

// reply is an answer of the server.
type reply struct {
	id     string // of the request
	status int
	doc    document
}

// document is a JSON object.
type document map[string]any

func (d document) text(name string) string { s, _ := d[name].(string); return s }

func (d document) list(name string) []document {
	values, _ := d[name].([]any)
	var out []document
	for _, v := range values {
		if o, ok := v.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

// send makes a request. An answer that is none is a finding, and has the status 0.
func (c *client) send(ctx context.Context, operation, method, path string, body any) reply {
	c.number++
	r := reply{id: fmt.Sprintf("%s-%d", c.name, c.number)}
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 4*requestTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(encoded))
	if err != nil {
		panic(err)
	}
	if body == nil {
		req.Body, req.ContentLength = nil, 0
	}
	req.Header.Set("Authorization", "Bearer "+clientToken)
	req.Header.Set("Content-Type", "application/scim+json")
	req.Header.Set("X-Request-Id", r.id)
	resp, err := c.http.Do(req)
	if err != nil {
		c.report.find(malformed, "%s: %s %s: %v", r.id, method, path, err)
		return r
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil {
		err = c.readable(resp, answer, &r.doc)
	}
	if err != nil {
		c.report.find(malformed, "%s: %s %s: %d: %v: %.200q", r.id, method, path, resp.StatusCode, err, answer)
		return r
	}
	for _, secret := range secrets {
		if bytes.Contains(answer, []byte(secret)) {
			c.report.find(leaked, "%s: %s %s: the answer has a secret", r.id, method, path)
		}
	}
	r.status = resp.StatusCode
	c.report.count(operation, fmt.Sprint(r.status))
	return r
}

// readable decodes an answer of a SCIM server: a document with schemas, and in an error the status, and when to come back
// if it is not now.
func (c *client) readable(resp *http.Response, answer []byte, into *document) error {
	switch {
	case resp.StatusCode == http.StatusNoContent && len(answer) == 0:
		return nil
	case resp.StatusCode == http.StatusInternalServerError:
		return errors.New("an internal error")
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return err
	}
	schemas, _ := (*into)["schemas"].([]any)
	switch {
	case len(schemas) == 0:
		return errors.New("no schemas")
	case resp.StatusCode >= 400 && into.text("status") != fmt.Sprint(resp.StatusCode):
		return errors.New("the status of the body is another")
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "":
		return errors.New("503 without Retry-After")
	}
	return nil
}

// outcome is what the server says of a write, in its status and in its audit.
func (c *client) outcome(r reply) outcome {
	if r.status >= 200 && r.status < 300 {
		return done
	}
	return c.audits.outcome(r.id)
}

func patchOf(operations ...document) document {
	return document{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": operations}
}

func userOf(name, display string) document {
	return document{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name, "displayName": display,
		"externalId": "x-" + name, "emails": []document{{"value": name, "primary": true, "type": "work"}}}
}

// nameOf returns a new name.
func (c *client) nameOf(kind string) string {
	c.named++
	return fmt.Sprintf("%s-%s%d", c.name, kind, c.named)
}

// pick returns one of things that the client knows the id of, nil if there is none.
func (c *client) pick(things []*thing) *thing {
	known := slices.DeleteFunc(slices.Clone(things), func(t *thing) bool { return t.id == "" })
	if len(known) == 0 {
		return nil
	}
	return known[c.rng.IntN(len(known))]
}

// create sends the document of a new thing and notes what it makes true. An existing thing is refused with 409: then one
// of an earlier attempt must be there.
func (c *client) create(ctx context.Context, t *thing, path string, body document, facts map[string]string) {
	r := c.send(ctx, "create "+t.kind, http.MethodPost, path, body)
	facts[t.fact()] = present
	o := c.outcome(r)
	switch {
	case r.status == http.StatusConflict && c.model.surely(t.fact(), absent):
		c.report.find(phantom, "%s: 409 for %s, which nobody has created", r.id, t.fact())
	case r.status >= 400 && r.status < 500 && r.status != http.StatusConflict && r.status != http.StatusTooManyRequests:
		c.report.find(malformed, "%s: %d for the creation of %s: %s", r.id, r.status, t.fact(), r.doc.text("detail"))
	case r.status == http.StatusCreated:
		t.id = r.doc.text("id")
	}
	c.model.wrote(o, facts)
}

// change sends a change of a thing and notes what it makes true.
func (c *client) change(ctx context.Context, t *thing, method, path string, body any, facts map[string]string) outcome {
	r := c.send(ctx, strings.ToLower(method)+" "+t.kind, method, path, body)
	o := c.outcome(r)
	switch {
	case r.status == http.StatusNotFound:
		c.judge(c.model.whenRead, r, t.fact(), absent)
	case r.status >= 400 && r.status < 500 && r.status != http.StatusTooManyRequests:
		if c.model.surely(t.fact(), present) {
			c.report.find(malformed, "%s: %s %s: %d: %s", r.id, method, t.fact(), r.status, r.doc.text("detail"))
		}
	}
	c.model.wrote(o, facts)
	return o
}

// read reads a thing and judges its existence. It returns nil if there is nothing to judge.
func (c *client) read(ctx context.Context, t *thing, path string) (reply, document) {
	r := c.send(ctx, "read "+t.kind, http.MethodGet, path, nil)
	switch r.status {
	case http.StatusOK:
		c.judge(c.model.whenRead, r, t.fact(), present)
		return r, r.doc
	case http.StatusNotFound:
		c.judge(c.model.whenRead, r, t.fact(), absent)
	}
	return r, nil
}

// judge notes a finding if a value is not what the model says.
func (c *client) judge(by func(fact, value string) (verdict, bool), r reply, fact, value string) {
	if v, found := by(fact, value); found {
		c.report.find(v, "%s: %s is %s, not %s", r.id, fact, value, c.model.expected(fact))
	}
}

// query is a path with one parameter and more.
func query(path string, parameters ...string) string {
	q := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		q.Set(parameters[i], parameters[i+1])
	}
	return path + "?" + q.Encode()
}
