package report

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Secrets are texts that errors do not show, whatever upstream repeats of what it was sent. It is safe for concurrent use; the zero value has none.
type Secrets struct {
	mu       sync.RWMutex
	texts    []string
	replacer *strings.Replacer // nil: there are none
}

// redacted stands for a secret.
const redacted = "[redacted]"

// Add adds secrets, which are hidden as they are and as a URL has them. Empty ones are passed over.
func (s *Secrets) Add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		s.texts = append(s.texts, secret, url.QueryEscape(secret), url.PathEscape(secret))
	}
	s.texts = slices.DeleteFunc(s.texts, func(text string) bool { return text == "" })
	slices.SortFunc(s.texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) }) // a secret may begin with another
	s.texts = slices.Compact(s.texts)
	var pairs []string
	for _, text := range s.texts {
		pairs = append(pairs, text, redacted)
	}
	s.replacer = strings.NewReplacer(pairs...)
}

// Redact removes all secrets from a text.
func (s *Secrets) Redact(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.replacer == nil {
		return text
	}
	return s.replacer.Replace(text)
}

// Shown is what an error shows of a text of upstream.
func (s *Secrets) Shown(text string) string { return bounded(s.Redact(text)) }

// Hush returns an error with the same cause, whose text has no secrets; nil for nil.
func (s *Secrets) Hush(err error) error {
	if err == nil {
		return nil
	}
	return hushed{err, s}
}

// hushed is an error whose text may have a secret in it.
type hushed struct {
	error
	secrets *Secrets
}

// Error returns the text without secrets.
func (h hushed) Error() string { return h.secrets.Redact(h.error.Error()) }

// Unwrap returns the error itself.
func (h hushed) Unwrap() error { return h.error }

// bounded returns printable text of at most 500 characters.
func bounded(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if utf8.RuneCountInString(text) <= 500 {
		return text
	}
	return string([]rune(text)[:499]) + "…"
}
