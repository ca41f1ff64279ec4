package atlassian_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
)

// A client of the directory API: one lookup, one page, and an error that says what kind it is.
func ExampleNewDirectory() {
	upstream := httptest.NewServer(emulator.New(emulator.DefaultOptions()))
	defer upstream.Close()
	directory, err := atlassian.NewDirectory(atlassian.Config{}, upstream.URL+"/scim/directory", emulator.DirectoryID, emulator.DirectoryKey)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()

	page, err := directory.Users(ctx, atlassian.ListOptions{StartIndex: 1, Count: 500})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(page.Resources), "of", page.Total, "users on a page, whatever was asked for")

	name := page.Resources[0].UserName
	page, err = directory.Users(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: "userName", Value: name}})
	if err != nil {
		panic(err)
	}
	fmt.Println(page.Total, "is called", name)

	_, err = directory.User(ctx, "nobody")
	fmt.Println(atlassian.KindOf(err) == atlassian.NotFound, err)
	// Output:
	// 100 of 200 users on a page, whatever was asked for
	// 1 is called wei.akesson@demo.example
	// true GET /Users/{id}: not found (404): Resource [USER]: with id[nobody] is not found.
}
