package server_test

import (
	"crypto/sha256"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
	"scim-atlassian/scim/server"
)

// A complete SCIM server: users, groups and issues in memory, and one client that may
// do everything. A backend of one's own takes the place of resourcetest.Types.
func Example() {
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	types, err := resourcetest.Types(now)
	if err != nil {
		log.Fatal(err)
	}
	callers, err := auth.New(auth.Config{Callers: []auth.Caller{{
		Name: "client", BearerSHA256: auth.Hashes{fmt.Sprintf("%x", sha256.Sum256([]byte("secret")))}, Rights: map[string]auth.Right{auth.AnyType: auth.Write},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	scim, err := server.New(server.Config{
		Types: types, Root: list.NewRoot(types), Auth: callers, AsError: resource.AsError,
		Lists:      list.New(list.Config{CursorTimeout: time.Minute, KeptResultBytes: 1 << 20, Now: now}),
		MaxResults: 100, MaxBodyBytes: 1 << 20, BulkMaxOperations: 100, BulkMaxPayload: 1 << 20,
		RequestTimeout: time.Minute, CursorTimeout: time.Minute, OnRequest: func(server.Request) {}, Logger: zap.NewNop(), Now: now,
	})
	if err != nil {
		log.Fatal(err)
	}
	ask := func(method, path, body string) {
		r := httptest.NewRequest(method, "https://scim.example"+server.BasePath+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer secret")
		answer := httptest.NewRecorder()
		scim.ServeHTTP(answer, r) // a real one is given to http.Server as its Handler
		fmt.Println(answer.Code, answer.Body)
	}
	ask("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann","emails":[{"value":"ann@demo.example"}]}`)
	ask("GET", "/Users?filter=emails.value+co+%22demo%22&attributes=userName", "")
	// Output:
	// 201 {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"1","userName":"ann","emails":[{"value":"ann@demo.example"}],"meta":{"resourceType":"User","created":"2026-01-02T03:04:05.000Z","lastModified":"2026-01-02T03:04:05.000Z","location":"https://scim.example/scim/v2/Users/1","version":"W/\"3coev2sckqjry\""}}
	// 200 {"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"startIndex":1,"itemsPerPage":1,"Resources":[{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"1","userName":"ann"}]}
}
