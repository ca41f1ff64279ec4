package main

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// pairs is how often server and proxy are measured, in turn.
const pairs = 3

// parts is in how many parts the requests of a pair are sent, to one and to the
// other in turn, so that whatever else the machine does meanwhile is shared alike.
const parts = 10

// pair is what one request took, of the one and of the other.
type pair struct {
	server, proxy  float64 // µs of CPU
	calls          float64 // to Atlassian, by the server
	bytes, objects float64 // allocated by the server
}

// measure measures the case and prints its row. Server and proxy get requests of
// the same kind before the first pair, so that caches and connections are there. It
// fails with exceeded if the case takes more than a bound allows.
func (t *trio) measure(ctx context.Context, c benchCase, bounds []bound) error {
	if _, err := t.sendBoth(ctx, c, max(concurrency, c.requests/parts)); err != nil {
		return err
	}
	measured := make([]pair, pairs)
	for i := range measured {
		var err error
		if measured[i], err = t.pair(ctx, c); err != nil {
			return err
		}
	}
	c.print(measured)
	ratio := sorted(measured, pair.ratio)[pairs/2]
	for _, b := range bounds {
		if b.cases.MatchString(c.name) && ratio > b.most {
			return exceeded{fmt.Errorf("%.2f times what the proxy takes, more than %.2f", ratio, b.most)}
		}
	}
	return nil
}

// exceeded says that a case takes more than a bound allows.
type exceeded struct{ error }

// bound is the highest ratio that cases may have.
type bound struct {
	cases *regexp.Regexp // their names
	most  float64
}

// parseBound reads pattern=ratio.
func parseBound(s string) (b bound, err error) {
	pattern, most, _ := strings.Cut(s, "=")
	if b.most, err = strconv.ParseFloat(most, 64); err != nil {
		return b, err
	}
	b.cases, err = regexp.Compile(pattern)
	return b, err
}

func (p pair) ratio() float64 { return p.server / p.proxy }

// sorted are the figures of all pairs, from the lowest.
func sorted(measured []pair, of func(pair) float64) []float64 {
	var values []float64
	for _, p := range measured {
		values = append(values, of(p))
	}
	slices.Sort(values)
	return values
}

// pair sends the case's requests by both ways. Either process is idle while the
// other answers, so that its time is that of its own answers.
func (t *trio) pair(ctx context.Context, c benchCase) (pair, error) {
	before, err := t.used(ctx)
	if err != nil {
		return pair{}, err
	}
	sent, calls := 0, 0
	for sent < c.requests {
		part := min(max(concurrency, c.requests/parts), c.requests-sent)
		cost, err := t.sendBoth(ctx, c, part)
		if err != nil {
			return pair{}, err
		}
		sent += part
		calls += cost
	}
	after, err := t.used(ctx)
	n := float64(sent)
	return pair{
		server:  float64((after.server - before.server).Microseconds()) / n,
		proxy:   float64((after.proxy - before.proxy).Microseconds()) / n,
		calls:   float64(calls) / n,
		bytes:   (after.bytes - before.bytes) / n,
		objects: (after.objects - before.objects) / n,
	}, err
}

// sendBoth sends so many requests to the proxy, then as many to the server, and
// returns how many calls to Atlassian the latter cost.
func (t *trio) sendBoth(ctx context.Context, c benchCase, requests int) (calls int, err error) {
	via, request := t.viaProxy, c.request
	if c.ofJira != nil {
		via, request = t.jira, c.ofJira
	}
	if _, err := via.load(ctx, request, t.numbers, requests); err != nil {
		return 0, fmt.Errorf("proxy: %w", err)
	}
	t.numbers += requests
	calls, err = t.viaServer.load(ctx, c.request, t.numbers, requests)
	if err != nil {
		return 0, fmt.Errorf("server: %w", err)
	}
	t.numbers += requests
	return calls, nil
}

// columns are the widths of the table's columns, negative where text begins at the left.
var columns = []int{-34, 10, 10, 6, 20, 7, 12, 9}

func printRow(cells ...string) {
	for i, cell := range cells {
		fmt.Printf("%*s ", columns[i], cell)
	}
	fmt.Println()
}

func printHead() {
	printRow("request", "proxy, µs", "server, µs", "ratio", "lowest to highest", "calls", "bytes", "objects")
}

// print prints the case's row: of each figure the median, the ratio being that of a pair.
func (c benchCase) print(measured []pair) {
	middle := func(format string, of func(pair) float64) string {
		return fmt.Sprintf(format, sorted(measured, of)[pairs/2])
	}
	ratios := sorted(measured, pair.ratio)
	median, span := middle("%.2f", pair.ratio), fmt.Sprintf("%.2f to %.2f", ratios[0], ratios[pairs-1])
	if math.IsNaN(ratios[0]) || math.IsInf(ratios[pairs-1], 1) {
		median, span = "-", "too few requests" // the proxy used less CPU than can be told
	}
	printRow(c.name,
		middle("%.0f", func(p pair) float64 { return p.proxy }),
		middle("%.0f", func(p pair) float64 { return p.server }),
		median, span,
		middle("%.2f", func(p pair) float64 { return p.calls }),
		middle("%.0f", func(p pair) float64 { return p.bytes }),
		middle("%.0f", func(p pair) float64 { return p.objects }))
}
