package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/bcrypt"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/idhub"
)

// parsedFile returns the parsed content of the file that a setting names, the zero value if it names none. An error names
// the setting.
func parsedFile[T any](setting, path string, parse func([]byte) (T, error)) (parsed T, err error) {
	if path == "" {
		return parsed, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return parsed, fmt.Errorf("%s: %w", setting, err)
	}
	if parsed, err = parse(data); err != nil {
		return parsed, fmt.Errorf("%s %s:\n%w", setting, path, err)
	}
	return parsed, nil
}

// connectorAnswers returns the content of the file SCIM_ATLASSIAN_CONNECTOR_FILE, if any.
func (c *config) connectorAnswers() (connector.Answers, error) {
	return parsedFile("SCIM_ATLASSIAN_CONNECTOR_FILE", c.ConnectorFile, connector.ParseAnswers)
}

// callers returns the callers of the file SCIM_ATLASSIAN_CALLERS_FILE and the one in SCIM_ATLASSIAN_BASIC_USERNAME, if any.
func (c *config) callers() ([]auth.Caller, error) {
	callers, err := parsedFile("SCIM_ATLASSIAN_CALLERS_FILE", c.CallersFile, auth.ParseCallers)
	if err != nil {
		return nil, err
	}
	if c.BasicUsername == "" {
		return callers, nil
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(c.BasicPassword), passwordCost)
	if err != nil {
		return nil, fmt.Errorf("SCIM_ATLASSIAN_BASIC_PASSWORD: %w", err)
	}
	callers = append(callers, auth.Caller{
		Name: string(c.BasicUsername), Username: string(c.BasicUsername), BasicBcrypt: auth.Hashes{string(hash)},
		Rights: map[string]auth.Right{auth.AnyType: auth.Write},
	})
	if err := auth.CheckCallers(callers); err != nil {
		return nil, fmt.Errorf("SCIM_ATLASSIAN_BASIC_USERNAME: %w", err)
	}
	return callers, nil
}

// mappings returns the content of SCIM_ATLASSIAN_ACCOUNT_FILE and SCIM_ATLASSIAN_ENTITLEMENT_FILE. The zero value stands for the
// usual one.
func (c *config) mappings() (account, entitlement idhub.Mapping, err error) {
	account, accountErr := parsedFile("SCIM_ATLASSIAN_ACCOUNT_FILE", c.AccountFile, idhub.ParseAccountMapping)
	entitlement, entitlementErr := parsedFile("SCIM_ATLASSIAN_ENTITLEMENT_FILE", c.EntitlementFile, idhub.ParseEntitlementMapping)
	return account, entitlement, errors.Join(accountErr, entitlementErr)
}
