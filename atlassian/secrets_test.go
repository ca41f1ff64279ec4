package atlassian_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/atlassian"
)

// TestSecretsAreHidden has upstream repeat the secrets of two clients, and one of neither, wherever an error has a text of
// upstream's.
func TestSecretsAreHidden(t *testing.T) {
	const another, foreign = "another client's/key+", "secret of the program"
	secrets := new(atlassian.Secrets)
	secrets.Add(foreign, "")
	all := []string{testKey, another, foreign, "another+client%27s%2Fkey%2B"}
	said := strings.Join(all, " and ")
	var body string
	d := newDirectory(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Atl-Traceid", "trace of "+said)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, body)
	}), atlassian.Config{MaxRetries: -1, Secrets: secrets})
	if _, err := atlassian.NewOrganization(atlassian.Config{Secrets: secrets}, "https://127.0.0.1", "id", another); err != nil {
		t.Fatal(err)
	}
	for _, body = range []string{
		`{"detail":"%s","scimType":"%[1]s"}`,
		`{"errorMessages":["%s"],"errors":{"%[1]s":"%[1]s"}}`,
		`{"errors":[{"code":"%s","detail":"%[1]s"}]}`,
		`{"traceId":"%s","error":"%[1]s"}`,
		`{"%s`,
	} {
		body = fmt.Sprintf(body, said)
		_, err := d.User(t.Context(), "1")
		e := asError(t, err)
		for _, secret := range all {
			if shown := fmt.Sprintf("%v %+v", err, e); strings.Contains(shown, secret) {
				t.Errorf("%s: %q is in %s", body, secret, shown)
			}
		}
		if want := "trace of [redacted] and [redacted]"; !strings.Contains(body, "traceId") && !strings.HasPrefix(e.TraceID, want) {
			t.Errorf("%s: the trace is %q", body, e.TraceID)
		}
	}
}

// TestLocationIsHidden has upstream redirect to an address that cannot be parsed, which net/http quotes.
func TestLocationIsHidden(t *testing.T) {
	d := newDirectory(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{"http://[" + testKey}
		w.WriteHeader(http.StatusFound)
	}), atlassian.Config{MaxRetries: -1})
	_, err := d.User(t.Context(), "1")
	if err == nil || strings.Contains(err.Error(), testKey) {
		t.Errorf("got %v", err)
	}
}

// TestRenewal puts other credentials in the place of those of a client, and holds that both stay hidden.
func TestRenewal(t *testing.T) {
	var got []string
	record := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"detail":"%s, not %s"}`, r.Header.Get("Authorization"), testKey)
	})
	d := newDirectory(t, record, atlassian.Config{MaxRetries: -1})
	ask := func() string {
		t.Helper()
		_, err := d.User(t.Context(), "1")
		return asError(t, err).Detail
	}
	ask()
	if _, err := d.Renewal("two\nlines"); err == nil || strings.Contains(err.Error(), "two") {
		t.Errorf("a key with a line end: %v", err)
	}
	install, err := d.Renewal("the next key")
	if err != nil {
		t.Fatal(err)
	}
	ask()
	install()
	if detail := ask(); detail != "Bearer [redacted], not [redacted]" {
		t.Errorf("the error says %q", detail)
	}
	if want := "Bearer " + testKey; len(got) != 3 || got[0] != want || got[1] != want || got[2] != "Bearer the next key" {
		t.Errorf("sent %q", got)
	}
}
