// Package alarm keeps in the state what is not believed of upstream until somebody
// accepts it, so that a restart and other processes know it.
package alarm

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"scim-atlassian/scim/state"
)

// Alarm says why the last reading of a type is not believed.
type Alarm struct {
	Type     string    `json:"type"` // of resources
	Text     string    `json:"text"`
	At       time.Time `json:"at"`                 // of that reading
	Gone     int       `json:"gone,omitempty"`     // resources that the reading lacks; 0: it was not counted
	Accepted string    `json:"accepted,omitempty"` // by whom; empty: it is not
}

// IDOf returns the id under which people find the alarm of a type.
func IDOf(typ string) string { return "mirror-" + strings.ToLower(typ) }

const (
	kind = "mirror-alarm"
	life = 30 * 24 * time.Hour // after the last reading that was not believed
)

// Raise keeps an alarm in place of the one that its type had.
func Raise(ctx context.Context, s *state.Store, a Alarm) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return s.Put(ctx, kind, a.Type, data, a.At.Add(life))
}

// End forgets the alarm of a type, if there is one.
func End(ctx context.Context, s *state.Store, typ string) error { return s.Remove(ctx, kind, typ) }

// Of returns the alarm of a type, nil if there is none.
func Of(ctx context.Context, s *state.Store, typ string) (*Alarm, error) {
	v, there, err := s.Value(ctx, kind, typ)
	if err != nil || !there {
		return nil, err
	}
	a := &Alarm{}
	return a, json.Unmarshal(v.Data, a)
}

// All returns the alarms of all types.
func All(ctx context.Context, s *state.Store) (all []Alarm, err error) {
	err = s.Each(ctx, kind, func(v state.Value) error {
		var a Alarm
		err := json.Unmarshal(v.Data, &a)
		all = append(all, a)
		return err
	})
	return all, err
}

// Accepts reports whether somebody has accepted that so many resources are gone: as many
// as the alarm told of, or fewer. A nil alarm accepts nothing.
func (a *Alarm) Accepts(gone int) bool {
	return a != nil && a.Accepted != "" && (a.Gone == 0 || gone <= a.Gone)
}

// Accept has the next reading of a type believed that lacks as much as the one of the alarm, by
// whichever process makes it. by is who says so. It reports false if there is no alarm, or not any more.
func Accept(ctx context.Context, s *state.Store, typ, by string) (bool, error) {
	v, there, err := s.Value(ctx, kind, typ)
	if err != nil || !there {
		return false, err
	}
	var a Alarm
	if err := json.Unmarshal(v.Data, &a); err != nil {
		return false, err
	}
	a.Accepted = by
	if v.Data, err = json.Marshal(a); err != nil {
		return false, err
	}
	return s.Swap(ctx, v)
}
