package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"scim-atlassian/scim"
	"scim-atlassian/scim/alarm"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/state"
)

const (
	stateDefault = "file:scim-atlassian.db"
	stateWait    = 10 * time.Second // for another serve to leave the file
)

// statePlace is where the state is.
func (c *config) statePlace() string { return cmp.Or(string(c.State), stateDefault) }

// openState opens the state for a server, which then has a SQLite file for itself.
func (c *config) openState(ctx context.Context, logger *zap.Logger) (*state.Store, error) {
	store, err := state.Open(ctx, c.statePlace(), state.Options{Exclusive: stateWait})
	if err != nil {
		return nil, fmt.Errorf("SCIM_ATLASSIAN_STATE: %w", err)
	}
	logger.Info("state", zap.String("where", store.Where()), zap.Bool("outlives_the_process", store.Durable()))
	return store, nil
}

// readState opens the state to read it beside a server; nil if there is none, as in memory, which is the server's alone.
func (c *config) readState(ctx context.Context) (*state.Store, error) {
	if c.statePlace() == "memory" {
		return nil, nil
	}
	store, err := state.Open(ctx, c.statePlace(), state.Options{ReadOnly: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("SCIM_ATLASSIAN_STATE: %w", err)
	}
	return store, nil
}

// reconcileState opens the state for a run of reconcile, to write to it if nobody else has it for itself. Without need
// it takes what it gets: the state to read, or nil if there is none and none was asked for.
func (c *config) reconcileState(ctx context.Context, need bool) (*state.Store, error) {
	if c.State == "" || c.statePlace() == "memory" { // what is not asked for is not made
		store, err := c.readState(ctx)
		switch {
		case err != nil:
			return nil, err
		case store == nil && need:
			return nil, errors.New("--since needs the state of serve, where changes are remembered: set SCIM_ATLASSIAN_STATE to its place")
		case store == nil:
			return nil, nil
		}
		store.Close()
	}
	store, err := state.Open(ctx, c.statePlace(), state.Options{Exclusive: time.Millisecond})
	switch {
	case errors.Is(err, state.ErrInUse) && !need:
		return c.readState(ctx)
	case errors.Is(err, state.ErrInUse):
		return nil, fmt.Errorf("--since: %w, and has the log of changes: ask the serve that runs, with POST /scim/v2/{Type}/.delta (docs/delta.md), or stop it for the time of this run", err)
	case err != nil:
		return nil, fmt.Errorf("SCIM_ATLASSIAN_STATE: %w", err)
	}
	return store, nil
}

// cursorKey is the key of the settings, or else the one that the state keeps; empty if there is neither.
func (c *config) cursorKey(ctx context.Context, store *state.Store) (string, error) {
	if c.CursorKey != "" || store == nil {
		return string(c.CursorKey), nil
	}
	key, err := store.Secret(ctx, "cursor", 32)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // no server has run yet
	}
	return hex.EncodeToString(key), err
}

// forgetEvery is the time between two clean-ups of the state. Changes outlive the tokens that are about them by as much.
const forgetEvery = time.Hour

