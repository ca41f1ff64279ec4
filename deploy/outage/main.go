// Command outage plays an outage of Atlassian in front of a real server, and prints how /readyz, the alert rules, the
// console and the server's answers tell it, minute by minute:
//
//	(cd ../.. && go build -o /tmp/scim-atlassian ./cmd/scim-atlassian)
//	go run . -program /tmp/scim-atlassian            # 10 minutes of outage in 19 minutes
//	go run . -program /tmp/scim-atlassian -before 20s -outage 1m -after 1m
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"
)

func main() {
	program := flag.String("program", "", "path of scim-atlassian")
	rulesFile := flag.String("rules", "../prometheus/rules/scim-atlassian.yml", "alert rules")
	before := flag.Duration("before", time.Minute, "time before the outage")
	outage := flag.Duration("outage", 10*time.Minute, "how long the directory and Jira answer 503")
	after := flag.Duration("after", 8*time.Minute, "time after it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := play(ctx, *program, *rulesFile, *before, *outage, *after); err != nil {
		fmt.Fprintln(os.Stderr, "outage:", err)
		os.Exit(1)
	}
}

// scrapes is how often Prometheus looks.
const scrapes = 15 * time.Second

func play(ctx context.Context, program, rulesFile string, before, outage, after time.Duration) error {
	s, err := newSite(ctx, program)
	if err != nil {
		return err
	}
	defer s.close()
	p, err := newPrometheus(rulesFile)
	if err != nil {
		return err
	}
	defer p.close()
	t := &telling{site: s, prometheus: p, zero: time.Now().Add(before)}
	go s.askForever(ctx)
	for _, phase := range []struct {
		says, faults string
		lasts        time.Duration
	}{
		{"all is well", "", before},
		{"the directory and Jira answer every request with 503", "path=/scim/ status=503\npath=/rest/ status=503", outage},
		{"they answer again", "", after},
	} {
		if err := s.setFaults(ctx, phase.faults); err != nil {
			return err
		}
		t.say("Atlassian", phase.says)
		s.begin()
		if err := t.watch(ctx, phase.lasts); err != nil {
			return err
		}
		s.summary(os.Stdout)
	}
	return nil
}

// telling prints what has changed.
type telling struct {
	site       *site
	prometheus *prometheus
	zero       time.Time         // when the outage begins
	last       map[string]string // what was said last, by whom
	fired      []string          // alerts
	scraped    time.Time
}

func (t *telling) say(who, what string) {
	at, sign := time.Since(t.zero).Round(time.Second), "+"
	if at < 0 {
		at, sign = -at, "-"
	}
	fmt.Printf("%s%02d:%02d  %-10s %s\n", sign, int(at.Minutes()), int(at.Seconds())%60, who, what)
}

// changed prints what somebody says, unless it was said before.
func (t *telling) changed(who, what string) {
	if t.last == nil {
		t.last = map[string]string{}
	}
	if was, told := t.last[who]; told && was == what || !told && what == "" {
		return
	}
	t.last[who] = what
	t.say(who, what)
}

// watch looks once a second.
func (t *telling) watch(ctx context.Context, lasts time.Duration) error {
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		t.changed("/readyz", t.site.ready(ctx))
		t.changed("console", t.site.console(ctx))
		if time.Since(t.scraped) >= scrapes {
			t.scraped = time.Now()
			text, err := t.site.metrics(ctx)
			if err != nil {
				return err
			}
			firing, err := t.prometheus.scrape(ctx, text, t.scraped)
			if err != nil {
				return err
			}
			t.alerts(firing)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return nil
}

// alerts prints which alerts fire now and did not before, and the reverse.
func (t *telling) alerts(firing []string) {
	for _, name := range t.fired {
		if !slices.Contains(firing, name) {
			t.say("alert", name+" is over")
		}
	}
	for _, name := range firing {
		if !slices.Contains(t.fired, name) {
			t.say("alert", name)
		}
	}
	t.fired = firing
}
