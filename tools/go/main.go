// Command go-github plays the steps of drive.py with go-github. See drive.py for the lines that it writes.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	"github.com/google/go-github/v75/github"
)

// organization stands in go-github's paths; the reverse proxy takes it away.
const organization = "org"

var (
	userName = os.Getenv("USER_NAME")
	answers  = bufio.NewReader(os.Stdin)
	failed   bool
)

func main() {
	ctx := context.Background()
	client := github.NewClient(nil).WithAuthToken(os.Getenv("SCIM_TOKEN"))
	base, err := url.Parse(os.Getenv("SCIM_URL") + "/")
	if err != nil {
		panic(err)
	}
	client.BaseURL = base
	scim := client.SCIM
	var id string

	step("create", func() (any, error) {
		user, _, err := scim.ProvisionAndInviteSCIMUser(ctx, organization, &github.SCIMUserAttributes{
			UserName: userName, DisplayName: github.Ptr("Ann Tool"), Active: github.Ptr(true),
			Name:   github.SCIMUserName{GivenName: "Ann", FamilyName: "Tool"},
			Emails: []*github.SCIMUserEmail{{Value: userName, Primary: github.Ptr(true)}},
		})
		if err == nil {
			id = user.GetID()
		}
		return nil, err
	})
	step("read", func() (any, error) {
		user, _, err := scim.GetSCIMProvisioningInfoForUser(ctx, organization, id)
		if err != nil {
			return nil, err
		}
		return user.UserName, nil
	})
	step("list", func() (any, error) {
		seen := 0
		for total := 1; seen < total; {
			page, _, err := scim.ListSCIMProvisionedIdentities(ctx, organization, &github.ListSCIMProvisionedIdentitiesOptions{StartIndex: github.Ptr(seen + 1), Count: github.Ptr(50)})
			if err != nil {
				return nil, err
			}
			total = page.GetTotalResults()
			seen += len(page.Resources)
		}
		return seen, nil
	})
	step("filter", func() (any, error) {
		page, _, err := scim.ListSCIMProvisionedIdentities(ctx, organization, &github.ListSCIMProvisionedIdentitiesOptions{Filter: github.Ptr(fmt.Sprintf("userName eq %q", userName))})
		if err != nil {
			return nil, err
		}
		ids := []string{}
		for _, user := range page.Resources {
			ids = append(ids, user.GetID())
		}
		return ids, nil
	})
	for _, name := range []string{"change", "disable", "enable"} {
		say(map[string]any{"cannot": name, "why": "its PUT and its PATCH put the change into the query string and send no body"})
	}
	for _, name := range []string{"group", "join", "leave", "ungroup"} {
		say(map[string]any{"cannot": name, "why": "it lists groups, and writes none"})
	}
	step("delete", func() (any, error) {
		_, err := scim.DeleteSCIMUserFromOrg(ctx, organization, id)
		return nil, err
	})
	if failed {
		os.Exit(1)
	}
}

// step plays one; what play returns in a step that reads is what the tool saw.
func step(name string, play func() (any, error)) {
	saw, err := play()
	if err != nil {
		failed = true
		say(map[string]any{"failed": name, "why": err.Error()})
		return
	}
	say(map[string]any{"did": name, "saw": saw})
}

func say(line map[string]any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		panic(err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		panic(err)
	}
}
