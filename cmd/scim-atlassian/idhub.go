package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/resource"
)

// idhubClient calls the IDHub that the connector belongs to, as the connector's account: its path /info, and a path that
// the operator names. IDHub documents the answers of neither.
type idhubClient struct {
	url          string // without slash at the end
	infoPath     string
	announcePath string // empty: the start is not announced
	announcement announcement
	account      atomic.Pointer[account]
	client       *http.Client
	logger       *zap.Logger
	pause        time.Duration // before an announcement is repeated; doubled every time
}

// announcement is the body that tells IDHub of a start, docs/security.md.
type announcement struct {
	Connector     string `json:"connector"`
	Version       string `json:"version"`
	URL           string `json:"url"`      // of this server, as IDHub reaches it
	Metadata      string `json:"metadata"` // where it describes itself
	Health        string `json:"health"`
	BusinessOwner string `json:"businessOwner,omitempty"`
	ITOwner       string `json:"itOwner,omitempty"`
}

const (
	announceTries = 6 // with pauses between them of 1, 2, 4, 8 and 16 seconds
	announcePause = time.Second
	idhubTimeout  = 10 * time.Second // for one request
)

// connectIDHub makes the client of IDHub, nil where the settings do not name it or give nothing to sign in with.
// It sends nothing.
func (c *config) connectIDHub(logger *zap.Logger) (*idhubClient, error) {
	if c.idhubURL() == "" || c.AccessToken == "" && c.RefreshToken == "" && c.OIDCUsername == "" && c.OIDCClientSecret == "" {
		return nil, nil
	}
	client := &http.Client{
		Timeout:       idhubTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // credentials go nowhere else
	}
	account, err := newAccount(c, client, logger)
	if err != nil {
		return nil, err
	}
	public := strings.TrimRight(c.PublicURL, "/")
	h := &idhubClient{
		url:          strings.TrimRight(c.idhubURL(), "/"),
		infoPath:     c.IDHubInfoPath,
		announcePath: c.IDHubAnnouncePath,
		announcement: announcement{
			Connector: "JIRA", Version: version(), URL: public,
			Metadata: public + connector.Path + "/metadata", Health: public + connector.Path + "/health",
			BusinessOwner: c.BusinessOwner, ITOwner: c.ITOwner,
		},
		client: client,
		logger: logger,
		pause:  announcePause,
	}
	h.account.Store(account)
	return h, nil
}

// renewal returns what has the connector sign in as the settings say now.
func (h *idhubClient) renewal(c *config) (install func(), err error) {
	account, err := newAccount(c, h.client, h.logger)
	return func() { h.account.Store(account) }, err
}

// probe is a scim.Probe's Run: it tells whether IDHub accepts the connector's token.
func (h *idhubClient) probe(ctx context.Context) (string, error) {
	status, err := h.send(ctx, http.MethodGet, h.infoPath, nil)
	switch {
	case err != nil:
		return "", &resource.Error{Status: http.StatusServiceUnavailable, Detail: err.Error(), Err: err}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "", &resource.Error{Status: http.StatusBadGateway, Detail: fmt.Sprintf("IDHub refuses the connector's token at %s (%d)", h.infoPath, status)}
	case status < 200 || status > 299:
		return "", &resource.Error{Status: http.StatusBadGateway, Detail: fmt.Sprintf("IDHub answers %s with %d", h.infoPath, status)}
	}
	return "accepts the connector's token at " + h.infoPath, nil
}

// announce tells IDHub that the connector is there, if that is configured. It returns when IDHub has confirmed
// it, after the last attempt, or when ctx ends. The outcome is logged.
func (h *idhubClient) announce(ctx context.Context) {
	if h.announcePath == "" {
		return
	}
	body, err := json.Marshal(h.announcement)
	pause := h.pause
	for try := 1; err == nil; try++ {
		status, sent := h.send(ctx, http.MethodPost, h.announcePath, body)
		switch {
		case sent == nil && status >= 200 && status <= 299:
			h.logger.Info("announced to IDHub", zap.String("path", h.announcePath), zap.Int("status", status))
			return
		case sent == nil && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
			err = fmt.Errorf("IDHub answers %d", status)
		case try == announceTries && sent == nil:
			err = fmt.Errorf("IDHub answers %d, %d times", status, try)
		case try == announceTries:
			err = sent
		default:
			err = sleep(ctx, pause)
			pause *= 2
		}
	}
	h.logger.Warn("not announced to IDHub", zap.String("path", h.announcePath), zap.Error(err))
}

// announceMeanwhile begins to announce and returns at once. What it returns ends it, and waits for that.
func (h *idhubClient) announceMeanwhile(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var announcing sync.WaitGroup
	announcing.Go(func() { h.announce(ctx) })
	return func() {
		cancel()
		announcing.Wait()
	}
}

// sleep waits, or fails when ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send makes a request with the account's token, with another one if IDHub does not accept the first.
func (h *idhubClient) send(ctx context.Context, method, path string, body []byte) (status int, err error) {
	account := h.account.Load()
	token, err := account.token(ctx)
	if err != nil {
		return 0, err
	}
	if status, err = h.sendWith(ctx, token, method, path, body); err != nil || status != http.StatusUnauthorized {
		return status, err
	}
	if token, err = account.renew(ctx, token); err != nil {
		return 0, fmt.Errorf("IDHub refuses the access token, and %w", err)
	}
	return h.sendWith(ctx, token, method, path, body)
}

func (h *idhubClient) sendWith(ctx context.Context, token, method, path string, body []byte) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, h.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := h.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("IDHub cannot be reached: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection serves again
	return response.StatusCode, nil
}

// idhubURL is IDHub's base URL; empty: no IDHub is named.
func (c *config) idhubURL() string {
	if c.IDHubURL != "" || c.IDHubHostname == "" {
		return c.IDHubURL
	}
	return "https://" + c.IDHubHostname
}

// checkIDHub lists the mistakes in the settings for calls to IDHub.
func (c *config) checkIDHub() []error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	if c.IDHubURL != "" {
		problems = append(problems, checkUpstreamURL("SCIM_ATLASSIAN_IDHUB_URL", c.IDHubURL, false))
	}
	check((c.OIDCUsername == "") == (c.OIDCPassword == ""), "SCIM_ATLASSIAN_OIDC_USERNAME and SCIM_ATLASSIAN_OIDC_PASSWORD belong together: one is missing")
	renewable := c.RefreshToken != "" || c.OIDCUsername != "" || c.OIDCClientSecret != ""
	check(!renewable || c.idhubURL() == "" || c.issuerURL() != "", "KEYCLOAK_REALM is missing: the connector's tokens come from there")
	check(!renewable || c.issuerURL() == "" || c.KeycloakClientID != "", "KEYCLOAK_CLIENT_ID is missing: the connector's tokens are made for this client")
	checkPath := func(name, path string) {
		u, err := url.Parse(path)
		check(path == "" || err == nil && strings.HasPrefix(path, "/") && u.Host == "" && u.Fragment == "", "%s must be a path that begins with a slash", name)
	}
	checkPath("SCIM_ATLASSIAN_IDHUB_INFO_PATH", c.IDHubInfoPath)
	checkPath("SCIM_ATLASSIAN_IDHUB_ANNOUNCE_PATH", c.IDHubAnnouncePath)
	check(c.IDHubAnnouncePath == "" || c.PublicURL != "", "SCIM_ATLASSIAN_PUBLIC_URL is missing: IDHub is told it by SCIM_ATLASSIAN_IDHUB_ANNOUNCE_PATH")
	return problems
}
