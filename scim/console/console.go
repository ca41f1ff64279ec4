// Package console is a few pages for the people who run the server: how it is, what it did, what waits for them.
//
// A Console is an http.Handler for the paths below Path. Each page is built as a value first, a sentence and some tables;
// it is shown as HTML, and its tables as JSON and CSV (table.go). The pages need no scripts and set no cookies.
//
// Who signs in does so as for SCIM and must have the setting console. Resources are asked for with SCIM requests of that
// caller, through the same handler that serves everybody, so that rights, hidden attributes and limits hold here without
// a line about them (ask.go). The figures of the server come from functions in Sources, and from the log, which a
// Recorder listens to (recorder.go). Nothing is written but the release of a hold, and in the demo the emulator's fault
// rules; both want a token of the page and the page's own origin (token.go).
//
// The package knows no Atlassian, and nothing of TLS: who mounts a Console sees to it that credentials do not cross a
// network in the clear.
package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console/witness"
	"scim-atlassian/scim/resource"
)

// Path is where a Console is mounted.
const Path = "/console"

// Config says what a Console shows. SCIM, BasePath, Authenticate, Recorder and Logger are required.
type Config struct {
	SCIM         http.Handler // answers SCIM requests below BasePath
	BasePath     string       // "/scim/v2"
	Authenticate func(*http.Request) (*auth.Caller, error)
	Types        []*resource.Type
	Sources      Sources
	Recorder     *witness.Recorder
	Faults       *Faults // rules of an emulator; nil: there is none
	PublicURL    string  // of the SCIM service as clients see it, without BasePath, for commands to copy; empty: a placeholder
	Version      string  // of the program
	Logger       *zap.Logger
	Now          func() time.Time // nil: time.Now
}

// Faults are the rules by which an emulator spoils its answers. The functions are safe for concurrent use.
type Faults struct {
	Rules func() string      // one a line
	Set   func(string) error // replaces them all
	Ready []Fault            // rules to choose from
}

// Fault is a rule with its name.
type Fault struct{ Name, Rule string }

// Console is the handler of the pages. It is safe for concurrent use.
type Console struct {
	cfg       Config
	key       [32]byte // of tokens; lives and dies with the process
	origin    *http.CrossOriginProtection
	templates *template.Template
}

// New makes a Console.
func New(cfg Config) *Console {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Console{cfg: cfg, origin: http.NewCrossOriginProtection(), templates: parseTemplates()}
	rand.Read(c.key[:]) // never fails
	return c
}

// visit is one request of somebody who has signed in.
type visit struct {
	*http.Request
	caller *auth.Caller
	form   string // of the answer: html, json or csv
	err    error  // why it was refused, for the log
	calls  int    // requests to upstream that were made for it
}

// page is a page of the console.
type page struct {
	path, title string
	build       func(*Console, *visit) (*view, error)
	act         func(*Console, *visit) (*view, error) // of a POST; nil: there is none
}

// pages in the order of the navigation.
var pages = []page{
	{"now", "Now", (*Console).now, (*Console).setFaults},
	{"budget", "Budget", (*Console).budget, nil},
	{"reconciliations", "Reconciliations", (*Console).reconciliations, nil},
	{"changes", "Changes", (*Console).changes, nil},
	{"todo", "To be dealt with", (*Console).todo, (*Console).release},
	{"filter", "Filter", (*Console).filter, nil},
	{"person", "Person", (*Console).person, nil},
}

// ServeHTTP answers one request below Path.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := c.cfg.Now()
	secure(w.Header())
	v := &visit{Request: r}
	status := http.StatusOK
	defer func() {
		if p := recover(); p != nil {
			c.cfg.Logger.Error("panic", zap.String("page", r.URL.Path), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			status = http.StatusInternalServerError
			http.Error(w, "Internal error; the server's log has the cause.", status)
		}
		fields := []zap.Field{zap.String("method", r.Method), zap.String("page", strings.TrimPrefix(r.URL.Path, Path)), zap.Int("status", status), zap.Duration("duration", c.cfg.Now().Sub(began))}
		if v.caller != nil {
			fields = append(fields, zap.String("principal", v.caller.Name))
		}
		level := zapcore.InfoLevel
		if v.err != nil {
			fields = append(fields, zap.String("error", v.err.Error()))
		}
		if status >= http.StatusInternalServerError {
			level = zapcore.ErrorLevel
		}
		c.cfg.Logger.Log(level, "console", fields...)
	}()
	status = c.answer(w, v)
}

