package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"scim-atlassian/atlassian/emulator"
)

// An emulator that refuses every second request for users, asked three times.
func ExampleNew() {
	faults, err := emulator.ParseFaults("path=/scim/ every=2 status=429 retry-after=3")
	if err != nil {
		panic(err)
	}
	cloud := emulator.New(emulator.Options{Users: 3, Seed: 1, Faults: faults})
	for range 3 {
		request := httptest.NewRequest(http.MethodGet, "/scim/directory/"+emulator.DirectoryID+"/Users", nil)
		request.Header.Set("Authorization", "Bearer "+emulator.DirectoryKey)
		answer := httptest.NewRecorder()
		cloud.ServeHTTP(answer, request)
		fmt.Printf("%d, Retry-After %q\n", answer.Code, answer.Header().Get("Retry-After"))
	}
	for _, received := range cloud.Log() {
		fmt.Printf("%s %d %q\n", received.Method, received.Status, received.Fault)
	}
	// Output:
	// 200, Retry-After ""
	// 429, Retry-After "3"
	// 200, Retry-After ""
	// GET 200 ""
	// GET 429 "path=/scim/ every=2 status=429 retry-after=3"
	// GET 200 ""
}
