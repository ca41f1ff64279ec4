package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// client keeps a copy of users, groups and roles by delta queries.
type client struct {
	address func() string // of the server, which is another after each start
	http    *http.Client
	copy    facts
	streams []*stream
	judge   func(w wrapper)
}

// stream is a delta that is followed: where, and how far.
type stream struct {
	path, cursor, token string
}

// wrapper is a change as a delta tells it.
type wrapper struct {
	ResourceType, ChangeType, ChangedResourceID string

	Data       document
	Operations []struct {
		Op, Path string
		Value    any
	}
}

func (w wrapper) key() string { return w.ResourceType + " " + w.ChangedResourceID }

func newClient(address func() string) *client {
	return &client{address: address, http: &http.Client{Timeout: time.Minute}, copy: facts{}, streams: []*stream{{path: ""}, {path: "/Entitlements"}}}
}

// send makes a request. What is not answered, or with an error, is an error.
func (c *client) send(ctx context.Context, method, path string, body any) (document, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.address()+path, bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/scim+json")
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var doc document
	switch err := json.NewDecoder(answer.Body).Decode(&doc); {
	case answer.StatusCode >= 400:
		return doc, fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, doc.text("detail"))
	case answer.StatusCode != http.StatusNoContent:
		return doc, err
	}
	return nil, nil
}

// begin takes tokens, and then reads everything.
func (c *client) begin(ctx context.Context) error {
	for _, s := range c.streams {
		doc, err := c.send(ctx, http.MethodGet, base+s.path+"/.deltaToken", nil)
		if err != nil {
			return err
		}
		s.token = doc.text("value")
	}
	all, err := c.lists(ctx)
	c.copy = all
	return err
}

// lists reads all lists in full.
func (c *client) lists(ctx context.Context) (facts, error) {
	all := facts{}
	for _, kind := range []string{"User", "Group", "Issue", "Entitlement"} {
		filter := ""
		if kind == "Entitlement" {
			filter = "&filter=type%20eq%20%22PROJECT_ROLE%22"
		}
		for start, total := 1, 1; start <= total; {
			page, err := c.send(ctx, http.MethodGet, fmt.Sprintf("%s/%ss?startIndex=%d&count=1000%s", base, kind, start, filter), nil)
			if err != nil {
				return nil, err
			}
			found := page.list("Resources")
			for _, o := range found {
				if ofInterest(kind, o.text("id")) {
					all.add(kind, o)
				}
			}
			n, _ := page["totalResults"].(float64)
			total, start = int(n), start+len(found)
			if len(found) == 0 && start <= total {
				return nil, fmt.Errorf("/%ss: an empty page of %d", kind, total)
			}
		}
	}
	return all, nil
}

// ofInterest reports whether a thing is compared: of entitlements, the roles that are changed.
func ofInterest(kind, id string) bool {
	return kind != "Entitlement" || slices.ContainsFunc(roles, func(r [2]string) bool { return id == "role-"+r[0]+"-"+r[1] })
}

// follow reads on in all deltas. After an error it may be called again: the page is asked for once more.
func (c *client) follow(ctx context.Context) error {
	for _, s := range c.streams {
		for more := true; more; {
			page, err := c.send(ctx, http.MethodPost, base+s.path+"/.delta", document{
				"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:delta:request"}, "deltaToken": s.token, "cursor": s.cursor, "count": 40})
			if err != nil {
				return err
			}
			if err := c.apply(page); err != nil {
				return err
			}
			s.cursor = page.text("nextCursor")
			if next := page.inner("nextDeltaToken").text("value"); next != "" {
				s.token, s.cursor, more = next, "", false
			} else if s.cursor == "" {
				return fmt.Errorf("%s/.delta: a page has neither a cursor nor a token", s.path)
			}
		}
	}
	return nil
}

// apply does what a page says.
func (c *client) apply(page document) error {
	encoded, err := json.Marshal(page["Resources"])
	if err != nil {
		return err
	}
	var changes []wrapper
	if err := json.Unmarshal(encoded, &changes); err != nil {
		return err
	}
	for _, w := range changes {
		if !ofInterest(w.ResourceType, w.ChangedResourceID) {
			continue
		}
		c.judge(w)
		c.copy.take(w)
	}
	return nil
}

var memberPath = regexp.MustCompile(`^members\[value eq "(.*)"\]$`)

// take applies a change.
func (f facts) take(w wrapper) {
	key := w.key()
	switch w.ChangeType {
	case "Delete":
		f.drop(key)
	case "Create":
		f.drop(key)
		f.add(w.ResourceType, w.Data)
	case "Update":
		for _, op := range w.Operations {
			switch member := memberPath.FindStringSubmatch(op.Path); {
			case member != nil:
				delete(f, key+" members "+member[1])
			case op.Path == "members" && op.Op != "add":
				f.drop(key + " members")
			case op.Op == "remove":
				delete(f, key+" "+op.Path)
			}
			if _, has := f[key]; has && op.Op != "remove" { // an Update of what was never had is passed over
				f.add(w.ResourceType, document{"id": w.ChangedResourceID, op.Path: op.Value})
			}
		}
	}
}

// told returns what a change says: what is true, and what is not.
func (w wrapper) told() (is facts, isNot []string) {
	is = facts{w.key(): there}
	is.take(w)
	for _, op := range w.Operations {
		if member := memberPath.FindStringSubmatch(op.Path); member != nil {
			isNot = append(isNot, w.key()+" members "+member[1])
		}
	}
	if w.ChangeType == "Delete" {
		isNot = append(isNot, w.key())
	}
	return is, isNot
}

// kindOf is the kind of thing that a fact is about.
func kindOf(fact string) string { kind, _, _ := strings.Cut(fact, " "); return kind }