// secure sets what every answer has: nothing is kept, framed or run, and nothing comes from elsewhere.
func secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer a browser would hide the origin of a form
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// answer writes the answer and returns its status.
func (c *Console) answer(w http.ResponseWriter, v *visit) int {
	path := strings.Trim(strings.TrimPrefix(v.URL.Path, Path), "/")
	if path == "style.css" { // also for the page that refuses a sign-in
		return serveStyle(w)
	}
	caller, err := c.cfg.Authenticate(v.Request)
	if err != nil {
		return c.refuse(w, v, err)
	}
	v.caller = caller
	if !caller.Console {
		return c.refuse(w, v, refuse(http.StatusForbidden, "The caller %s may not use the console: that takes \"console\": true in the callers file.", caller.Name))
	}
	if path == "" {
		http.Redirect(w, v.Request, Path+"/now", http.StatusSeeOther)
		return http.StatusSeeOther
	}
	name, form, _ := strings.Cut(path, ".")
	v.form = form
	if form == "" {
		v.form = "html"
	}
	i := slices.IndexFunc(pages, func(p page) bool { return p.path == name })
	if i < 0 || !slices.Contains([]string{"html", "json", "csv"}, v.form) || form == "html" {
		return c.refuse(w, v, refuse(http.StatusNotFound, "There is no page %s.", resource.InQuotes(v.URL.Path)))
	}
	return c.serve(w, v, pages[i])
}

// serve builds a page and writes it.
func (c *Console) serve(w http.ResponseWriter, v *visit, p page) int {
	build := p.build
	switch v.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if p.act != nil && v.form == "html" {
			build = func(c *Console, v *visit) (*view, error) {
				if err := c.meant(w, v); err != nil {
					return nil, err
				}
				return p.act(c, v)
			}
			break
		}
		fallthrough
	default:
		w.Header().Set("Allow", "GET, HEAD")
		return c.refuse(w, v, refuse(http.StatusMethodNotAllowed, "This page is for reading."))
	}
	ctx, cancel := context.WithTimeout(v.Context(), longest)
	defer cancel()
	v.Request = v.WithContext(ctx)
	found, err := build(c, v)
	if err != nil {
		return c.refuse(w, v, err)
	}
	if found.then != "" {
		http.Redirect(w, v.Request, found.then, http.StatusSeeOther)
		return http.StatusSeeOther
	}
	found.Path, found.Title = p.path, p.title
	switch v.form {
	case "json":
		return c.writeJSON(w, v, found)
	case "csv":
		return c.writeCSV(w, v, found)
	}
	return c.writePage(w, v, found)
}

// longest is how long a page may take.
const longest = time.Minute

// refuse makes an error of the console.
func refuse(status int, format string, args ...any) error {
	return resource.Refuse(status, "", format, args...)
}

// detail is an error in words for people; its cause is for the log.
func detail(err error) string {
	var e *resource.Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return err.Error()
}

// refuse writes an error as a page.
func (c *Console) refuse(w http.ResponseWriter, v *visit, err error) int {
	v.err = err
	var e *resource.Error
	if !errors.As(err, &e) {
		e = resource.Refuse(http.StatusInternalServerError, "", "The page could not be made; the server's log has the cause.")
	}
	if e.Challenge != "" { // browsers ask for a password only if Basic has a line of its own
		w.Header()["Www-Authenticate"] = []string{`Basic realm="scim-atlassian", charset="UTF-8"`, "Bearer"}
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(e.RetryAfter.Seconds()+0.999)))
	}
	return c.writeError(w, v, e)
}

// reads lists the types that the caller may read.
func (c *Console) reads(caller *auth.Caller) []*resource.Type {
	return slices.DeleteFunc(slices.Clone(c.cfg.Types), func(rt *resource.Type) bool { return !caller.May(rt.Name, false) })
}

// readsAll reports whether the caller may read resources of every type and kind.
func (c *Console) readsAll(caller *auth.Caller) bool {
	for _, right := range caller.Policy().Kinds {
		if right == "" {
			return false
		}
	}
	return len(c.reads(caller)) == len(c.cfg.Types) && !caller.Hides()
}
