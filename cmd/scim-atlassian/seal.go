package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"
)

// sealedPrefix begins a secret that is encrypted. The rest is an age file (age-encryption.org/v1) in base64.
const sealedPrefix = "age:"

// sealKeyName is the variable of the key that opens sealed secrets.
const sealKeyName = "SCIM_ATLASSIAN_SEAL_KEY"

func (p *program) sealCommand() *cobra.Command {
	var (
		envFile, recipient string
		generate           bool
	)
	cmd := &cobra.Command{
		Use:   "seal",
		Short: "Encrypt a secret for the configuration file",
		Long: "Encrypt a secret with the key in " + sealKeyName + ", so that it may stand in the configuration file; the server opens\n" +
			"it with the same key. The secret is typed, or read from standard input up to the end of the line: an argument would\n" +
			"show in the list of processes and in the shell's history.",
		Example: "  (umask 077; scim-atlassian seal --generate > seal.key)\n" +
			"  export " + sealKeyName + "_FILE=seal.key\n" +
			"  echo \"DIRECTORY_API_KEY=$(scim-atlassian seal)\" >> .env\n\n" +
			"  # with the public half of the key alone, which seal.key names\n" +
			"  scim-atlassian seal --recipient age1…",
		Args: func(cmd *cobra.Command, args []string) error {
			if generate && recipient != "" {
				return errors.New("--generate and --recipient exclude each other")
			}
			return noSecret(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if generate {
				return p.generateSealKey()
			}
			return p.seal(cmd, envFile, recipient)
		},
	}
	addEnvFileFlag(cmd, &envFile)
	cmd.Flags().StringVar(&recipient, "recipient", "", "public key to encrypt for (default that of "+sealKeyName+")")
	cmd.Flags().BoolVar(&generate, "generate", false, "print a new key instead")
	return cmd
}

func (p *program) generateSealKey() error {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("cannot make a key: %w", err)
	}
	_, err = fmt.Fprintf(p.stdout, "# public key: %s\n%s\n", key.Recipient(), key)
	return err
}

func (p *program) seal(cmd *cobra.Command, envFile, recipient string) error {
	to, err := p.sealRecipient(envFile, recipient)
	if err != nil {
		return err
	}
	value, err := p.readSecret(cmd.Context(), "Secret")
	if err != nil {
		return err
	}
	sealed, err := seal(value, to)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, sealed)
	return err
}

// sealRecipient returns the public key to encrypt for: the one given, or that of the configured key.
func (p *program) sealRecipient(envFile, given string) (age.Recipient, error) {
	if given != "" {
		recipients, err := age.ParseRecipients(strings.NewReader(given))
		if err != nil {
			return nil, errors.New("--recipient is no public key of age: seal.key names it, it begins with age1")
		}
		return recipients[0], nil
	}
	file, err := readVariablesFile(envFile)
	if err != nil {
		return nil, err
	}
	variables := file.under(p.environ)
	if err := readSecretFile(variables, sealKeyName); err != nil {
		return nil, err
	}
	key, err := parseSealKey(variables[sealKeyName])
	if err != nil {
		return nil, err
	}
	return key.recipient()
}

// sealKey opens secrets that are sealed for any of its identities. It seals new ones for the first identity.
type sealKey []age.Identity

// parseSealKey reads the secret keys of age, one a line; lines that begin with # do not count.
// Without text there is no key. Its errors do not quote the text.
func parseSealKey(text string) (sealKey, error) {
	if text == "" {
		return nil, nil
	}
	identities, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		return nil, errors.New(sealKeyName + " is no secret key of age: `scim-atlassian seal --generate` makes one")
	}
	return identities, nil
}

func (k sealKey) recipient() (age.Recipient, error) {
	if len(k) == 0 {
		return nil, errors.New(sealKeyName + " is missing: `scim-atlassian seal --generate` makes a key")
	}
	switch identity := k[0].(type) {
	case *age.X25519Identity:
		return identity.Recipient(), nil
	case *age.HybridIdentity:
		return identity.Recipient(), nil
	default:
		return nil, errors.New(sealKeyName + " is a kind of key that cannot encrypt")
	}
}

// seal encrypts a secret into one line.
func seal(secret string, to age.Recipient) (string, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err == nil {
		_, err = io.WriteString(w, secret)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", fmt.Errorf("cannot encrypt: %w", err)
	}
	return sealedPrefix + base64.RawStdEncoding.EncodeToString(sealed.Bytes()), nil
}

// open decrypts a sealed secret. Its errors are worded to follow the name of a variable, and do not quote the value.
func (k sealKey) open(sealed string) (string, error) {
	if len(k) == 0 {
		return "", errors.New("is sealed, and " + sealKeyName + " is missing")
	}
	damaged := errors.New("is sealed, but damaged: seal the secret again")
	encrypted, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(sealed, sealedPrefix), "="))
	if err != nil {
		return "", damaged
	}
	r, err := age.Decrypt(bytes.NewReader(encrypted), k...)
	var foreign *age.NoIdentityMatchError
	if errors.As(err, &foreign) {
		return "", errors.New("is sealed for another key than " + sealKeyName)
	}
	if err != nil {
		return "", damaged
	}
	secret, err := io.ReadAll(r)
	if err != nil {
		return "", damaged
	}
	return string(secret), nil
}

// openSecrets decrypts the sealed secrets among the variables in place.
func openSecrets(variables map[string]string) []error {
	key, err := parseSealKey(variables[sealKeyName])
	if err != nil {
		return []error{err}
	}
	var problems []error
	for _, name := range secretNames() {
		if name == sealKeyName || !strings.HasPrefix(variables[name], sealedPrefix) {
			continue
		}
		secret, err := key.open(variables[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %w", name, err))
			continue // it is not missing, at least
		}
		variables[name] = secret
	}
	return problems
}
