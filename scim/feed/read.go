package feed

import (
	"context"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
)

const (
	eventsAtOnce = 500 // the most that Atlassian gives
	maxPages     = 40  // of one poll, within the 50 that a minute allows; the next goes on
	retention    = 179 * 24 * time.Hour
)

// readEvents reads the event stream to its end: from the cursor, or from the latest
// event less the overlap where there is none. A part of the polls looks back like
// that even so, since nobody promises that an event is listed at once when it was
// processed.
func (f *Feed) readEvents(ctx context.Context, s *source, r *round) (complete bool, err error) {
	query := atlassian.EventQuery{Cursor: r.before.Cursor, Limit: eventsAtOnce}
	if r.began.Sub(r.before.LookedBack) >= f.cfg.Overlap/2 {
		query.Cursor = ""
	}
	for range maxPages {
		if query.Cursor == "" {
			query.From = r.from()
			r.next.LookedBack = r.began
		}
		page, err := f.cfg.Events.Events(ctx, query)
		if query.Cursor != "" && atlassian.KindOf(err) == atlassian.Invalid { // it has expired
			query.Cursor, r.next.Cursor = "", ""
			continue
		}
		if err != nil {
			return false, err
		}
		last := r.events(page.Events)
		r.next.Cursor = page.Next
		if page.Next == "" || page.Next == query.Cursor || last {
			return true, nil
		}
		query.Cursor = page.Next
	}
	return false, nil
}

// from is where to read from without a cursor.
func (r *round) from() time.Time {
	from, kept := r.next.Latest.Add(-r.overlap), r.began.Add(-retention)
	if from.Before(kept) {
		return kept
	}
	return from
}

// events takes a page, and reports whether it is at the end of the stream: nothing in
// it is new, and it is not from before what was read before.
func (r *round) events(page []atlassian.Event) (last bool) {
	last = true
	for i := range page {
		e := &page[i]
		if !r.takes(eventKey(e), e.ProcessedAt) {
			continue
		}
		last = false
		h := e.Hint()
		if h.Unknown {
			r.unknown[e.Action]++
		}
		for _, o := range e.Context { // the directory has ids of its own
			if o.Name != "" && slices.Contains(h.Groups, o.ID) {
				h.GroupNames = append(h.GroupNames, o.Name)
			}
		}
		r.add(h, e.Time)
		r.mention(e)
	}
	return last && (len(page) == 0 || !page[len(page)-1].ProcessedAt.Before(r.before.Latest))
}

// recordsOverlap is how far Jira's records are read again.
const recordsOverlap = time.Minute

// readRecords reads Jira's audit records, which come newest first: only all of them
// together move the position.
func (f *Feed) readRecords(ctx context.Context, s *source, r *round) (complete bool, err error) {
	query := atlassian.AuditQuery{From: r.before.Latest.Add(-recordsOverlap)}
	for range maxPages {
		page, err := f.cfg.Jira.AuditRecords(ctx, query)
		if err != nil {
			*r = *f.newRound(s)
			return false, err
		}
		query.Offset += len(page.Records)
		if !f.takeRecords(r, page.Records) || query.Offset >= page.Total {
			return true, nil
		}
	}
	r.add(atlassian.Hint{SomeAccount: f.onlyRecords(), SomeGroup: f.onlyRecords(), SomeProject: true}, r.began)
	return true, nil
}

// takeRecords takes a page, and reports whether anything in it is new. People and
// groups are the event stream's, if that tells anything.
func (f *Feed) takeRecords(r *round, page []atlassian.AuditRecord) (news bool) {
	for i := range page {
		record := &page[i]
		if !r.takes(recordKey(record), record.Created.Time) {
			continue
		}
		news = true
		h := record.Hint()
		if h.Unknown {
			r.unknown["jira: "+strings.ToLower(record.Category)]++
		}
		if !f.onlyRecords() {
			h = atlassian.Hint{Projects: h.Projects, SomeProject: h.SomeProject}
		}
		r.add(h, record.Created.Time)
		r.mentionRecord(record)
	}
	return news
}

// onlyRecords reports whether the event stream has told nothing yet.
func (f *Feed) onlyRecords() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.silent()
}
