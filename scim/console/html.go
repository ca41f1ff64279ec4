package console

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"

	"scim-atlassian/scim/console/sheet"
	"scim-atlassian/scim/resource"
)

//go:embed pages
var files embed.FS

var style, _ = files.ReadFile("pages/style.css") // it is embedded

// parseTemplates reads the templates that are part of the program; a fault in them is one of the program.
func parseTemplates() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"add": func(a, b int) int { return a + b },
	}).ParseFS(files, "pages/*.html"))
}

// view is what a page shows.
type view struct {
	Path, Title string
	Lead        string     // the page in one sentence
	Tone        sheet.Tone // of the lead
	Tables      []*sheet.Table
	Data        any    // what the page's own template shows besides
	then        string // where the browser goes instead, after a POST
	refresh     int    // seconds until the browser loads the page again; 0: never
}

// named is a value with its name: an attribute, a part of a plan, a link.
type named struct{ Name, Value string }

// shown is what the templates are given.
type shown struct {
	*view
	Pages   []named
	Caller  string
	Version string
	Now     string
	Query   map[string][]string
	Calls   int
	Refresh int
	Error   *resource.Error
}

// writePage writes a page as HTML.
func (c *Console) writePage(w http.ResponseWriter, v *visit, found *view) int {
	withForms(v, found)
	return c.execute(w, v, http.StatusOK, found.Path, shown{view: found, Refresh: found.refresh})
}

// writeError writes a refusal as HTML, or as JSON to a program.
func (c *Console) writeError(w http.ResponseWriter, v *visit, e *resource.Error) int {
	if v.form == "json" || v.form == "csv" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(e.Status)
		_, _ = w.Write(resource.ErrorDocument(e).AppendJSON(nil)) // a client that went away needs no answer
		return e.Status
	}
	return c.execute(w, v, e.Status, "error", shown{view: &view{Title: http.StatusText(e.Status)}, Error: e})
}

// execute writes a template. It is made as a whole first, so that a fault in it is an error and not half a page.
func (c *Console) execute(w http.ResponseWriter, v *visit, status int, name string, s shown) int {
	s.Version, s.Now, s.Query, s.Calls = c.cfg.Version, sheet.Stamp(c.cfg.Now()), v.URL.Query(), v.calls
	if v.caller != nil && v.caller.Console {
		s.Caller = v.caller.Name
		for _, p := range pages {
			s.Pages = append(s.Pages, named{p.title, Path + "/" + p.path})
		}
	}
	var b bytes.Buffer
	if err := c.templates.ExecuteTemplate(&b, name+".html", s); err != nil {
		panic(err)
	}
	if s.Refresh > 0 {
		w.Header().Set("Refresh", strconv.Itoa(s.Refresh))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a browser that went away needs no answer
	return status
}

func serveStyle(w http.ResponseWriter) int {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(style) // a browser that went away needs no answer
	return http.StatusOK
}
