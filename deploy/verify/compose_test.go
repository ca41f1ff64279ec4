package verify

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// settings are the names that the sample of the settings has, which the program's tests hold to be all.
func settings(t *testing.T) map[string]bool {
	t.Helper()
	sample, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllStringSubmatch(string(sample), -1) {
		names[match[1]] = true
	}
	if len(names) < 50 {
		t.Fatalf("only %d settings in the sample", len(names))
	}
	return names
}

func checkSettings(t *testing.T, where string, names []string) {
	t.Helper()
	known := settings(t)
	for _, name := range names {
		if !known[name] && !known[strings.TrimSuffix(name, "_FILE")] {
			t.Errorf("%s sets %s, which is no setting", where, name)
		}
	}
}

// load reads compose.yaml as docker compose does, without an .env beside it.
func load(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../compose.yaml"}, cli.WithProfiles(profiles), cli.WithEnv([]string{"COMMIT=c0ffee"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// Each profile starts what it is for; the program's own services run without rights, and nothing but the connector is to be
// reached from other machines.
func TestCompose(t *testing.T) {
	tests := []struct{ profile, services string }{
		{"", "connector"},
		{"demo", "atlassian connector demo"},
		{"metrics", "connector grafana prometheus"},
	}
	for _, tt := range tests {
		project := load(t, tt.profile)
		if got := strings.Join(slices.Sorted(maps.Keys(project.Services)), " "); got != tt.services {
			t.Errorf("profile %q has %s, want %s", tt.profile, got, tt.services)
		}
		for name, service := range project.Services {
			for _, port := range service.Ports {
				if name != "connector" && port.HostIP != "127.0.0.1" {
					t.Errorf("%s is published on %q", name, port.HostIP)
				}
			}
			if service.Build == nil {
				continue
			}
			if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || *service.Build.Args["COMMIT"] != "c0ffee" {
				t.Errorf("%s: read only %v, drops %v, arguments %v", name, service.ReadOnly, service.CapDrop, service.Build.Args)
			}
			checkSettings(t, "compose.yaml", slices.Collect(maps.Keys(service.Environment)))
		}
	}
}

// Everything that is mounted from the repository is there, or is the reader's to make.
func TestComposeMounts(t *testing.T) {
	for name, service := range load(t, "demo", "metrics").Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind || strings.HasSuffix(volume.Source, "/config") {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
