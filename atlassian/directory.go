package atlassian

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"scim-atlassian/atlassian/admission"
)

// Directory is a client of the user-provisioning (SCIM) API of one directory,
// https://developer.atlassian.com/cloud/admin/user-provisioning/rest/intro/. Methods on ids that upstream does not
// know fail with NotFound. It is safe for concurrent use.
type Directory struct{ *caller }

// NewDirectory returns a client of the directory with the given id and API key. baseURL is
// https://api.atlassian.com/scim/directory, with or without the id at its end; http is accepted on loopback only, unless
// [Config.PlainHTTP] is set.
func NewDirectory(cfg Config, baseURL, directoryID, key string) (*Directory, error) {
	base, err := parseBase(baseURL, cfg.PlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("directory: base URL: %w", err)
	}
	if !isSegment(directoryID) || strings.ContainsAny(directoryID, `/\?#`) {
		return nil, fmt.Errorf("directory: id %q is not an id", directoryID)
	}
	if err := checkSecret("API key", key); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	if path.Base(base.Path) != directoryID {
		base = base.JoinPath(url.PathEscape(directoryID))
	}
	c := newCaller(cfg, admission.Config{Shared: true}, base, "Bearer "+key, key)
	c.contentType = "application/scim+json"
	c.accept = "application/scim+json, application/json"
	d := &Directory{c}
	c.gateway = true
	c.probe = func(ctx context.Context) error {
		_, err := d.Users(ctx, ListOptions{Count: 1})
		return err
	}
	return d, nil
}

// Renewal returns what puts another API key in the place of the client's, for every request that begins afterwards. It
// fails if no header can carry the key.
func (d *Directory) Renewal(key string) (install func(), err error) { return d.renewal(key) }

// ListOptions selects a page of users or groups. The zero value selects the first page, whose length upstream chooses.
type ListOptions struct {
	Filter     Filter
	StartIndex int // from 1; 0: not sent
	Count      int // 0: not sent; upstream returns at most 100 whatever is asked
	// Attributes or ExcludedAttributes, not both, select the attributes of each user; ids are always among them.
	Attributes, ExcludedAttributes []string
}

// Filter is the one comparison the directory can make. It knows userName and externalId of users and displayName of
// groups; the zero value means no filter.
type Filter struct{ Attribute, Value string }

// String returns the filter as RFC 7644 section 3.4.2.2 writes it, or "" for none.
func (f Filter) String() string {
	if f.Attribute == "" {
		return ""
	}
	quoted, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(f.Value, "\uFFFD"))
	if err != nil {
		panic("atlassian: valid UTF-8 cannot be quoted: " + err.Error())
	}
	return f.Attribute + " eq " + string(quoted)
}

func (l ListOptions) query() url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("filter", l.Filter.String())
	set("attributes", strings.Join(l.Attributes, ","))
	set("excludedAttributes", strings.Join(l.ExcludedAttributes, ","))
	if l.StartIndex > 0 {
		set("startIndex", strconv.Itoa(l.StartIndex))
	}
	if l.Count > 0 {
		set("count", strconv.Itoa(l.Count))
	}
	return q
}

// Page is one page of a list as upstream returned it. The next one begins at StartIndex+len(Resources), not at
// StartIndex plus the count that was sent, since upstream shortens pages.
type Page[T any] struct {
	Total        int // of all pages
	StartIndex   int // of the first resource, from 1
	ItemsPerPage int
	Resources    []T
}

// wirePage tells an absent total from 0, so that a foreign document does not pass for an empty directory.
type wirePage[T accepter] struct {
	Schemas      []string `json:"schemas,omitzero"`
	Total        *int     `json:"totalResults"`
	StartIndex   int      `json:"startIndex"`
	ItemsPerPage int      `json:"itemsPerPage"`
	Resources    []T      `json:"Resources,omitzero"`
}

func (p *wirePage[T]) accept() bool {
	return p.Total != nil && *p.Total >= 0 && !slices.ContainsFunc(p.Resources, func(r T) bool { return !r.accept() })
}

// lone reports whether the page says that there is nothing, and says nothing else: neither what it is nor what it found.
// The directory does not write so.
func (p *wirePage[T]) lone() bool { return *p.Total == 0 && p.Resources == nil && p.Schemas == nil }

// confirmations is how often a directory that says nothing but that it is empty is asked again before it is believed.
const confirmations = 2

func listOf[T accepter](ctx context.Context, d *Directory, op string, list ListOptions) (*Page[T], error) {
	var page *wirePage[T]
	for asked := 0; page == nil || page.lone() && asked <= confirmations; asked++ {
		var err error
		if page, err = fetch[wirePage[T]](ctx, d.caller, request{op: op, query: list.query(), reads: true, whole: true, scans: list.Filter.Attribute == ""}); err != nil {
			return nil, err
		}
	}
	return &Page[T]{*page.Total, page.StartIndex, page.ItemsPerPage, page.Resources}, nil
}
