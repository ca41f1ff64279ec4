package jira

import (
	"slices"

	"scim-atlassian/atlassian/emulator/tenant"
)

// The vocabulary has texts that are hard to search for and to quote: stop words,
// endings, quotation marks, backslashes, letters outside ASCII.
var (
	seedVerbs = []string{"Fix", "Fixing", "Investigate", "Add", "Remove", "Document", "Migrate", "Speed up", "Review",
		"Stop", "Rename", "Renew", "Win back", "Test", "The end of", "Why is there"}
	seedObjects = []string{"the login page", "invoice export (CSV & PDF)", "nightly backup of db-07", "SSO for contractors",
		"„Überstunden“ report", "naïve retry loop", "C++ client", "café menu page ☕", `search for "the" and "of"`,
		"100% CPU on worker", "O'Brien's laptop", "日本語 localisation", "e-mail bounces", `path C:\temp\new`, "GDPR deletion job",
		"password policies", "VPN certificates", "onboarding checklist", "payroll run", "API rate limits [v2]", "user_name mapping",
		"{noformat} rendering", "wins and losses dashboard", "Łódź office network"}
	seedSuffixes = []string{"", "", "", "", " in production", " for the Zürich office", " – follow-up", " (again!)", " before Q3 audit",
		" / part 2", " when user is offline", "?", " #42", " & more", " <script>", " *urgent*", " 🎉"}
	seedLabels = []string{"backend", "customer", "frontend", "Needs-Review", "q3_2026", "sox", "tech-debt", "urgent", "überfällig"}
)

func (s *siteSeeder) summary() string {
	return tenant.Pick(s.Rand, seedVerbs) + " " + tenant.Pick(s.Rand, seedObjects) + tenant.Pick(s.Rand, seedSuffixes)
}

// some picks up to three of a list, in its order; half the time none.
func (s *siteSeeder) some(list []string) []string {
	if s.chance(50) {
		return nil
	}
	var chosen []string
	for range 1 + s.IntN(3) {
		if item := tenant.Pick(s.Rand, list); !slices.Contains(chosen, item) {
			chosen = append(chosen, item)
		}
	}
	slices.Sort(chosen)
	return chosen
}

// texts makes the descriptions that issues share.
func (s *siteSeeder) texts() {
	for range 200 {
		s.documents = append(s.documents, tenant.JSON(s.document()))
	}
}

type node = map[string]any

func textNode(text string, marks ...node) node {
	n := node{"type": "text", "text": text}
	if len(marks) > 0 {
		n["marks"] = marks
	}
	return n
}

func block(kind string, content ...node) node { return node{"type": kind, "content": content} }

// document makes a description of one to four blocks.
func (s *siteSeeder) document() node {
	blocks := []node{block("paragraph", textNode(s.sentence()), node{"type": "hardBreak"}, textNode(s.sentence()))}
	for range s.IntN(4) {
		blocks = append(blocks, s.block())
	}
	return node{"type": "doc", "version": 1, "content": blocks}
}

func (s *siteSeeder) block() node {
	switch s.IntN(6) {
	case 0:
		return block(tenant.Pick(s.Rand, []string{"bulletList", "orderedList"}),
			block("listItem", block("paragraph", textNode(s.summary()))),
			block("listItem", block("paragraph", textNode(s.sentence())), block("bulletList",
				block("listItem", block("paragraph", textNode("nested: "+s.summary()))))))
	case 1:
		code := block("codeBlock", textNode("select *\n  from users\n where name like '%\\_x'; -- \"quoted\"\n\treturn 1 < 2"))
		code["attrs"] = node{"language": "sql"}
		return code
	case 2:
		heading := block("heading", textNode("Steps to reproduce"))
		heading["attrs"] = node{"level": 1 + s.IntN(3)}
		return heading
	case 3:
		a := tenant.Pick(s.Rand, s.staff)
		return block("paragraph", textNode("Ask "), node{"type": "mention", "attrs": node{"id": a.ID, "text": "@" + a.Name}},
			textNode(" or see "), textNode("the wiki", node{"type": "link", "attrs": node{"href": "https://demo.example/wiki?a=1&b=2"}}),
			textNode(", "), textNode("please", node{"type": "strong"}, node{"type": "em"}), textNode("."))
	case 4:
		return block("blockquote", block("paragraph", textNode("It "), textNode("works", node{"type": "code"}), textNode(" on my machine.")))
	}
	return block("paragraph", textNode(s.sentence()))
}

func (s *siteSeeder) sentence() string {
	return tenant.Pick(s.Rand, []string{
		"This happens since the last release; nobody knows why.",
		"Customers in Düsseldorf & Genève are waiting for it.",
		"See the attached log – lines 1–20 are the interesting ones.",
		"It was not to be expected that this would be of any use.",
		"Steps: open the page, log in, wait 5 minutes.",
		"Running it twice fixes the problem (sometimes).",
	})
}
