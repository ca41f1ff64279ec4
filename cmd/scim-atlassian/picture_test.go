package main

import (
	"fmt"
	"html"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// storeys is how docs/architecture.svg is laid out: a line is a storey, and a name's place in the line its place in the
// picture. Brackets are around what is to come.
const storeys = `
                                    cmd/scim-atlassian

                           scim/reconcile

 scim/console                            scim

                  scim/server              scim/connector                scim/idhub           scim/issuelog        atlassian/emulator

scim/guard scim/plan scim/audit  scim/list scim/delta scim/discovery  scim/feed    scim/directory  scim/organization  scim/roles   scim/jira       emulator/directory  emulator/jira  emulator/organization

  scim/console/plot   scim/tracing  scim/bulk scim/auth     scim/person  scim/richtext  scim/field  scim/desk  scim/once  scim/catalogue  scim/searches

                                       scim/operations                            scim/around

scim/edge scim/origin scim/coding scim/crowd scim/condition scim/document scim/health     scim/upstream     scim/mirror     scim/jql     atlassian/adf      emulator/jql   emulator/adf   emulator/tenant

                                                         scim/collection     scim/sent

  scim/console/sheet  scim/console/witness    scim/alarm         scim/table scim/changes scim/paging scim/memo  atlassian/adf/markup    atlassian/adf/plain

                                 scim/resource                  scim/packed    scim/tell

 scim/state               schemas          scim/query                   atlassian

                                                                     atlassian/admission  atlassian/doubt  atlassian/report  atlassian/wire
`

// unpictured are left out of the picture: measurements, and helpers that tests alone import.
var unpictured = []string{"measure/bench", "measure/chaos", "measure/kill", "measure/day", "measure/limits", "measure/hostile", "measure/loopback", "atlassian/emulator/tenant/tenanttest", "scim/resource/resourcetest", "scim/state/statetest"}

// box is a package in the picture.
type box struct {
	name    string // without the module
	label   string
	x, y    int // of the middle
	planned bool
}

const (
	columnWidth  = 7  // of a character of storeys, in pixels
	storeyHeight = 36 // of a line of storeys
	boxHeight    = 26
)

var storeyWord = regexp.MustCompile(`\S+`)

// boxes reads storeys.
func boxes() map[string]box {
	all := map[string]box{}
	for y, line := range strings.Split(strings.Trim(storeys, "\n"), "\n") {
		for _, at := range storeyWord.FindAllStringIndex(line, -1) {
			word := line[at[0]:at[1]]
			label := strings.Trim(word, "[]")
			b := box{name: label, label: label, planned: label != word, x: (at[0]+at[1])*columnWidth/2 + 20, y: y*storeyHeight + 40}
			if below, ok := strings.CutPrefix(label, "emulator/"); ok {
				b.name = "atlassian/emulator/" + below
			}
			all[b.name] = b
		}
	}
	return all
}

// The picture in docs is of the imports as they are, every arrow in it points down, and no package is missing. An arrow
// that others imply is left out: scim/server imports scim/query, but so does scim/resource below it.
func TestPicture(t *testing.T) {
	const path = "../../docs/architecture.svg"
	drawn := boxes()
	imports := map[string][]string{}
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		b, ok := drawn[name]
		if slices.Contains(unpictured, name) {
			continue
		}
		if !ok || b.planned {
			t.Errorf("%s has no place in storeys, or is still in brackets there", name)
		}
		for _, imported := range p.Imports {
			if imported, ours := strings.CutPrefix(imported, module+"/"); ours {
				imports[name] = append(imports[name], imported)
				if below, ok := drawn[imported]; ok && below.y <= b.y {
					t.Errorf("the arrow from %s to %s points up: move them in storeys", name, imported)
				}
			}
		}
		if imports[name] == nil {
			imports[name] = []string{}
		}
	}
	for name, b := range drawn {
		if imports[name] == nil && !b.planned {
			t.Errorf("there is no package %s any more", name)
		}
	}
	if t.Failed() {
		return
	}
	old, err := os.ReadFile(path)
	if err != nil && !*updateDocs {
		t.Fatal(err)
	}
	checkDocument(t, path, string(old), draw(drawn, imports))
}

// reaches reports whether a package imports another, by way of others too.
func reaches(imports map[string][]string, from, to string) bool {
	return from == to || slices.ContainsFunc(imports[from], func(next string) bool { return reaches(imports, next, to) })
}

// colour tells packages that know Atlassian from those that do not, and from the emulator.
func colour(imports map[string][]string, name string) string {
	switch {
	case strings.HasPrefix(name, "atlassian/emulator"):
		return "#eeeeee"
	case reaches(imports, name, "atlassian"), strings.HasPrefix(name, "atlassian/adf"):
		return "#ffe3c2"
	}
	return "#d3e8fb"
}

// draw makes the picture: arrows first, so that boxes cover them.
func draw(drawn map[string]box, imports map[string][]string) string {
	names := make([]string, 0, len(drawn))
	width, height := 0, 0
	for name, b := range drawn {
		names = append(names, name)
		width, height = max(width, b.x+len(b.label)*columnWidth/2+30), max(height, b.y+90)
	}
	slices.Sort(names)
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" text-anchor="middle">
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>
<rect width="100%%" height="100%%" fill="#fff"/>
`, width, height)
	for _, from := range names {
		for _, to := range imports[from] {
			implied := slices.ContainsFunc(imports[from], func(other string) bool { return other != to && reaches(imports, other, to) })
			if a, b := drawn[from], drawn[to]; !implied {
				top, bottom := a.y+boxHeight/2, b.y-boxHeight/2
				fmt.Fprintf(&s, `<path d="M%d %dC%d %d %d %d %d %d" fill="none" stroke="#888" marker-end="url(#tip)"/>`+"\n", a.x, top, a.x, top+25, b.x, bottom-25, b.x, bottom)
			}
		}
	}
	for _, name := range names {
		b, style := drawn[name], `fill="#fff" stroke="#999" stroke-dasharray="4 3"`
		if !b.planned {
			style = fmt.Sprintf(`fill="%s" stroke="#555"`, colour(imports, name))
		}
		w := len(b.label)*columnWidth + 10
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="%d" height="%d" rx="4" %s/><text x="%d" y="%d">%s</text>`+"\n",
			b.x-w/2, b.y-boxHeight/2, w, boxHeight, style, b.x, b.y+4, html.EscapeString(b.label))
	}
	fmt.Fprintf(&s, `<text x="%d" y="%d">Blue knows no Atlassian, orange does, grey is the emulator; dashed is to come. An arrow is an import; those that others imply are left out.</text>`+"\n</svg>\n", width/2, height-25)
	return s.String()
}
