package main

import (
	"bytes"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/server"
)

// runWith returns the output of a command that reads stdin.
func runWith(t *testing.T, stdin string, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	p := &program{stdin: strings.NewReader(stdin), stdout: &out, stderr: &err, environ: environ}
	code = p.run(t.Context(), args)
	return code, out.String(), err.String()
}

// newSealKey returns the output of seal --generate, and the public key in it.
func newSealKey(t *testing.T) (key, public string) {
	t.Helper()
	code, key, _ := runWith(t, "", nil, "seal", "--generate")
	comment, _, _ := strings.Cut(key, "\n")
	public, ok := strings.CutPrefix(comment, "# public key: ")
	if code != exitOK || !ok {
		t.Fatalf("exit code %d, %q", code, key)
	}
	return key, public
}

func mustSeal(t *testing.T, secret string, environ []string, flags ...string) string {
	t.Helper()
	code, sealed, stderr := runWith(t, secret, environ, append([]string{"seal"}, flags...)...)
	if code != exitOK || strings.Count(sealed, "\n") != 1 || !strings.HasPrefix(sealed, sealedPrefix) || strings.Contains(sealed, secret) {
		t.Fatalf("exit code %d, %q, %q", code, sealed, stderr)
	}
	return strings.TrimSpace(sealed)
}

// What is sealed in the configuration file is opened at the start: with the whole key from a file, or the secret
// half from a variable; made by either half.
func TestSeal(t *testing.T) {
	key, public := newSealKey(t)
	file := sealKeyName + "_FILE=" + write(t, "seal.key", key)
	bare := sealKeyName + "=" + strings.Split(key, "\n")[1]
	const secret = "d!r$e c#t\"o'ry=ä"
	for _, sealed := range []string{
		mustSeal(t, secret, []string{file}),
		mustSeal(t, secret+"\r\nmore", []string{bare}),
		mustSeal(t, secret, nil, "--recipient", public),
	} {
		envFile := write(t, "env", "DIRECTORY_API_KEY="+sealed+"\nACCOUNT_SECURITY_API_KEY=token\nSCIM_ATLASSIAN_OIDC_CLIENT_SECRET_FILE="+write(t, "token", sealed+"\n")+"\n")
		for _, opener := range []string{file, bare} {
			c, _, err := loadConfig([]string{
				opener, "DIRECTORY_ID=d", "ADMIN_EMAIL=a@example.com", "SITE_URL=https://site.example",
				"SCIM_ATLASSIAN_BASIC_USERNAME=" + sealed, "SCIM_ATLASSIAN_BASIC_PASSWORD=" + sealed,
			}, envFile)
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []secretText{c.DirectoryAPIKey, c.OIDCClientSecret, c.BasicUsername, c.BasicPassword} {
				if string(got) != secret {
					t.Errorf("got %q, want %q", string(got), secret)
				}
			}
		}
	}
}

type secretText = secret // where a constant has the name of the type

func TestSealPostQuantum(t *testing.T) {
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{sealKeyName + "=" + identity.String()}
	c, _, err := loadConfig(append(complete("DIRECTORY_API_KEY", "DIRECTORY_API_KEY="+mustSeal(t, "swordfish", environ)), environ...), "")
	if err != nil || c.DirectoryAPIKey != "swordfish" {
		t.Errorf("got %q, %v; want swordfish", string(c.DirectoryAPIKey), err)
	}
}

// A new key goes before the old one: it seals, and both open.
func TestSealKeyRotation(t *testing.T) {
	before, _ := newSealKey(t)
	after, public := newSealKey(t)
	old := mustSeal(t, "first", []string{sealKeyName + "=" + before})
	both := sealKeyName + "=" + after + before
	fresh := mustSeal(t, "second", []string{both})
	for _, tt := range []struct{ key, sealed, want string }{
		{both, old, "first"}, {both, fresh, "second"}, {sealKeyName + "=" + after, fresh, "second"},
		{sealKeyName + "=" + after, mustSeal(t, "third", nil, "--recipient", public), "third"},
	} {
		c, _, err := loadConfig(complete("DIRECTORY_API_KEY", tt.key, "DIRECTORY_API_KEY="+tt.sealed), "")
		if err != nil || string(c.DirectoryAPIKey) != tt.want {
			t.Errorf("got %q, %v; want %s", string(c.DirectoryAPIKey), err, tt.want)
		}
	}
}

