package mirror

import (
	"errors"
	"fmt"
	"net/http"

	"scim-atlassian/scim/alarm"
	"scim-atlassian/scim/resource"
)

// Accept has the next reading believed although it has lost most of the resources,
// whether there is an alarm or not.
func (m *Mirror) Accept() {
	m.Reconsider()
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	m.store.accept = true
}

// Reconsider has everything read again when a request next needs it, since somebody may
// have accepted what was not believed.
func (m *Mirror) Reconsider() {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	m.store.alarm = ""
}

// errDoubted says that a reading is not believed.
var errDoubted = errors.New("scim: the reading is not believed")

// believable refuses a scan that found far fewer resources than there were, where
// that would be remembered: a directory that was exchanged or emptied by mistake
// looks like that. The rows stay as they are, with the age that they have, until the
// list is as before or an operator accepts it. The caller holds the mutex.
func (s *store) believable(gone int) error {
	before := s.rows.Len()
	left := before - gone
	if s.journal == nil || before == 0 {
		return nil
	}
	if left > 0 && (before < 100 || 2*left >= before) || s.accept || s.known().Accepts(gone) {
		s.alarm, s.accept = "", false
		s.alarmOff()
		return nil
	}
	s.journal.refused, s.journal.scan = s.journal.scan, 0
	return s.raise(gone, fmt.Sprintf("The list has %d resources where it had %d.", left, before))
}

// vanished is err, or the alarm that it is where there is no list any more of which a copy
// is kept. Nobody can accept that: there is nothing to be read.
func (s *store) vanished(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone == nil || !s.gone(err) || s.journal == nil || s.base == nil || s.rows.Len() == 0 {
		return err
	}
	return s.raise(s.rows.Len(), "Atlassian answers that there is no such list any more (404).")
}

// raise notes an alarm that so many resources are gone, in the state too. The caller holds the mutex.
func (s *store) raise(gone int, text string) error {
	s.alarm, s.alarmed = text, s.now()
	ctx, cancel := stateContext()
	defer cancel()
	err := alarm.Raise(ctx, s.journal.state, alarm.Alarm{Type: s.journal.typ, Text: text, At: s.alarmed.UTC(), Gone: gone})
	return &resource.Error{Status: http.StatusBadGateway, Err: errors.Join(errDoubted, err),
		Detail: text + " That is not believed: nothing was changed here. Whoever runs this server can accept it, see GET /Holds/" + alarm.IDOf(s.journal.typ) + " and docs/mirror.md."}
}

// known returns the alarm that the state has, nil if it has none.
func (s *store) known() *alarm.Alarm {
	ctx, cancel := stateContext()
	defer cancel()
	a, err := alarm.Of(ctx, s.journal.state, s.journal.typ)
	if err != nil {
		return nil
	}
	return a
}

// alarmOff takes the alarm out of the state; where that fails, the next reading does.
func (s *store) alarmOff() {
	ctx, cancel := stateContext()
	defer cancel()
	_ = alarm.End(ctx, s.journal.state, s.journal.typ)
}
