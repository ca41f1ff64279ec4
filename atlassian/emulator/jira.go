package emulator

import (
	"math/rand/v2"
	"net/http"
)

// jira is the Jira site of the tenant.
type jira struct {
	e *Emulator
}

func newJira(e *Emulator) *jira { return &jira{e: e} }

// seed fills the site. Emulator.mu is held.
func (j *jira) seed(*rand.Rand) {}

// register adds the routes of the site.
func (j *jira) register(*http.ServeMux) {}