// What cannot be opened is told in one line that names the variable, and quotes nothing.
func TestSealProblems(t *testing.T) {
	key, _ := newSealKey(t)
	other, _ := newSealKey(t)
	good := sealKeyName + "=" + key
	sealed := mustSeal(t, "swordfish", []string{good})
	tests := []struct {
		name, key, value string
		problem          string
	}{
		{"no key", "", sealed, "DIRECTORY_API_KEY is sealed, and SCIM_ATLASSIAN_SEAL_KEY is missing"},
		{"another key", sealKeyName + "=" + other, sealed, "DIRECTORY_API_KEY is sealed for another key than SCIM_ATLASSIAN_SEAL_KEY"},
		{"not a key", sealKeyName + "=swordfish", sealed, "SCIM_ATLASSIAN_SEAL_KEY is no secret key of age"},
		{"public key", sealKeyName + "=age1swordfish", sealed, "SCIM_ATLASSIAN_SEAL_KEY is no secret key of age"},
		{"cut", good, sealed[:len(sealed)-9], "DIRECTORY_API_KEY is sealed, but damaged"},
		{"nothing in it", good, sealedPrefix, "DIRECTORY_API_KEY is sealed, but damaged"},
		{"not base64", good, sealedPrefix + "swordfish!", "DIRECTORY_API_KEY is sealed, but damaged"},
		{"not age", good, sealedPrefix + "c3dvcmRmaXNo", "DIRECTORY_API_KEY is sealed, but damaged"},
		{"changed at the end", good, sealed[:len(sealed)-4] + "AAAA", "DIRECTORY_API_KEY is sealed, but damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig(complete("DIRECTORY_API_KEY", tt.key, "DIRECTORY_API_KEY="+tt.value), "")
			if err == nil {
				t.Fatal("no problem found")
			}
			got, others, _ := strings.Cut(err.Error(), "\n")
			if !strings.HasPrefix(got, tt.problem) || others != "" || strings.Contains(err.Error(), "swordfish") || strings.Contains(err.Error(), strings.TrimPrefix(sealed, sealedPrefix)) {
				t.Errorf("got %q, want %q", err, tt.problem)
			}
		})
	}
}

func TestSealCommandProblems(t *testing.T) {
	key, _ := newSealKey(t)
	tests := []struct {
		name, stdin string
		environ     []string
		flags       []string
		code        int
		says        string
	}{
		{"no key", "x", nil, nil, exitFailed, "SCIM_ATLASSIAN_SEAL_KEY is missing"},
		{"bad key", "x", []string{sealKeyName + "=x"}, nil, exitFailed, "SCIM_ATLASSIAN_SEAL_KEY is no secret key"},
		{"key file missing", "x", []string{sealKeyName + "_FILE=/absent"}, nil, exitFailed, "/absent"},
		{"bad recipient", "x", nil, []string{"--recipient", "x"}, exitFailed, "--recipient is no public key"},
		{"no secret", "\n", []string{sealKeyName + "=" + key}, nil, exitFailed, "no secret on standard input"},
		{"secret as argument", "", []string{sealKeyName + "=" + key}, []string{"hunter2"}, exitUsage, "a secret is no argument"},
		{"both", "", nil, []string{"--generate", "--recipient", "x"}, exitUsage, "exclude each other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := runWith(t, tt.stdin, tt.environ, append([]string{"seal"}, tt.flags...)...)
			if strings.Contains(stderr, "hunter2") {
				t.Errorf("standard error repeats the secret: %q", stderr)
			}
			if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.says) {
				t.Errorf("exit code %d, %q, %q; want %d, %q", code, stdout, stderr, tt.code, tt.says)
			}
		})
	}
}

// The seed's sentence: user name and password of the one caller stand encrypted in the properties.
func TestServeSealedBasicCaller(t *testing.T) {
	key, _ := newSealKey(t)
	environ := startEmulator(t)
	environ[len(environ)-1] = sealKeyName + "=" + key // instead of the callers file
	for name, value := range map[string]string{"SCIM_ATLASSIAN_BASIC_USERNAME": "idhub", "SCIM_ATLASSIAN_BASIC_PASSWORD": "pass wörd"} {
		environ = append(environ, name+"="+mustSeal(t, value, environ))
	}
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	base := "http://" + p.stderr.await(t, `"address":"([^"]+)"`) + server.BasePath
	type answers struct{ Right, Wrong, Unknown int }
	var got answers
	got.Right, _, _ = get(t, base+"/Users?count=1", "idhub", "pass wörd")
	got.Wrong, _, _ = get(t, base+"/Users?count=1", "idhub", "pass word")
	got.Unknown, _, _ = get(t, base+"/Users?count=1", "ann", "secret")
	if diff := cmp.Diff(answers{200, 401, 401}, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func FuzzOpen(f *testing.F) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := seal("x", identity.Recipient())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealedPrefix)
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := (sealKey{identity}).open(text); err == nil && got != "x" {
			t.Errorf("%q holds %q", text, got)
		}
	})
}
