package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"scim-atlassian/scim"
	"scim-atlassian/scim/resource"
)

func (p *program) explainCommand() *cobra.Command {
	var typeName string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain --resource TYPE FILTER",
		Short: "Print the plan of a filter",
		Long: "Print how a filter would be answered: what Atlassian is asked, and what is left to check on its answer.\n" +
			"docs/queries.md has the words of a plan; a cost that depends on what is there is ?.\n" +
			"Nothing is asked of Atlassian for it. Against a running server, the query parameter explain=true tells the plan in X-Query-Plan.",
		Example: "  scim-atlassian explain --resource Users 'userName eq \"a@b.example\" or externalId eq \"7\"'",
		Args:    arguments("FILTER"),
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := scim.Explain(typeName, args[0])
			var refused *resource.Error
			if errors.As(err, &refused) {
				return errors.New(refused.Detail)
			}
			if err != nil {
				return err
			}
			if asJSON {
				return p.printLine(explained{typeName, args[0], plan})
			}
			_, err = fmt.Fprintln(p.stdout, plan)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print resource, filter and plan as a JSON object")
	cmd.Flags().StringVar(&typeName, "resource", "Users", "endpoint of the resource type: Users, Groups, Issues, Accounts or Entitlements; / for all of them")
	return cmd
}

// explained is a plan as --json prints it.
type explained struct {
	Resource string `json:"resource"`
	Filter   string `json:"filter"`
	Plan     string `json:"plan"`
}
