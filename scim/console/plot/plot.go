// Package plot draws small plots of what was seen, as SVG without styles or scripts, so that the policy of a page admits
// them; the style sheet gives their classes colours. Each has its content in words as its label.
package plot

import (
	"fmt"
	"html/template"
	"math"
	"scim-atlassian/scim/console/sheet"
	"scim-atlassian/scim/console/witness"
	"strings"
	"time"
)

// The size of a plot of steps.
const (
	width  = 240
	height = 36
)

// Latency shows for each step within which time 95 of 100 requests were answered, on a scale of decades.
func Latency(steps []witness.Beat) template.HTML {
	whole := witness.Sum(steps)
	if whole.N == 0 {
		return framed("No requests in the last quarter of an hour", "")
	}
	lowest, highest := math.Log(float64(time.Millisecond)), math.Log(float64(40*time.Second))
	var b strings.Builder
	step := float64(width) / float64(len(steps))
	line := ""
	flush := func() {
		if line != "" {
			fmt.Fprintf(&b, `<polyline class="line" points="%s"/>`, strings.TrimSpace(line))
			line = ""
		}
	}
	for i, m := range steps {
		if m.N == 0 {
			flush()
			continue
		}
		y := height - 2 - (height-4)*(math.Log(float64(m.Within(0.95)))-lowest)/(highest-lowest)
		line += fmt.Sprintf("%.1f,%.1f %.1f,%.1f ", step*float64(i), y, step*float64(i+1), y)
	}
	flush()
	return framed(fmt.Sprintf("Latency: in the last quarter of an hour 95%% were answered within %s, half within %s", sheet.Span(whole.Within(0.95)), sheet.Span(whole.Within(0.5))), b.String())
}

// Requests shows the number of requests for each step, and the part of them that failed.
func Requests(steps []witness.Beat) template.HTML {
	most := 1
	for _, m := range steps {
		most = max(most, m.N)
	}
	var b strings.Builder
	step := float64(width) / float64(len(steps))
	column := func(i, n int, class string) {
		if n > 0 {
			h := max(1, float64(n)/float64(most)*(height-2))
			fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, step*float64(i), height-h, step-1, h)
		}
	}
	for i, m := range steps {
		column(i, m.N, "bar")
		column(i, m.Failed, "fail")
	}
	whole := witness.Sum(steps)
	return framed(fmt.Sprintf("Requests: %d in the last quarter of an hour, %d of them failed; at most %d in 15 seconds", whole.N, whole.Failed, most), b.String())
}

func framed(title, content string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="plot" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s"><title>%s</title><line class="ground" x1="0" y1="%d" x2="%d" y2="%d"/>%s</svg>`,
		width, height, template.HTMLEscapeString(title), template.HTMLEscapeString(title), height-1, width, height-1, content))
}
