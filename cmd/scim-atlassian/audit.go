package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/scim/audit"
)

// The values of SCIM_ATLASSIAN_AUDIT that are no file.
const (
	auditStderr = "stderr"
	auditStdout = "stdout"
)

// auditRecord is the audit that a server writes.
type auditRecord struct {
	core zapcore.Core
	file *audit.File // nil: it is no file
}

// openAudit opens the audit where the settings want it. on needs no audit and no callers.
func (c *config) openAudit(ctx context.Context, out streams, on foundation) (*auditRecord, error) {
	var sink zapcore.WriteSyncer
	a := &auditRecord{}
	switch c.Audit {
	case auditStderr:
		sink = out.stderr
	case auditStdout:
		sink = out.stdout
	default:
		var err error
		a.file, err = audit.OpenFile(ctx, audit.FileConfig{
			Path: c.Audit, MaxBytes: c.AuditMaxBytes, Aside: c.AuditFiles, State: on.store, Now: time.Now,
			Problem: func(err error) { on.logger.Error("audit file", zap.Error(err)) },
		})
		if err != nil {
			return nil, fmt.Errorf("SCIM_ATLASSIAN_AUDIT: %w", err)
		}
		sink = a.file
	}
	lines := zapcore.NewCore(lineEncoder(), countedSink{sink, on.metrics.auditGaps}, zapcore.DebugLevel)
	a.core = zapcore.NewTee(lines, on.metrics.watch.recorder.Core(), outcomes{zapcore.NewNopCore(), on.metrics.writes})
	return a, nil
}

// reopen begins a new file if the old one was moved.
func (a *auditRecord) reopen() error {
	if a.file == nil {
		return nil
	}
	return a.file.Reopen()
}

// close is called when nothing is written any more.
func (a *auditRecord) close(logger *zap.Logger) {
	if a.file == nil {
		return
	}
	if err := a.file.Close(); err != nil {
		logger.Error("audit file", zap.Error(err))
	}
}

// countedSink counts the lines that cannot be written.
type countedSink struct {
	zapcore.WriteSyncer
	gaps prometheus.Counter
}

// Write implements zapcore.WriteSyncer.
func (s countedSink) Write(p []byte) (int, error) {
	n, err := s.WriteSyncer.Write(p)
	if err != nil {
		s.gaps.Inc()
	}
	return n, err
}

// outcomes counts what came of writes.
type outcomes struct {
	zapcore.Core // which does nothing
	by           *prometheus.CounterVec
}

// Write implements zapcore.Core.
func (o outcomes) Write(_ zapcore.Entry, fields []zapcore.Field) error {
	if at := slices.IndexFunc(fields, func(f zapcore.Field) bool { return f.Key == "outcome" }); at >= 0 {
		o.by.WithLabelValues(fields[at].String).Inc()
	}
	return nil
}

func (p *program) verifyAuditCommand() *cobra.Command {
	var envFile, place string
	cmd := &cobra.Command{
		Use:   "verify-audit FILE...",
		Short: "Look whether the file of an audit is as it was written",
		Long: "Look whether the file of an audit is as it was written: no line edited, removed, inserted, or cut off at the end, which the\n" +
			"state remembers. Several files are one audit, the oldest first. A server may write to it meanwhile.",
		Example: "  scim-atlassian verify-audit audit.log\n  scim-atlassian verify-audit audit.log.* audit.log",
		Args: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return arguments("FILE")(cmd, files)
			}
			return stateFlag(&place)(cmd, nil)
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			return p.verifyAudit(cmd.Context(), envFile, place, files)
		},
	}
	addEnvFileFlag(cmd, &envFile)
	cmd.Flags().StringVar(&place, "state", "", "where the server keeps its state (default that of SCIM_ATLASSIAN_STATE, or \""+stateDefault+"\")")
	return cmd
}

// verifyAudit prints what the files are, or fails with the first line that is not as it was written.
func (p *program) verifyAudit(ctx context.Context, envFile, place string, files []string) error {
	c, _, err := loadConfig(p.environ, envFile)
	if c == nil { // any other mistake is the server's to tell
		return err
	}
	if place != "" {
		c.State = secret(place)
	}
	store, err := c.readState(ctx)
	if err != nil {
		return err
	}
	if store != nil {
		defer store.Close()
	}
	found, err := audit.Verify(ctx, store, files...)
	if err != nil {
		return err
	}
	end := "its end is as the state remembers it"
	switch {
	case found.Followed:
		end = "its end was not compared with the state: another file follows"
	case !found.Compared:
		end = "its end was not compared: there is no state that remembers it"
	}
	_, err = fmt.Fprintf(p.stdout, "%d lines, number %d to %d of the chain %s, are as they were written; %s\n", found.Lines, found.First, found.Last, found.Chain, end)
	return err
}
