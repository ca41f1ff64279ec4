package health_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"scim-atlassian/scim/health"
)

// TestWatchCredentials follows two credentials to their end: each warning comes once, and a key that is replaced is
// warned of no more.
func TestWatchCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		m := health.New(zap.New(core), time.Now)
		defer m.Close()
		began := time.Now()
		const day = 24 * time.Hour
		m.Credential(health.Credential{Name: "directory key", Expires: began.Add(45 * day)})
		m.Credential(health.Credential{Name: "api token", Fix: "make another"})
		asked := 0
		ctx, cancel := context.WithTimeout(t.Context(), 100*day)
		defer cancel()
		m.WatchCredentials(ctx, func(context.Context) {
			switch asked++; asked {
			case 11:
				m.Credential(health.Credential{Name: "api token", Expires: began.Add(80 * day), Fix: "make another", Told: true})
			case 60:
				m.Credential(health.Credential{Name: "api token", Expires: began.Add(500 * day), Told: true})
			}
		})
		type line struct {
			Day              int
			Level, What, Say string
		}
		var got []line
		for _, l := range logs.FilterMessage("credential expires").All() {
			c := l.ContextMap()
			got = append(got, line{int(l.Time.Sub(began) / day), l.Level.String(), c["credential"].(string), c["detail"].(string)})
		}
		want := []line{
			{0, "warn", "directory key", "it ends on 2000-02-15, in 45 days"},
			{15, "warn", "directory key", "it ends on 2000-02-15, in 30 days"},
			{20, "warn", "api token", "it ends on 2000-03-21, in 60 days"},
			{38, "warn", "directory key", "it ends on 2000-02-15, in 7 days"},
			{44, "error", "directory key", "it ends on 2000-02-15, in 24 hours"},
			{45, "error", "directory key", "it has ended on 2000-02-15"},
			{50, "warn", "api token", "it ends on 2000-03-21, in 30 days"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if asked < 99 || asked > 101 {
			t.Errorf("upstream was asked %d times in 100 days", asked)
		}
	})
}
