package issuelog

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// readAtOnce is how many issues one call to Jira reads.
const readAtOnce = 100

// readOne reads an issue, as the mirror keeps it.
func (l *Log) readOne(ctx context.Context, id string) (query.Object, error) {
	issues, err := l.source()
	if err != nil {
		return nil, err
	}
	o, err := issues.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	return kept(issues, o), nil
}

// catchUp searches for what has changed, unless the last search is young enough.
func (l *Log) catchUp(ctx context.Context) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.cfg.State.Shared() {
		if err := l.recall(ctx); err != nil { // another process may have searched
			return err
		}
	}
	stats := l.mirror.Stats()
	if stats.Proven.IsZero() || stats.Alarm != "" {
		return nil // the next reading of all issues will bring everything
	}
	since := l.searched()
	if stats.Proven.After(since) {
		since = stats.Proven
	}
	began, missed := l.cfg.Now(), l.missed.Swap(false)
	if began.Sub(since) < l.cfg.TTL && !missed {
		return nil
	}
	err := l.search(ctx, since.Add(-overlap))
	switch {
	case err == nil:
		return l.note(ctx, began)
	case l.mirror.Stats().Alarm != "": // what is known goes on to be told, with the age that it has
		return nil
	}
	l.missed.Store(true)
	return err
}

// search has the copy take over what was updated since a time, what is new and what is gone.
func (l *Log) search(ctx context.Context, since time.Time) error {
	issues, err := l.source()
	if err != nil {
		return err
	}
	moment := l.mirror.Moment()
	updated, err := l.updated(ctx, issues, since)
	if err != nil {
		return err
	}
	listed, err := l.listed(ctx, issues)
	if err != nil {
		return err
	}
	known := l.mirror.IDs()
	news, err := issues.ReadMany(ctx, query.Unique(append(updated, without(listed, known)...)))
	if err != nil {
		return err
	}
	for _, o := range news {
		l.mirror.Saw(moment, kept(issues, o))
	}
	gone := without(known, listed) // or the index does not know it yet
	children, err := l.childrenOf(issues, gone)
	if err != nil {
		return err
	}
	return l.mirror.Reread(ctx, append(gone, children...)...)
}

// childrenOf returns the ids of the kept issues whose parent is one of these: with that it goes from them, and the time of
// their last update does not tell.
func (l *Log) childrenOf(issues *jira.Issues, parents []string) ([]string, error) {
	if len(parents) == 0 {
		return nil, nil
	}
	parent, err := issues.Schema().Resolve("parent.id")
	if err != nil {
		return nil, err
	}
	var one query.Or
	for _, id := range parents {
		one.Terms = append(one.Terms, query.NewCompare(parent, query.Eq, id))
	}
	var ids []string
	for _, o := range l.mirror.Copied(one) {
		ids = append(ids, o.Text("id"))
	}
	return ids, nil
}

// updated returns the ids of the issues that were updated since a time and that the copy does not
// have like that.
func (l *Log) updated(ctx context.Context, issues *jira.Issues, since time.Time) ([]string, error) {
	modified, err := issues.Schema().Resolve("meta.lastModified")
	if err != nil {
		return nil, err
	}
	bare, err := issues.Schema().Project([]string{"id", "meta.lastModified"}, nil)
	if err != nil {
		return nil, err
	}
	found, err := issues.List(ctx, resource.ListQuery{Filter: query.NewCompare(modified, query.Ge, since), Want: bare, Start: 1, Count: math.MaxInt32})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, o := range found.Resources {
		have := changes.Modified(renamed(l.mirror.KnownPart(o.Text("id"), keptMeta), keptMeta, "meta"))
		if !have.Equal(changes.Modified(o)) {
			ids = append(ids, o.Text("id"))
		}
	}
	return ids, nil
}

// listed returns the ids of the issues that the index of searches has.
func (l *Log) listed(ctx context.Context, issues *jira.Issues) ([]string, error) {
	bare, err := issues.Schema().Project([]string{"id"}, nil)
	if err != nil {
		return nil, err
	}
	found, err := issues.List(ctx, resource.ListQuery{Want: bare, Whole: true, Start: 1, Count: math.MaxInt32})
	if err != nil {
		return nil, err
	}
	ids := slices.Clone(found.IDs)
	for _, o := range found.All {
		ids = append(ids, o.Text("id"))
	}
	return ids, nil
}

// without returns the ids that are not among others.
func without(ids, others []string) []string {
	among := make(map[string]bool, len(others))
	for _, id := range others {
		among[id] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return among[id] })
}

// part is the issues with ids of one thousand, which are read in one piece.
type part struct {
	number int
	ids    []string
}

// parts divides ids.
func parts(ids []string) []part {
	slices.SortFunc(ids, query.CompareIDs)
	var all []part
	for _, id := range slices.Compact(ids) {
		n, err := strconv.Atoi(id)
		if err != nil {
			continue // Jira's ids are numbers
		}
		if len(all) == 0 || all[len(all)-1].number != n/1000 {
			all = append(all, part{number: n / 1000})
		}
		last := &all[len(all)-1]
		last.ids = append(last.ids, id)
	}
	return all
}

// scan reads all issues: those that a search finds, and by their ids those that are known and not
// found, since the index of searches may be behind.
func (l *Log) scan(ctx context.Context, s mirror.Scanner) ([]string, error) {
	issues, err := l.source()
	if err != nil {
		return nil, err
	}
	listed, err := l.listed(ctx, issues)
	if err != nil {
		return nil, err
	}
	all := parts(append(listed, l.mirror.IDs()...))
	var pieces [][]part // of a hundred issues and more
	for i, n := 0, 0; i < len(all); i++ {
		if n == 0 {
			pieces = append(pieces, nil)
		}
		last := &pieces[len(pieces)-1]
		*last = append(*last, all[i])
		if n += len(all[i].ids); n >= readAtOnce {
			n = 0
		}
	}
	found := make([][]string, len(pieces))
	err = mirror.Parallel(ctx, len(pieces), func(ctx context.Context, i int) (err error) {
		found[i], err = l.scanPiece(ctx, s, issues, pieces[i])
		return err
	})
	return slices.Concat(found...), err
}

// scanPiece reads the issues of some parts, but for those that an earlier process has read.
func (l *Log) scanPiece(ctx context.Context, s mirror.Scanner, issues *jira.Issues, piece []part) (there []string, err error) {
	var ids []string
	var left []part
	for _, p := range piece {
		if read, ok := s.Has(p.number); ok {
			there = append(there, read...)
			continue
		}
		left, ids = append(left, p), append(ids, p.ids...)
	}
	moment := s.Moment()
	found, err := issues.ReadMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := map[string]query.Object{}
	for _, o := range found {
		byID[o.Text("id")] = kept(issues, o)
	}
	doubted := slices.DeleteFunc(ids, func(id string) bool { return byID[id] != nil || l.mirror.Known(id) == nil })
	again, err := mirror.FetchAll(ctx, doubted, l.readOne) // only its own 404 says that an issue is gone
	if err != nil {
		return nil, err
	}
	for _, o := range again {
		byID[o.Text("id")] = o
	}
	for _, p := range left {
		var objects []query.Object
		for _, id := range p.ids {
			if o := byID[id]; o != nil {
				there, objects = append(there, id), append(objects, o)
			}
		}
		s.Took(moment, p.number, objects)
	}
	return there, nil
}
