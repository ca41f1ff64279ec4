package witness

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Pulse counts requests, step by step, for the last 60 steps. The zero Pulse has steps of 15 seconds; it is safe for
// concurrent use.
type Pulse struct {
	step int64 // seconds; 0: 15

	mu    sync.Mutex
	beats [beats]Beat // by the number of the step since 1970, modulo their number
	seen  bool
}

const beats = 60

// Beat is what happened within some time.
type Beat struct {
	begin  int64                // steps since 1970
	N      int                  // requests
	Failed int                  // of them
	slow   [len(bounds) + 1]int // by duration: at most bounds[i]
}

// bounds divide the durations, some 1.6 times from one to the next.
var bounds = [...]time.Duration{
	2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 35 * time.Millisecond, 50 * time.Millisecond,
	75 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond,
	750 * time.Millisecond, time.Second, 1500 * time.Millisecond, 2 * time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second, 12 * time.Second, 20 * time.Second,
}

// Note counts one request that ended at a time.
func (p *Pulse) Note(at time.Time, took time.Duration, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begin := at.Unix() / p.seconds()
	m := &p.beats[begin%beats]
	if m.begin > begin {
		return // it is out of what is kept
	}
	if m.begin < begin {
		*m = Beat{begin: begin}
	}
	m.N++
	p.seen = true
	if failed {
		m.Failed++
	}
	i, _ := slices.BinarySearch(bounds[:], took)
	m.slow[i]++
}

// Seen reports whether anything was counted, however long ago.
func (p *Pulse) Seen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func (p *Pulse) seconds() int64 { return cmp.Or(p.step, 15) }

// Last returns the steps up to a time, the oldest first.
func (p *Pulse) Last(now time.Time) []Beat {
	p.mu.Lock()
	defer p.mu.Unlock()
	end := now.Unix() / p.seconds()
	all := make([]Beat, 0, beats)
	for begin := end - beats + 1; begin <= end; begin++ {
		m := p.beats[begin%beats]
		if m.begin != begin {
			m = Beat{begin: begin}
		}
		all = append(all, m)
	}
	return all
}

// Sum puts steps together.
func Sum(steps []Beat) Beat {
	var all Beat
	for _, m := range steps {
		all.N += m.N
		all.Failed += m.Failed
		for i, n := range m.slow {
			all.slow[i] += n
		}
	}
	return all
}

// Within returns the time within which a share of the requests were answered, to the accuracy of bounds.
func (m Beat) Within(share float64) time.Duration {
	need := int(share*float64(m.N) + 0.999)
	for i, n := range m.slow {
		if need -= n; need <= 0 && i < len(bounds) {
			return bounds[i]
		}
	}
	return 2 * bounds[len(bounds)-1]
}
