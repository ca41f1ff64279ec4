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
	cmd := &cobra.Command{
		Use:   "explain --resource TYPE FILTER",
		Short: "Print the plan of a filter",
		Long: "Print how a filter would be answered: what Atlassian is asked, and what is left to check on its answer.\n" +
			"Nothing is asked of Atlassian for it. Against a running server, the query parameter explain=true tells the plan in X-Query-Plan.",
		Example: "  scim-atlassian explain --resource Users 'userName eq \"a@b.example\" or externalId eq \"7\"'",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := scim.Explain(typeName, args[0])
			var refused *resource.Error
			if errors.As(err, &refused) {
				return errors.New(refused.Detail)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.stdout, plan)
			return err
		},
	}
	cmd.Flags().StringVar(&typeName, "resource", "Users", "endpoint of the resource type: Users, Groups, Issues, Accounts or Entitlements; / for all of them")
	return cmd
}
