package coding

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// TestHandler holds which answers are compressed, and that what arrives is what was sent.
func TestHandler(t *testing.T) {
	list := make([]string, 200)
	for i := range list {
		list[i] = fmt.Sprintf(`{"id":"%d","userName":"user%d@demo.example"}`, i, i)
	}
	long, short := `{"Resources":[`+strings.Join(list, ",")+`]}`, `{"id":"1"}`
	for _, test := range []struct {
		accept, media, body, want string
		parts                     int
	}{
		{"", "application/scim+json", long, "", 1},
		{"gzip", "application/scim+json", long, "gzip", 1},
		{"gzip", "application/json; charset=utf-8", long, "gzip", 1},
		{"gzip", "application/scim+json", long, "gzip", 7},
		{"zstd", "application/scim+json", long, "zstd", 7},
		{"gzip, zstd", "application/scim+json", long, "zstd", 1},
		{"gzip;q=1.0, zstd;q=0.5", "application/scim+json", long, "gzip", 1},
		{"gzip;q=0, identity", "application/scim+json", long, "", 1},
		{"br", "application/scim+json", long, "", 1},
		{"gzip, zstd", "application/scim+json", short, "", 1},
		{"gzip", "text/plain", long, "", 1},
	} {
		h, err := Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", test.media)
			w.Header().Set("ETag", `W/"1"`)
			if test.parts == 1 {
				w.Header().Set("Content-Length", fmt.Sprint(len(test.body)))
			}
			w.WriteHeader(http.StatusCreated)
			for i := range test.parts {
				io.WriteString(w, test.body[i*len(test.body)/test.parts:(i+1)*len(test.body)/test.parts])
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(h)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Header.Set("Accept-Encoding", test.accept); test.accept == "" {
			r.Header.Set("Accept-Encoding", "identity")
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.Header; got.Get("Content-Encoding") != test.want || got.Get("Vary") != "Accept-Encoding" || got.Get("ETag") != `W/"1"` || answer.StatusCode != http.StatusCreated {
			t.Errorf("%+v: %d %v", test.accept, answer.StatusCode, got)
		}
		var plain io.Reader = answer.Body
		switch test.want {
		case "gzip":
			plain, err = gzip.NewReader(answer.Body)
		case "zstd":
			plain, err = zstd.NewReader(answer.Body)
		}
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(plain); err != nil || string(body) != test.body {
			t.Errorf("%s: %v, %d bytes, want %d", test.accept, err, len(body), len(test.body))
		}
		answer.Body.Close()
		server.Close()
	}
}