// forget takes what is no longer good out of the state, now and then until ctx ends.
func (c *config) forget(ctx context.Context, store *state.Store, logger *zap.Logger) {
	for ctx.Err() == nil {
		if err := store.Trim(ctx, time.Now().Add(-c.ChangeRetention-forgetEvery)); err != nil && ctx.Err() == nil {
			logger.Warn("state", zap.String("outcome", "old changes could not be forgotten"), zap.Error(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(forgetEvery):
		}
	}
}

// stateFinding tells what check found of the state.
func (c *config) stateFinding(ctx context.Context, store *state.Store, err error) connector.Finding {
	switch {
	case err != nil:
		return ownFinding("state", "", err)
	case store == nil && c.statePlace() == "memory":
		return ownFinding("state", "memory: serve forgets it when it stops", nil)
	case store == nil:
		return ownFinding("state", "none yet: serve makes it", nil)
	}
	head, err := store.Head(ctx)
	return ownFinding("state", fmt.Sprintf("%s, at number %d of its log", store.Where(), head.Seq), err)
}

// mirrorFindings tell what a server has read of each type into the state, and what it does not believe.
func mirrorFindings(ctx context.Context, facade *scim.Server, store *state.Store, now time.Time) (all []connector.Finding) {
	if store == nil {
		return nil
	}
	alarms, err := alarm.All(ctx, store)
	if err != nil {
		return []connector.Finding{ownFinding("mirror", "", err)}
	}
	for _, s := range facade.Snapshots() {
		complete, open, err := store.Scans(ctx, s.Type)
		f := ownFinding("mirror of "+s.Type, mirrorDetail(complete, open, now), err)
		for _, a := range alarms {
			if a.Type == s.Type {
				f.Outcome, f.Detail = connector.OutcomeLimited, a.Text+" That is not believed; see docs/mirror.md"
			}
		}
		all = append(all, f)
	}
	return all
}

// mirrorDetail tells of the last complete reading of a type, and of the one under way.
func mirrorDetail(complete, open *state.Scan, now time.Time) string {
	detail := "not read yet"
	if complete != nil {
		detail = fmt.Sprintf("%d, proven %s ago", complete.Total, now.Sub(complete.Began).Round(time.Second))
	}
	if open != nil {
		detail += fmt.Sprintf("; a reading has %d pages since %s", open.Pages, open.Began.UTC().Format(time.RFC3339))
	}
	return detail
}

// stateFlag takes no arguments, and no place of the state that others on the machine should not read: cobra would quote it.
func stateFlag(place *string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := arguments()(cmd, args); err != nil || *place == "" {
			return err
		}
		if u, err := url.Parse(*place); strings.HasPrefix(*place, "postgres") && (err != nil || hasPassword(u)) {
			return errors.New("--state: a password does not belong on a command line: use SCIM_ATLASSIAN_STATE")
		}
		if err := state.Check(*place); err != nil {
			return fmt.Errorf("--state: %w", err)
		}
		return nil
	}
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has || u.Query().Has("password")
}

func (p *program) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "state",
		Short:   "Copy the state, or tell it that it was restored",
		Long:    "Copy the state, or tell it that it was restored. docs/state.md says when to do which.",
		Example: "  scim-atlassian state backup /backup/scim-atlassian.db",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.stateBackupCommand(), p.stateRestoredCommand())
	return cmd
}

func (p *program) stateBackupCommand() *cobra.Command {
	var envFile string
	cmd := &cobra.Command{
		Use:     "backup FILE",
		Short:   "Copy the SQLite file of the state, also while serve uses it",
		Example: "  scim-atlassian state backup /backup/scim-atlassian.db",
		Args:    arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := p.configure(cmd, envFile)
			if err != nil {
				return err
			}
			store, err := c.readState(cmd.Context())
			if err != nil {
				return err
			}
			if store == nil {
				return errors.New("there is no state to copy")
			}
			defer store.Close()
			if err := store.Backup(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "%s is a copy of the %s\n", args[0], store.Where())
			return nil
		},
	}
	addEnvFileFlag(cmd, &envFile)
	return cmd
}

func (p *program) stateRestoredCommand() *cobra.Command {
	var envFile string
	cmd := &cobra.Command{
		Use:     "restored",
		Short:   "Give the state a new id, so that tokens of the time after the backup are refused",
		Example: "  scim-atlassian state restored",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := p.configure(cmd, envFile)
			if err != nil {
				return err
			}
			store, err := state.Open(cmd.Context(), c.statePlace(), state.Options{Exclusive: time.Second})
			if err != nil {
				return fmt.Errorf("SCIM_ATLASSIAN_STATE: %w", err)
			}
			defer store.Close()
			if _, err := store.NewID(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "the %s has a new id\n", store.Where())
			return nil
		},
	}
	addEnvFileFlag(cmd, &envFile)
	return cmd
}
