package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"go.uber.org/zap"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"

	"scim-atlassian/scim/auth"
)

// tokenTimeout is for everything that it takes to get a token.
const tokenTimeout = 10 * time.Second

// account is the connector's account at the OpenID issuer, steps 1 to 3 of IDHub's guide: it has an access token when
// one is needed. The first is ACCESS_TOKEN; the next ones come by the refresh token, or else by the user's password,
// or else by the client's secret. An issuer may replace the refresh token whenever it is used; the new one is kept in
// a file then. It is safe for concurrent use, and refreshes once for all who wait.
type account struct {
	issuer             string
	clientID, secret   string
	username, password string
	configured         oauth2.Token // ACCESS_TOKEN and REFRESH_TOKEN
	file               *tokenFile   // nil: a new refresh token is kept in memory only
	client             *http.Client
	logger             *zap.Logger
	flight             singleflight.Group

	mu      sync.Mutex
	held    *oauth2.Token // the last one from the issuer; before that the configured one
	refresh string        // the refresh token to use next
}

// newAccount sends nothing.
func newAccount(c *config, client *http.Client, logger *zap.Logger) (*account, error) {
	a := &account{
		issuer: c.issuerURL(), clientID: c.KeycloakClientID, secret: string(c.OIDCClientSecret),
		username: string(c.OIDCUsername), password: string(c.OIDCPassword),
		configured: oauth2.Token{AccessToken: string(c.AccessToken), RefreshToken: string(c.RefreshToken), Expiry: expiryOf(string(c.AccessToken))},
		client:     client,
		logger:     logger,
	}
	a.held, a.refresh = &a.configured, a.configured.RefreshToken
	if c.TokenFile == "" {
		return a, nil
	}
	key, err := parseSealKey(string(c.SealKey))
	if err != nil {
		return nil, err
	}
	origin := sha256.Sum256([]byte(strings.Join([]string{a.issuer, a.clientID, a.username, a.configured.RefreshToken}, "\x00")))
	a.file = &tokenFile{path: c.TokenFile, key: key, origin: hex.EncodeToString(origin[:])}
	return a, nil
}

// token returns an access token that is good for some seconds at least.
func (a *account) token(ctx context.Context) (string, error) {
	a.mu.Lock()
	held := a.held
	a.mu.Unlock()
	if held.Valid() {
		return held.AccessToken, nil
	}
	return a.renew(ctx, held.AccessToken)
}

// renew returns a new access token in the place of one that has expired or was refused.
func (a *account) renew(ctx context.Context, old string) (string, error) {
	token, err, _ := a.flight.Do("", func() (any, error) {
		a.mu.Lock()
		held := a.held
		a.mu.Unlock()
		if held.Valid() && held.AccessToken != old {
			return held, nil
		}
		// The answer may hold the only refresh token that is still good: it is waited for even if nobody needs it
		// any more.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenTimeout)
		defer cancel()
		return a.obtain(context.WithValue(ctx, oauth2.HTTPClient, a.client))
	})
	if err != nil {
		return "", err
	}
	return token.(*oauth2.Token).AccessToken, nil
}

// obtain gets a token from the issuer, by the first means that it accepts, and keeps it.
func (a *account) obtain(ctx context.Context) (*oauth2.Token, error) {
	address, err := auth.Issuer{URL: a.issuer}.TokenURL(ctx)
	if err != nil {
		return nil, fmt.Errorf("the issuer of tokens cannot be asked: %w", err)
	}
	// Client id and secret go into the body, as in IDHub's guide: a public client has nothing to put into a header.
	endpoint := oauth2.Endpoint{TokenURL: address, AuthStyle: oauth2.AuthStyleInParams}
	grants := oauth2.Config{ClientID: a.clientID, ClientSecret: a.secret, Endpoint: endpoint}
	token, err := a.useRefreshToken(ctx, grants)
	switch {
	case err == nil || !isInvalidGrant(err):
	case a.username != "":
		token, err = grants.PasswordCredentialsToken(ctx, a.username, a.password)
	case a.secret != "":
		byClient := clientcredentials.Config{ClientID: a.clientID, ClientSecret: a.secret, TokenURL: address, AuthStyle: endpoint.AuthStyle}
		token, err = byClient.Token(ctx)
	}
	if err != nil {
		return nil, tokenError(err)
	}
	a.keep(token)
	return token, nil
}

