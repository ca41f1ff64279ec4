package main

import (
	"errors"
	"fmt"

	"go.uber.org/zap"

	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/edge"
)

// tlsFiles are the files of TLS, none if the server has no TLS.
func (c *config) tlsFiles() edge.Files {
	return edge.Files{Certificate: c.TLSCertFile, Key: c.TLSKeyFile, ClientCA: c.TLSClientCAFile}
}

// scheme is that of the server's own URLs.
func (c *config) scheme() string {
	if c.TLSCertFile != "" {
		return "https"
	}
	return "http"
}

// checkTLS refuses settings of TLS that are not whole.
func (c *config) checkTLS() error {
	switch {
	case (c.TLSCertFile == "") != (c.TLSKeyFile == ""):
		return errors.New("SCIM_ATLASSIAN_TLS_CERT_FILE and SCIM_ATLASSIAN_TLS_KEY_FILE need each other: set both or neither")
	case c.TLSClientCAFile != "" && c.TLSCertFile == "":
		return errors.New("SCIM_ATLASSIAN_TLS_CLIENT_CA_FILE needs SCIM_ATLASSIAN_TLS_CERT_FILE: without TLS clients have no certificates")
	}
	return nil
}

// tls reads the files of TLS; nil: the server has none.
func (c *config) tls(logger *zap.Logger) (*edge.TLS, error) {
	if c.TLSCertFile == "" {
		return nil, nil
	}
	t, err := edge.NewTLS(c.tlsFiles(), logger)
	if err != nil {
		return nil, fmt.Errorf("SCIM_ATLASSIAN_TLS_CERT_FILE, _KEY_FILE, _CLIENT_CA_FILE: %w", err)
	}
	return t, nil
}

// tlsFindings tells whether the files of TLS can be used, if there is TLS.
func (c *config) tlsFindings() []connector.Finding {
	t, err := c.tls(zap.NewNop())
	switch {
	case err != nil:
		return []connector.Finding{ownFinding("TLS", "", err)}
	case t == nil:
		return nil
	}
	return []connector.Finding{ownFinding("TLS", "the certificate is good until "+t.Expires().UTC().Format("2006-01-02 15:04Z"), t.Expired())}
}
