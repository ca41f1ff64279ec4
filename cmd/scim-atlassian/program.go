package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// program is the whole command with its surroundings as fields, so that tests run it like a process.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string // "NAME=value"
	// hangups returns what asks serve to read its files anew; nil: nothing does.
	hangups func() <-chan os.Signal

	logLevel zapcore.Level // of --log-level
}

// run executes one command line and returns its exit code. The end of ctx is the signal to drain and leave.
func (p *program) run(ctx context.Context, args []string) int {
	started := false
	root := p.rootCommand()
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case started:
		fmt.Fprintf(p.stderr, "scim-atlassian: %v\n", err)
		return exitFailed
	default: // the command line itself was refused
		fmt.Fprintf(p.stderr, "scim-atlassian: %v\nSee %s --help.\n", err, cmd.CommandPath())
		return exitUsage
	}
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "scim-atlassian",
		Short:         "A SCIM 2.0 server in front of Atlassian Cloud",
		Example:       "  scim-atlassian demo",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.PersistentFlags().TextVar(&p.logLevel, "log-level", zapcore.InfoLevel, "`level` of the least severe log lines to write: debug, info, warn or error")
	root.AddCommand(p.demoCommand(), p.serveCommand(), p.emulatorCommand(), p.checkCommand(), p.explainCommand(), p.reconcileCommand(), p.stateCommand(), p.sealCommand(), p.hashPasswordCommand(), p.healthcheckCommand(), p.verifyAuditCommand(), p.versionCommand())
	addCompletion(root)
	tellExits(root)
	return root
}

// streams are the two outputs of the program, of which others must not break the lines.
type streams struct{ stdout, stderr zapcore.WriteSyncer }

func (p *program) streams() streams {
	return streams{zapcore.Lock(zapcore.AddSync(p.stdout)), zapcore.Lock(zapcore.AddSync(p.stderr))}
}

// logger writes one JSON object a line to standard error.
func (s streams) logger(level zapcore.Level) *zap.Logger {
	return zap.New(zapcore.NewCore(lineEncoder(), s.stderr, level))
}

// lineEncoder makes a line of the log, or of the audit.
func lineEncoder() zapcore.Encoder {
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = "time"
	encoder.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return zapcore.NewJSONEncoder(encoder)
}
