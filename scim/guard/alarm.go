package guard

import (
	"context"
	"net/http"

	"go.uber.org/zap"

	"scim-atlassian/scim/alarm"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// alarms returns the holds of no caller: readings that are not believed.
func (g *Guard) alarms(ctx context.Context) ([]alarm.Alarm, error) {
	if g.cfg.State == nil {
		return nil, nil
	}
	return alarm.All(ctx, g.cfg.State)
}

// alarmOf returns the alarm that is a hold with an id, nil if there is none.
func (g *Guard) alarmOf(ctx context.Context, id string) (*alarm.Alarm, error) {
	all, err := g.alarms(ctx)
	for _, a := range all {
		if alarm.IDOf(a.Type) == id {
			return &a, err
		}
	}
	return nil, err
}

// accept releases an alarm, as a whole.
func (g *Guard) accept(ctx context.Context, q Request, a *alarm.Alarm) (int, query.Object, error) {
	if q.Body != nil {
		return 0, nil, resource.InvalidValue("The hold %s is released as a whole, and for good: leave the body out.", q.ID)
	}
	if err := q.intend(); err != nil {
		return 0, nil, err
	}
	switch done, err := alarm.Accept(ctx, g.cfg.State, a.Type, q.Caller); {
	case err != nil:
		return 0, nil, err
	case !done:
		return 0, nil, noHold(q.ID)
	}
	g.cfg.Accepted()
	a.Accepted = q.Caller
	g.cfg.Logger.Warn("alarm accepted", zap.String("hold", q.ID), zap.String("text", a.Text), zap.String("by", q.Caller))
	return http.StatusOK, alarmDocument(a), nil
}

// alarmDocument is an alarm as it is answered.
func alarmDocument(a *alarm.Alarm) query.Object {
	o := query.Texts("id", alarm.IDOf(a.Type), "what", "reading of the type "+a.Type, "detail", a.Text)
	o.Set("last", a.At)
	if a.Accepted != "" {
		o.Set("released", query.Texts("by", a.Accepted))
	}
	return o
}
