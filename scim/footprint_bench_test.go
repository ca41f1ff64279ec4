package scim_test

import (
	"encoding/json"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// BenchmarkFootprint measures the memory that a snapshot takes: B/user of the
// emulator's sample users, and per member of its groups, B/member, which is nearly
// all that groups take.
//
//	go test ./scim -run '^$' -bench Footprint -benchtime 1x
func BenchmarkFootprint(b *testing.B) {
	upstream := httptest.NewServer(emulator.New(emulator.Options{Users: 20_000, Groups: 100, Seed: 1}))
	b.Cleanup(upstream.Close)
	kept := func() *scim.Server {
		return serverOver(b, upstream.URL, atlassian.Config{}, scim.Config{Callers: []auth.Caller{bearer("all", auth.Read)}, SnapshotTTL: time.Hour})
	}
	export := func(s *scim.Server, resource, filter string) server.ExportedPage {
		page, err := s.Export(b.Context(), server.ExportOptions{Resource: resource, Filter: filter, Count: 1000})
		if err != nil {
			b.Fatal(err)
		}
		return page
	}
	members := 0
	for group := range export(kept(), "Groups", "members pr").Resources {
		var doc struct{ Members []struct{ Value string } }
		if err := json.Unmarshal(group, &doc); err != nil {
			b.Fatal(err)
		}
		members += len(doc.Members)
	}
	for _, bench := range []struct {
		resource, unit string
		count          int
	}{
		{"Users", "B/user", 20_000},
		{"Groups", "B/member", members},
	} {
		b.Run(bench.resource, func(b *testing.B) {
			export(kept(), bench.resource, "") // from now on the emulator has all that it keeps
			for b.Loop() {
				s := kept()
				before := heap()
				export(s, bench.resource, `meta.lastModified lt "2000-01-01T00:00:00Z"`)
				b.ReportMetric(float64(heap()-before)/float64(bench.count), bench.unit)
				runtime.KeepAlive(s)
			}
		})
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
