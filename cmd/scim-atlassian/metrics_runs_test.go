package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"scim-atlassian/scim/console"
	"scim-atlassian/scim/state"
)

// The runs that the state lists are metrics: of each kind how many there are, and the last one.
func TestMetricsOfRuns(t *testing.T) {
	store, err := state.Open(t.Context(), "memory", state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i, run := range []console.Run{
		{Type: "Users", Kind: "export", Complete: true, Read: 10},
		{Type: "Users", Kind: "export", Complete: true, Read: 12},
		{Type: "Users", Kind: "export", Complete: false, Read: 5},
		{Type: "Users", Kind: "export", Filter: "active eq false", Complete: true, Read: 1},
		{Type: "User", Kind: "reading", Complete: true, Read: 12},
	} {
		run.Began = began.Add(time.Duration(i) * time.Minute)
		run.Ended = run.Began.Add(time.Duration(i+1) * time.Second)
		if err := keepRun(t.Context(), store, run); err != nil {
			t.Fatal(err)
		}
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(runMetrics{store})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			v := m.GetGauge().GetValue()
			if strings.HasSuffix(family.GetName(), "timestamp_seconds") {
				v -= float64(began.Unix())
			}
			got = append(got, fmt.Sprintf("%s %s %v", strings.TrimPrefix(family.GetName(), space+"_reconcile_"), strings.Join(labels, " "), v))
		}
	}
	slices.Sort(got)
	want := []string{
		"last_duration_seconds export Users 2", "last_duration_seconds limited Users 4", "last_duration_seconds reading User 5",
		"last_resources export Users 12", "last_resources limited Users 1", "last_resources reading User 12",
		"last_timestamp_seconds false export Users 123", "last_timestamp_seconds true export Users 62", "last_timestamp_seconds true limited Users 184", "last_timestamp_seconds true reading User 245",
		"runs false export Users 1", "runs true export Users 2", "runs true limited Users 1", "runs true reading User 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}
