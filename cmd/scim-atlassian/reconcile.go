package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/scim/reconcile"
)

// reconcileFlags are the command line of reconcile.
type reconcileFlags struct {
	envFile, mode string
	quiet, asJSON bool
	job           reconcile.Job
}

func (p *program) reconcileCommand() *cobra.Command {
	var flags reconcileFlags
	cmd := &cobra.Command{
		Use:   "reconcile --resource TYPE --out FILE",
		Short: "Export all resources of a type, proven to be complete",
		Long: `Export all resources of a type to a file, one JSON document a line, as a list over HTTP has them. It takes the
configuration of serve and needs no running server.

FILE appears only when it is proven that it holds every resource, each once, with FILE.report.json beside it. A run that
is interrupted keeps what it has read in FILE.partial and FILE.state; --resume goes on with it.

With --since FILE has only what has changed since a delta token, or since the run that wrote a report: one line a resource,
created, updated or deleted. That and the token in the report of a full run need the state of serve (SCIM_ATLASSIAN_STATE), which
one process at a time can write to if it is a SQLite file: while serve has it, ask serve (docs/delta.md).

Standard output is one JSON document a line: the differences to the file of --compare, and at last the report. The exit
code is 0 if the export is complete, also if there are differences, and 1 if it is not, for whatever reason.`,
		Example: `  scim-atlassian reconcile --resource Users --out users.ndjson
  scim-atlassian reconcile --resource Users --out users.ndjson --resume
  scim-atlassian reconcile --resource Users --mode limited --filter 'active eq false' --out inactive.ndjson
  scim-atlassian reconcile --resource Users --out today.ndjson --compare yesterday.ndjson
  scim-atlassian reconcile --resource Users --out changes.ndjson --since users.ndjson.report.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := arguments()(cmd, args); err != nil {
				return err
			}
			return flags.check()
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return p.reconcile(cmd, flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.job.Resource, "resource", "", "resource type: Users, Groups, Issues, Accounts or Entitlements")
	f.StringVar(&flags.mode, "mode", "full", "full: all resources; limited: those that match the filter")
	f.StringVar(&flags.job.Filter, "filter", "", "SCIM filter (RFC 7644 section 3.4.2.2), with --mode limited")
	f.StringVar(&flags.job.Out, "out", "", "file to write; one that is there is replaced once the export is complete")
	f.StringVar(&flags.job.Key, "key", "", "attribute that resources are matched by: empty and duplicate values are reported (default the e-mail address, if the type has one)")
	f.BoolVar(&flags.job.Resume, "resume", false, "go on with an interrupted run; without one, begin")
	f.StringVar(&flags.job.Compare, "compare", "", "earlier file: print what was created, changed and deleted since")
	f.StringVar(&flags.job.Since, "since", "", "delta token, or report of an earlier run: export only what has changed since")
	f.BoolVar(&flags.job.Prove, "prove", false, "with --since: read everything first, so that nothing that others did is missing; without, that is so anyway")
	f.BoolVar(&flags.asJSON, "json", false, "print nothing but the JSON lines: no progress, and no summary on standard error")
	f.BoolVar(&flags.quiet, "quiet", false, "show no progress")
	addEnvFileFlag(cmd, &flags.envFile)
	return cmd
}

// check refuses a command line without a resource type or a file.
func (f *reconcileFlags) check() error {
	switch {
	case f.job.Resource == "":
		return errors.New("--resource is missing, such as --resource Users")
	case f.job.Out == "":
		return errors.New("--out is missing, such as --out users.ndjson")
	case f.mode != "full" && f.mode != "limited":
		return fmt.Errorf("--mode is %q; it is full or limited", f.mode)
	case f.mode == "full" && f.job.Filter != "":
		return errors.New("--filter needs --mode limited: a full export has everything")
	case f.job.Since != "" && (f.job.Resume || f.job.Compare != "" || f.job.Key != ""):
		return errors.New("--since does not go with --resume, --compare or --key: its lines are changes already")
	case f.mode == "limited" && f.job.Filter == "":
		return errors.New("--mode limited needs a --filter")
	}
	return nil
}

func (p *program) reconcile(cmd *cobra.Command, flags reconcileFlags) error {
	c, _, err := p.configure(cmd, flags.envFile)
	if err != nil {
		return err
	}
	level := zapcore.ErrorLevel // the report says it already
	if cmd.Flags().Changed("log-level") {
		level = p.logLevel
	}
	fresh := c.SnapshotTTL
	c.forExport()
	if flags.job.Since != "" {
		c.SnapshotTTL = fresh // what has changed is as fresh as a list
	}
	store, err := c.reconcileState(cmd.Context(), flags.job.Since != "")
	if err != nil {
		return err
	}
	if store != nil {
		defer store.Close()
	}
	facade, u, err := c.build(cmd.Context(), foundation{store: store, logger: p.streams().logger(level), metrics: newMetrics()})
	if err != nil {
		return err
	}
	defer u.closeIdle()
	progress := newProgress(p.stderr, flags)
	job := flags.job
	job.Source = c.DirectoryID + " " + c.SiteURL + " " + c.PublicURL
	job.Progress = progress.show
	job.Changed = func(change reconcile.Change) error { return p.printLine(change) }
	report, err := reconcile.Run(cmd.Context(), facade, job)
	progress.end()
	if err := c.keepExport(context.WithoutCancel(cmd.Context()), store, report); err != nil {
		fmt.Fprintf(p.stderr, "the run is not listed in the console: %v\n", err)
	}
	if printed := p.printLine(report); printed != nil {
		return printed
	}
	if err != nil {
		return incomplete(report)
	}
	if !flags.asJSON {
		p.summarize(report)
	}
	return nil
}

// printLine writes a document to standard output.
func (p *program) printLine(document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", text)
	return err
}

// incomplete is the error of a run that is not complete.
func incomplete(report *reconcile.Report) error {
	if report.Read == 0 || report.Since != "" {
		return fmt.Errorf("not complete: %s", report.Reason)
	}
	return fmt.Errorf("not complete: %s; %d of %d resources are read, --resume goes on", report.Reason, report.Read, report.Matched)
}

// summarize writes the report in a few lines.
func (p *program) summarize(report *reconcile.Report) {
	fmt.Fprintf(p.stderr, "%s is complete: %d %s, %s, %s to Atlassian, %v\n", report.File, report.Read, report.Resource,
		count(report.Pages, "page"), count(report.UpstreamCalls, "request"), (time.Duration(report.DurationMs) * time.Millisecond))
	if c := report.Changes; c != nil {
		fmt.Fprintf(p.stderr, "since the token: %d created, %d updated, %d deleted\n", c.Created, c.Updated, c.Deleted)
		return
	}
	if k := report.Keys; k != nil {
		fmt.Fprintf(p.stderr, "key %s: %s, %s without, %s in several resources\n", k.Attribute, count(k.Distinct, "different value"), count(len(k.Empty), "resource"), count(len(k.Duplicates), "value"))
	}
	if c := report.Comparison; c != nil {
		fmt.Fprintf(p.stderr, "since %s: %d created, %d changed, %d deleted, %d unchanged\n", c.Previous, c.Created, c.Changed, c.Deleted, c.Unchanged)
	}
	fmt.Fprintf(p.stderr, "content %s\n", report.ContentHash)
}

// forExport takes away the limits that protect other clients: there are none, and nobody waits for an answer.
func (c *config) forExport() {
	c.MaxResults, c.ScanBudget = math.MaxInt32, math.MaxInt32
	c.RequestTimeout = time.Hour
	c.SnapshotTTL = time.Hour // the project roles that the first page of accounts needs serve all
	if c.PublicURL == "" {
		c.PublicURL = fmt.Sprintf("http://localhost:%d", c.ConnectorPort)
	}
}
