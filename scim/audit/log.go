package audit

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/scim/resource"
)

// Log is an audit that is written to; nil: there is none. Its fields do not change any more once it is
// in use. It is safe for concurrent use.
type Log struct {
	Core     zapcore.Core // takes every line, whatever its level, and returns when it is written
	Values   Values       // what lines tell of values
	Required bool         // a write is refused if its intent cannot be written
	Problem  func(error)  // told of every line that could not be written
	Now      func() time.Time
}

// Values says what lines tell of the values of attributes.
type Values string

// The settings of Values.
const (
	Names  Values = "names"  // nothing but the names of the attributes
	Hashes Values = "hashes" // SHA-256 of the values
	Whole  Values = "values" // the values
)

// ParseValues reads the setting.
func ParseValues(text string) (Values, error) {
	switch v := Values(text); v {
	case Names, Hashes, Whole:
		return v, nil
	}
	return "", errors.New("must be names, hashes or values")
}

// Intent writes the line before a write is carried out. Its error, a 503, is for the
// client: the write is not to be carried out.
func (l *Log) Intent(w *Write) error {
	if l == nil {
		return nil
	}
	err := l.write("intent", w.intent(l.Values))
	if err == nil || !l.Required {
		return nil
	}
	return &resource.Error{Status: http.StatusServiceUnavailable, Detail: "The audit cannot be written, and nothing may be changed without it; nothing was changed.",
		RetryAfter: 10 * time.Second, Err: fmt.Errorf("audit: %w", err)}
}

// Outcome writes the line after an attempt to change something, whatever came of it.
func (l *Log) Outcome(w *Write) {
	if l != nil {
		_ = l.write("audit", w.outcome(l.Values)) // Problem was told
	}
}

func (l *Log) write(msg string, fields []zap.Field) error {
	err := l.Core.Write(zapcore.Entry{Level: zapcore.InfoLevel, Time: l.Now(), Message: msg}, fields)
	if err != nil {
		l.Problem(fmt.Errorf("audit: %s: %w", msg, err))
	}
	return err
}
