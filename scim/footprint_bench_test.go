package scim

import (
	"net/http/httptest"
	"runtime"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim/query"
)

// BenchmarkFootprint measures the memory that a snapshot takes: B/user of the
// emulator's sample users, B/member of its groups, which is nearly all that
// groups take.
//
//	go test ./scim -run '^$' -bench Footprint -benchtime 1x
func BenchmarkFootprint(b *testing.B) {
	const count = 20_000
	upstream := httptest.NewServer(emulator.New(emulator.Options{Users: count, Groups: 100, Seed: 1}))
	b.Cleanup(upstream.Close)
	directory, err := atlassian.NewDirectory(atlassian.Config{}, upstream.URL+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		b.Fatal(err)
	}
	types, err := newResourceTypes(Config{Directory: directory}.withDefaults())
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name, unit string
		reader     *reader
		count      func([]query.Object) int
	}{
		{"Users", "B/user", types[0].backend.(*users).reader, func(all []query.Object) int { return len(all) }},
		{"Groups", "B/member", types[1].backend.(*groups).reader, func(all []query.Object) (n int) {
			for _, o := range all {
				n += len(memberIDs(o))
			}
			return n
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			if _, err := bench.reader.store.scan(b.Context(), 0); err != nil {
				b.Fatal(err) // from now on the emulator has all it keeps
			}
			for b.Loop() {
				before := heap()
				all, err := bench.reader.store.scan(b.Context(), 0)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(heap()-before)/float64(bench.count(all)), bench.unit)
				b.ReportMetric(float64(bench.count(all)), "n")
				runtime.KeepAlive(all)
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
