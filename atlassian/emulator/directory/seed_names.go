package directory

// The words that describe people, and the names of groups. They contain what
// software stumbles over: accents, apostrophes, ampersands, spaces, commas.

var departments = []string{
	"Engineering", "Research & Development", "Finance", "Legal", "Human Resources", "Sales", "Marketing & Communications",
	"Support", "IT", "Facilities", "Qualité", "Procurement",
}

var titles = []string{
	"Software Engineer", "Senior Software Engineer", "R&D Engineer", "Team Lead", "Accountant", "Counsel", "Recruiter",
	"Account Manager", "Chef de projet", "Support Agent", "Director, EMEA", "Geschäftsführer", "Intern", "Analyst",
}

var organizations = []string{"Demo Inc.", "Demo GmbH & Co. KG", "Corp Ltd", "O'Brien & Sons", "Société Exemple"}

// place is a time zone with the language and the telephone prefix there.
type place struct{ timeZone, language, dialing string }

var places = []place{
	{"Europe/Berlin", "de-DE", "+49-30"}, {"Europe/Paris", "fr-FR", "+33-1"}, {"Europe/London", "en-GB", "+44-20"},
	{"America/New_York", "en-US", "+1-212"}, {"America/Los_Angeles", "en-US", "+1-213"}, {"America/Sao_Paulo", "pt-BR", "+55-11"},
	{"Asia/Kolkata", "en-IN", "+91-80"}, {"Asia/Tokyo", "ja-JP", "+81-3"}, {"Australia/Sydney", "en-AU", "+61-2"},
}

var groupNames = []string{
	"Engineering", "R&D", "Finance", "Legal", "Human Resources", "Sales", "Marketing & Communications", "jira-reviewers",
	"Équipe Paris", "Team München", "O'Brien's team", "Support (1st level)", "Support (2nd level)", "IT Operations",
	"Project \"Aurora\"", "confluence-editors", "Contractors", "Works council", "Security, Privacy & Risk", "Board",
	"Release managers", "Interns 2024", "Data platform", "Mobile", "Site reliability", "Design", "Facilities", "Procurement",
}
