package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckFlags are the command line of healthcheck.
type healthcheckFlags struct {
	url, envFile string
	traffic      bool
	timeout      time.Duration
}

func (p *program) healthcheckCommand() *cobra.Command {
	var flags healthcheckFlags
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running server whether it is ready",
		Long: "Ask a running server on this machine whether it is ready: its /readyz, which tells of Atlassian too, or with --traffic\n" +
			"/readyz/traffic, which tells whether requests are answered at all. It is meant for HEALTHCHECK of a container and needs\n" +
			"neither credentials nor a complete configuration.",
		Example: "  scim-atlassian healthcheck --traffic",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.healthcheck(cmd.Context(), flags)
		},
	}
	cmd.Flags().StringVar(&flags.url, "url", "", "base URL of the server (default \"http://127.0.0.1:$CONNECTOR_PORT\", https if the server has a certificate)")
	cmd.Flags().BoolVar(&flags.traffic, "traffic", false, "ask whether requests are answered, whatever Atlassian does")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", 5*time.Second, "how long the answer may take")
	addEnvFileFlag(cmd, &flags.envFile)
	return cmd
}

// healthcheck prints the server's answer, and fails unless it is 200.
func (p *program) healthcheck(ctx context.Context, flags healthcheckFlags) error {
	base, client := flags.url, new(http.Client)
	if base == "" {
		c, _, err := loadConfig(p.environ, flags.envFile)
		if c == nil { // any other mistake is the server's to tell
			return err
		}
		base = fmt.Sprintf("%s://127.0.0.1:%d", c.scheme(), c.ConnectorPort)
		client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // its certificate is for other names than this machine's
	}
	address := strings.TrimRight(base, "/") + "/readyz"
	if flags.traffic {
		address += "/traffic"
	}
	ctx, cancel := context.WithTimeout(ctx, flags.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	response, err := client.Do(request)
	var failed *url.Error // whose own text begins with the method
	if errors.As(err, &failed) {
		return fmt.Errorf("no answer from %s: %w", failed.URL, failed.Err)
	}
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	defer response.Body.Close()
	reasons, err := p.copyLines(io.LimitReader(response.Body, 64<<10))
	switch {
	case err != nil:
		return fmt.Errorf("no answer: %w", err)
	case response.StatusCode != http.StatusOK:
		return errors.New("not ready: " + reasons)
	}
	return nil
}

// copyLines prints lines, and returns them as one.
func (p *program) copyLines(r io.Reader) (string, error) {
	var all []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fmt.Fprintln(p.stdout, lines.Text())
		all = append(all, lines.Text())
	}
	return strings.Join(all, "; "), lines.Err()
}
