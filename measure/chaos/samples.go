package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// samples are the memory and the goroutines of the process over time.
type samples struct {
	every            time.Duration
	heap, goroutines []float64
}

func newSamples(every time.Duration) *samples {
	return &samples{every: max(every, 100*time.Millisecond)}
}

// take samples until ctx ends.
func (s *samples) take(ctx context.Context) {
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.heap = append(s.heap, float64(m.HeapInuse)/(1<<20))
		s.goroutines = append(s.goroutines, float64(runtime.NumGoroutine()))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// String plots both, a line each.
func (s *samples) String() string {
	return plot("heap, MiB", s.heap) + plot("goroutines", s.goroutines)
}

func plot(name string, values []float64) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	most := slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		b.WriteRune(levels[int(v/most*float64(len(levels)-1))])
	}
	return fmt.Sprintf("%-12s %s %.0f at most, %.0f at the end\n", name, b.String(), most, values[len(values)-1])
}
