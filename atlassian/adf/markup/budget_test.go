package markup

import (
	"strings"
	"testing"
)

// TestBudget holds that a line full of openers is given up at its budget, and that a long line of what is whole is not.
func TestBudget(t *testing.T) {
	for name, part := range map[string]string{"brackets": "[", "brackets around": "[a", "mentions": "@[", "cards": "<", "directives": ":u["} {
		s := strings.Repeat(part, 30_000/len(part)) + "]"
		sc := &scanner{budget: 16*len(s) + 1<<18}
		sc.parseSpans(s, 0)
		if sc.budget < -2*maxConstruct {
			t.Errorf("%s: %d beyond the budget", name, -sc.budget)
		}
	}
	links := strings.Repeat("[a [b] c](https://example.com) and [not a link] <https://example.com> ", 400)
	made := 0
	for _, in := range Parse(links) {
		if in.Kind == Link || in.Kind == Card {
			made++
		}
	}
	if made != 800 {
		t.Errorf("%d of 800 links and cards in a line of %d bytes", made, len(links))
	}
}
