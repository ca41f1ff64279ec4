package plain_test

import (
	"fmt"

	"scim-atlassian/atlassian/adf/plain"
)

// A text becomes a document of Jira's, and the document the same text again.
func Example() {
	document := plain.FromText("Restart `vpn-2`, see [the runbook](https://wiki.demo.example/vpn).")
	fmt.Println(string(document))
	text, err := plain.ToText(document)
	if err != nil {
		panic(err)
	}
	fmt.Println(text)
	// Output:
	// {"version":1,"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"Restart "},{"type":"text","marks":[{"type":"code"}],"text":"vpn-2"},{"type":"text","text":", see "},{"type":"text","marks":[{"type":"link","attrs":{"href":"https://wiki.demo.example/vpn"}}],"text":"the runbook"},{"type":"text","text":"."}]}]}
	// Restart `vpn-2`, see [the runbook](https://wiki.demo.example/vpn).
}
