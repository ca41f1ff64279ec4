package console

import (
	"fmt"
	"net/http"
	"net/url"
	"scim-atlassian/scim/console/sheet"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// export lists the tables that were asked for: all, or that of the parameter table.
func export(v *visit, found *view) ([]*sheet.Table, error) {
	name := v.URL.Query().Get("table")
	if name == "" {
		return found.Tables, nil
	}
	i := slices.IndexFunc(found.Tables, func(t *sheet.Table) bool { return t.Name == name })
	if i < 0 {
		return nil, refuse(http.StatusNotFound, "This page has no table %q.", name)
	}
	return found.Tables[i : i+1], nil
}

// writeJSON writes the tables of a page as one object.
func (c *Console) writeJSON(w http.ResponseWriter, v *visit, found *view) int {
	tables, err := export(v, found)
	if err != nil {
		return c.refuse(w, v, err)
	}
	rows := map[string]any{}
	for _, t := range tables {
		rows[t.Name] = t.Objects()
	}
	b, err := json.Marshal(map[string]any{"page": found.Path, "asOf": c.cfg.Now().UTC(), "summary": found.Lead, "tables": rows},
		json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return c.refuse(w, v, err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // a browser that went away needs no answer
	return http.StatusOK
}

// writeCSV writes one table of a page, by default the first one.
func (c *Console) writeCSV(w http.ResponseWriter, v *visit, found *view) int {
	tables, err := export(v, found)
	if err != nil {
		return c.refuse(w, v, err)
	}
	if len(tables) == 0 {
		return c.refuse(w, v, refuse(http.StatusNotFound, "This page has no table at present."))
	}
	t := tables[0]
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", found.Path+"-"+t.Name+".csv"))
	_ = t.WriteCSV(w) // a client that went away needs no answer
	return http.StatusOK
}

// withForms puts the links to the other forms of its tables into a page. They have the parameters of the page.
func withForms(v *visit, found *view) {
	for _, t := range found.Tables {
		q := v.URL.Query()
		if len(found.Tables) > 1 {
			q.Set("table", t.Name)
		}
		q.Del("refresh")
		for _, form := range []string{"json", "csv"} {
			u := url.URL{Path: Path + "/" + found.Path + "." + form, RawQuery: q.Encode()}
			t.Links = append(t.Links, sheet.Link{Name: strings.ToUpper(form), URL: u.String()})
		}
	}
}
