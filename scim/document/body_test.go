package document

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

func TestCheckContentType(t *testing.T) {
	const unsupported = "Unsupported Media Type"
	for header, want := range map[string]string{
		"": "", "application/json": "", "application/scim+json": "", "application/scim+json; charset=utf-8": "", "Application/JSON;charset=UTF-8": "", "text/json": "",
		"application/x-www-form-urlencoded": unsupported, "application/xml": unsupported, "image/svg+json": unsupported, "json": unsupported,
	} {
		if got := resourcetest.Refusal(t, checkContentType(header)); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// TestReadBody has a limit of 64 bytes.
func TestReadBody(t *testing.T) {
	const large = "413: The body is larger than 64 bytes."
	tests := []struct {
		coding, body string
		want         any    // the document
		err          string // else what the client is told
	}{
		{body: `"` + strings.Repeat("x", 62) + `"`, want: strings.Repeat("x", 62)},
		{body: `"` + strings.Repeat("x", 63) + `"`, err: large},
		{body: "\uFEFF{\"a\":1}", want: map[string]any{"a": 1.0}},
		{coding: "identity", body: `[1]`, want: []any{1.0}},
		{coding: "Identity, ", body: `[1]`, want: []any{1.0}},
		{coding: "gzip", body: zipped(`[1]`), want: []any{1.0}},
		{coding: "identity, X-GZIP", body: zipped("\uFEFF[1]"), want: []any{1.0}},
		{coding: "gzip", body: zipped(`"` + strings.Repeat("x", 63) + `"`), err: large},
		{coding: "gzip", body: zipped("")[:10], err: badBody + "The body is not gzip, as Content-Encoding says, or is damaged; send it so, or leave Content-Encoding out."},
		{coding: "gzip", body: `[1]`, err: badBody + "The body is not gzip, as Content-Encoding says, or is damaged; send it so, or leave Content-Encoding out."},
		{coding: "br", body: `[1]`, err: `415: The body has the content coding "br"; send it plain or with gzip.`},
		{coding: "gzip, gzip", body: zipped(zipped(`[1]`)), err: `415: The body has the content coding "gzip, gzip"; send it plain or with gzip.`},
		{body: "", err: badBody + "The body is empty; send one JSON document."},
		{body: "\uFEFF \n", err: badBody + "The body is empty; send one JSON document."},
		{body: "{", err: badBody + "The body ends within the JSON document, at line 1, column 2."},
		{body: `{} {}`, err: badBody + "The body is not one JSON document; it is wrong at line 1, column 4."},
		{body: "{\n \"ä\": \"key\" x}", err: badBody + "The body is not one JSON document; it is wrong at line 2, column 13."},
		{body: `{"n":1e999}`, err: badBody + "The body is not one JSON document; it is wrong at line 1, column 6."},
		{body: `{"a":1,"a":2}`, err: badBody + `The member "a" is there more than once, at line 1, column 8.`},
		{body: "[{\"v\":{\"a\":1,\n\"a\":2}}]", err: badBody + `The member "a" is there more than once in /0/v, at line 2, column 1.`},
		{body: "\"ab\xff\"", err: badBody + "The body is not UTF-8, at line 1, column 4."},
	}
	for _, test := range tests {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(test.body))
		if test.coding != "" {
			r.Header.Set("Content-Encoding", test.coding)
		}
		got, err := ReadBody(r, 64)
		if said := saidOf(err); said != test.err {
			t.Errorf("%s %q:\n got %s\nwant %s", test.coding, test.body, said, test.err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", test.coding, test.body, diff)
		}
	}
}

// TestInflateStops takes no more of a body that stands for a huge one than the
// limit needs.
func TestInflateStops(t *testing.T) {
	bomb := strings.NewReader(zipped(strings.Repeat(" ", 16<<20)))
	size := bomb.Len()
	_, err := inflate(bomb, 1<<20)
	if got := saidOf(err); got != "413: The body is larger than 1048576 bytes." {
		t.Error(got)
	}
	if taken := size - bomb.Len(); taken > size/8 {
		t.Errorf("%d of %d bytes were read", taken, size)
	}
}

const badBody = "400 invalidSyntax: "

// saidOf is what a client is told of an error, with the status in front.
func saidOf(err error) string {
	if err == nil {
		return ""
	}
	e := *resource.AsError(err)
	e.Err = nil
	return e.Error()
}

// zipped compresses a text with gzip.
func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text) // a buffer takes everything
	_ = z.Close()
	return b.String()
}
