package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
	"sigs.k8s.io/yaml"
)

// rule is an alert.
type rule struct {
	Alert, Expr string
	For         model.Duration
}

// prometheus keeps what was scraped and judges it by the alert rules, as Prometheus does.
type prometheus struct {
	dir    string
	db     *tsdb.DB
	engine *promql.Engine
	rules  []rule
	since  map[string]time.Time // when the condition of an alert began to hold, by its name and labels
}

func newPrometheus(rulesFile string) (*prometheus, error) {
	p := &prometheus{since: map[string]time.Time{}}
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		return nil, err
	}
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	for _, g := range file.Groups {
		p.rules = append(p.rules, g.Rules...)
	}
	if p.dir, err = os.MkdirTemp("", "outage"); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	p.engine = promql.NewEngine(promql.EngineOpts{Logger: quiet, MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	p.db, err = tsdb.Open(p.dir, quiet, nil, tsdb.DefaultOptions(), nil)
	return p, err
}

func (p *prometheus) close() {
	_ = p.db.Close()
	_ = os.RemoveAll(p.dir)
}

// scrape takes what /metrics said, and returns which alerts fire, by name and labels.
func (p *prometheus) scrape(ctx context.Context, text []byte, at time.Time) (firing []string, err error) {
	if err := p.keep(ctx, text, at); err != nil {
		return nil, err
	}
	holds := map[string]time.Time{}
	for _, r := range p.rules {
		query, err := p.engine.NewInstantQuery(ctx, p.db, nil, r.Expr, at)
		if err != nil {
			return nil, err
		}
		found, err := query.Exec(ctx).Vector()
		if err != nil {
			return nil, err
		}
		for _, sample := range found {
			name := strings.TrimPrefix(r.Alert, "ScimAtlassian") + about(sample.Metric)
			if holds[name] = at; !p.since[name].IsZero() {
				holds[name] = p.since[name]
			}
			if at.Sub(holds[name]) >= time.Duration(r.For) {
				firing = append(firing, name)
			}
		}
		query.Close()
	}
	p.since = holds
	return firing, nil
}

// about are the labels that say what an alert is about.
func about(all labels.Labels) string {
	var values []string
	all.Range(func(l labels.Label) {
		if l.Name != "job" && l.Name != "instance" && l.Name != labels.MetricName {
			values = append(values, l.Value)
		}
	})
	if values == nil {
		return ""
	}
	return " (" + strings.Join(values, ", ") + ")"
}

// keep stores the samples of a scrape.
func (p *prometheus) keep(ctx context.Context, text []byte, at time.Time) error {
	parser := textparse.NewPromParser(text, labels.NewSymbolTable(), false)
	app := p.db.Appender(ctx)
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return app.Commit()
		}
		if err != nil {
			return errors.Join(err, app.Rollback())
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var series labels.Labels
		parser.Labels(&series)
		_, _, value := parser.Series()
		named := labels.NewBuilder(series).Set("job", "scim-atlassian").Set("instance", "one").Labels()
		if _, err := app.Append(0, named, at.UnixMilli(), value); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
}
