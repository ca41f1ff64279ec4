package atlassian

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// EventQuery asks for a page of the event stream. A Cursor goes on from where it points; From is then without effect.
type EventQuery struct {
	Cursor string
	From   time.Time // the earliest ProcessedAt, whose own millisecond may or may not be in; zero: the oldest kept, 180 days
	Limit  int       // 1 to 500; 0: 200
}

// EventPage is a page of the event stream, in the order of processing. Next points behind it. It may be empty at the end of
// the stream, where some answers have a cursor to poll with and others have none: go on from the greatest ProcessedAt then,
// with an overlap, and expect to see events again.
type EventPage struct {
	Events []Event
	Next   string
}

// Event is an entry of the organization's audit log. It may be late by hours, come twice, or never. No value of it is to
// be believed: it points to what should be read again, see Hint.
type Event struct {
	ID          string
	Action      string    // see EventActions; any other may come
	Time        time.Time // zero: not told, or not understood
	ProcessedAt time.Time // zero: as Time
	Actor       EventActor
	Context     []EventObject // what was acted on
	Container   []EventObject // where
}

// EventActor is who did something: a person, an app, or a part of Atlassian.
type EventActor struct {
	ID         string // an account id, or a word such as "confluence"
	TokenID    string // of the API token or key that was used, if told
	TokenLabel string
}

// EventObject is a thing in an event. It may lack an id.
type EventObject struct {
	ID, Type    string
	Name, Email string // of its attributes
}

// wireEvent is an event as it comes. Its parts are decoded one by one, so that an odd part spoils nothing else.
type wireEvent struct {
	ID         any            `json:"id"`
	Attributes map[string]any `json:"attributes"`
}

type wireEventPage struct {
	Data []wireEvent `json:"data"`
	Meta *struct {
		Next string `json:"next"`
	} `json:"meta"`
}

func (p *wireEventPage) accept() bool { return p.Data != nil && p.Meta != nil }

// Events returns one page of the event stream. It calls GET /admin/v1/orgs/{orgId}/events-stream, 50 times a minute at
// most, with a key that has the scope read:events:admin. A plan without an audit log may answer Forbidden, or with no
// events at all: an empty stream is no proof that nothing has changed. A cursor that has expired is Invalid.
func (o *Organization) Events(ctx context.Context, query EventQuery) (*EventPage, error) {
	q := url.Values{}
	switch {
	case query.Cursor != "":
		q.Set("cursor", query.Cursor)
	case !query.From.IsZero():
		q.Set("from", strconv.FormatInt(query.From.UnixMilli(), 10))
	}
	if query.Limit > 0 {
		q.Set("limit", strconv.Itoa(query.Limit))
	}
	found, err := fetch[wireEventPage](ctx, o.caller, request{op: "GET /admin/v1/orgs/{orgId}/events-stream", args: []string{o.id}, query: q, reads: true})
	if err != nil {
		return nil, err
	}
	page := &EventPage{Events: make([]Event, len(found.Data)), Next: found.Meta.Next}
	for i := range found.Data {
		page.Events[i] = found.Data[i].event()
	}
	return page, nil
}

func (w *wireEvent) event() Event {
	e := Event{
		ID: textOf(w.ID), Action: textOf(w.Attributes["action"]),
		Time: timeOf(w.Attributes["time"]), ProcessedAt: timeOf(w.Attributes["processedAt"]),
		Context: objectsOf(w.Attributes["context"]), Container: objectsOf(w.Attributes["container"]),
	}
	if e.ProcessedAt.IsZero() {
		e.ProcessedAt = e.Time
	}
	actor, _ := w.Attributes["actor"].(map[string]any)
	auth, _ := actor["auth"].(map[string]any)
	e.Actor = EventActor{ID: textOf(actor["id"]), TokenID: textOf(auth["tokenId"]), TokenLabel: textOf(auth["tokenLabel"])}
	return e
}

func objectsOf(v any) []EventObject {
	list, _ := v.([]any)
	objects := make([]EventObject, 0, len(list))
	for _, element := range list {
		o, isObject := element.(map[string]any)
		if !isObject {
			continue
		}
		attributes, _ := o["attributes"].(map[string]any)
		objects = append(objects, EventObject{
			ID: textOf(o["id"]), Type: textOf(o["type"]), Name: textOf(attributes["name"]), Email: textOf(attributes["email"]),
		})
	}
	return objects
}

// textOf returns a text, or a number as text; anything else is "".
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func timeOf(v any) time.Time {
	t, err := time.Parse(time.RFC3339, textOf(v))
	if err != nil {
		return time.Time{}
	}
	return t
}

// EventAction is a kind of event.
type EventAction struct {
	ID          string // the Action of an Event
	DisplayName string
}

type wireEventActions struct {
	Data []struct {
		ID         string `json:"id"`
		Attributes struct {
			DisplayName string `json:"displayName"`
		} `json:"attributes"`
	} `json:"data"`
}

func (w *wireEventActions) accept() bool { return w.Data != nil }

// EventActions returns the kinds of event that the organization has. It calls GET /admin/v1/orgs/{orgId}/event-actions,
// with a key that has the scope read:events:admin.
func (o *Organization) EventActions(ctx context.Context) ([]EventAction, error) {
	found, err := fetch[wireEventActions](ctx, o.caller, request{op: "GET /admin/v1/orgs/{orgId}/event-actions", args: []string{o.id}, reads: true})
	if err != nil {
		return nil, err
	}
	actions := make([]EventAction, len(found.Data))
	for i, a := range found.Data {
		actions[i] = EventAction{a.ID, a.Attributes.DisplayName}
	}
	return actions, nil
}