var errNoRefreshToken = errors.New("the access token has expired, and there is no REFRESH_TOKEN")

// useRefreshToken tries the newest refresh token, which another process may have put into the file.
func (a *account) useRefreshToken(ctx context.Context, grants oauth2.Config) (token *oauth2.Token, err error) {
	a.mu.Lock()
	own := a.refresh
	a.mu.Unlock()
	err = errNoRefreshToken
	for _, refresh := range []string{a.stored(), own} {
		if refresh == "" || token != nil || !isInvalidGrant(err) {
			continue
		}
		token, err = grants.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	}
	return token, err
}

// stored returns the refresh token in the file, empty if there is no usable one.
func (a *account) stored() string {
	if a.file == nil {
		return ""
	}
	stored, err := a.file.load()
	if err != nil {
		a.logger.Warn("the token file is not used", zap.String("file", a.file.path), zap.Error(err))
	}
	return stored
}

// keep makes token the one in use. A refresh token that replaces another one is written to the file first.
func (a *account) keep(token *oauth2.Token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	replaced := token.RefreshToken != "" && token.RefreshToken != a.refresh
	if replaced && a.file != nil {
		if err := a.file.store(token.RefreshToken); err != nil {
			a.logger.Error("the new refresh token could not be written; it is lost when the program ends", zap.String("file", a.file.path), zap.Error(err))
		}
	}
	a.held = token
	if replaced {
		a.refresh = token.RefreshToken
	}
}

// isInvalidGrant reports whether another grant may do: the refresh token is not good any more, or there is none.
func isInvalidGrant(err error) bool {
	var refused *oauth2.RetrieveError
	return errors.Is(err, errNoRefreshToken) || errors.As(err, &refused) && refused.ErrorCode == "invalid_grant"
}

// tokenError returns the issuer's error without the body of its answer.
func tokenError(err error) error {
	var refused *oauth2.RetrieveError
	switch {
	case errors.Is(err, errNoRefreshToken):
		return err
	case !errors.As(err, &refused):
		return fmt.Errorf("the issuer did not give a token: %w", err)
	case refused.ErrorCode == "":
		return fmt.Errorf("the issuer did not give a token: %s", refused.Response.Status)
	default:
		return fmt.Errorf("the issuer gives no token: %s (%s)", refused.ErrorCode, refused.ErrorDescription)
	}
}

// expiryOf reads when a JWT expires, for its owner: nothing is verified. Zero means that it does not say.
func expiryOf(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Expiry float64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Expiry == 0 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Expiry), 0)
}

// tokenFile keeps the newest refresh token, sealed if there is a key, readable by its owner only.
type tokenFile struct {
	path   string
	key    sealKey // none: plain
	origin string  // digest of the settings that the token descends from; another one there makes the file void
}

// tokenState is the content of a tokenFile.
type tokenState struct {
	Origin       string `json:"origin"`
	RefreshToken string `json:"refresh_token"`
}

// load returns the refresh token; none if there is no file, or it descends from other settings.
// Its errors do not quote the file.
func (f *tokenFile) load() (string, error) {
	content, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(content))
	if strings.HasPrefix(text, sealedPrefix) {
		if text, err = f.key.open(text); err != nil {
			return "", fmt.Errorf("it %w", err)
		}
	}
	var state tokenState
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return "", errors.New("it is no token file")
	}
	if state.Origin != f.origin {
		return "", nil
	}
	return state.RefreshToken, nil
}

// store replaces the file at once, so that it is whole whenever the program or the machine stops.
func (f *tokenFile) store(refreshToken string) error {
	content, err := json.Marshal(tokenState{f.origin, refreshToken})
	if err != nil {
		return err
	}
	if len(f.key) > 0 {
		var to age.Recipient
		if to, err = f.key.recipient(); err != nil {
			return err
		}
		sealed, err := seal(string(content), to)
		if err != nil {
			return err
		}
		content = []byte(sealed)
	}
	return replaceFile(f.path, append(content, '\n'))
}

// replaceFile writes a file that only its owner may read, and puts it at path when all of it is on the disk.
func replaceFile(path string, content []byte) (err error) {
	fresh, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(fresh.Name())
		}
	}()
	_, err = fresh.Write(content)
	if err == nil {
		err = fresh.Sync()
	}
	if err = errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}
