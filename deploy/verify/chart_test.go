package verify

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const chartDir = "../helm/scim-atlassian"

// object is a part of a release.
type object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

// render returns the objects of a release called prod, by kind; each is decoded strictly if Kubernetes has its kind.
func render(t *testing.T, values string) (map[string]any, error) {
	t.Helper()
	chart, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	top, err := util.ToRenderValues(chart, parse(t, values), common.ReleaseOptions{Name: "prod", Namespace: "iam", IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, top)
	if err != nil {
		return nil, err
	}
	kinds := map[string]func() any{
		"Deployment":            func() any { return new(appsv1.Deployment) },
		"Service":               func() any { return new(corev1.Service) },
		"PersistentVolumeClaim": func() any { return new(corev1.PersistentVolumeClaim) },
		"PodDisruptionBudget":   func() any { return new(policyv1.PodDisruptionBudget) },
		"Ingress":               func() any { return new(networkingv1.Ingress) },
		"PodMonitor":            func() any { return new(map[string]any) }, // of an operator
	}
	objects := map[string]any{}
	for name, text := range files {
		if filepath.Ext(name) != ".yaml" || strings.TrimSpace(text) == "" {
			continue
		}
		var head object
		if err := yaml.Unmarshal([]byte(text), &head); err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, text)
		}
		kind := kinds[head.Kind]
		if kind == nil || objects[head.Kind] != nil {
			t.Fatalf("%s is another %q", name, head.Kind)
		}
		decoded := kind()
		if err := yaml.UnmarshalStrict([]byte(text), decoded); err != nil {
			t.Errorf("%s: %v in\n%s", name, err, text)
		}
		if head.Name != "prod-scim-atlassian" || head.Labels["app.kubernetes.io/instance"] != "prod" {
			t.Errorf("%s is called %q, with labels %v", name, head.Name, head.Labels)
		}
		objects[head.Kind] = decoded
	}
	return objects, nil
}

func parse(t *testing.T, values string) map[string]any {
	t.Helper()
	parsed := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

const ownValues = `
settings: {ADMIN_EMAIL: a@example.com, SITE_URL: https://site.example, DIRECTORY_ID: d, SCIM_ATLASSIAN_MAX_RESULTS: 5000, SCIM_ATLASSIAN_PUBLIC_DISCOVERY: true}
`

const replicas = ownValues + `
replicas: 3
state: {kind: postgres}
secret: {name: mine, keys: [DIRECTORY_API_KEY, ACCOUNT_SECURITY_API_KEY, SCIM_ATLASSIAN_STATE]}
ingress: {enabled: true, host: scim.example.com, tlsSecret: tls, className: nginx}
metrics: {enabled: true, podMonitor: true}
podAnnotations: {a: b}
tls: {secret: own-tls}
files: {configMap: own-files}
nodeSelector: {disk: ssd}
`

func TestLint(t *testing.T) {
	for _, values := range []string{"", ownValues, replicas} {
		for _, message := range lint.RunAll(chartDir, parse(t, values), "iam").Messages {
			if !strings.Contains(message.Err.Error(), "icon is recommended") {
				t.Error(message)
			}
		}
	}
}

// One replica keeps its state on a volume, which the next one has to wait for.
func TestOneReplica(t *testing.T) {
	objects, err := render(t, ownValues)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(objects)), []string{"Deployment", "PersistentVolumeClaim", "Service"}; !slices.Equal(got, want) {
		t.Errorf("objects %v, want %v", got, want)
	}
	deployment := objects["Deployment"].(*appsv1.Deployment)
	if *deployment.Spec.Replicas != 1 || deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("%d replicas, strategy %v", *deployment.Spec.Replicas, deployment.Spec.Strategy)
	}
	checkPod(t, deployment.Spec.Template.Spec)
	want := map[string]string{
		"ADMIN_EMAIL": "a@example.com", "SITE_URL": "https://site.example", "DIRECTORY_ID": "d", "SCIM_ATLASSIAN_MAX_RESULTS": "5000", "SCIM_ATLASSIAN_PUBLIC_DISCOVERY": "true",
		"CONNECTOR_PORT": "7001", "ADMIN_LISTEN": ":7003", "SCIM_ATLASSIAN_DRAIN_DELAY": "5s", "SCIM_ATLASSIAN_STATE": "file:/state/scim-atlassian.db",
		"DIRECTORY_API_KEY_FILE":        "/run/secrets/scim-atlassian/DIRECTORY_API_KEY",
		"ACCOUNT_SECURITY_API_KEY_FILE": "/run/secrets/scim-atlassian/ACCOUNT_SECURITY_API_KEY",
		"SCIM_ATLASSIAN_CALLERS_FILE":   "/run/secrets/scim-atlassian-callers/callers.json",
	}
	if diff := cmp.Diff(want, environment(deployment)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	claim := objects["PersistentVolumeClaim"].(*corev1.PersistentVolumeClaim)
	if size := claim.Spec.Resources.Requests.Storage().String(); size != "1Gi" {
		t.Errorf("volume of %s", size)
	}
}

// Several replicas share a database: they are replaced one by one, and no more than one at a time is taken away.
func TestReplicas(t *testing.T) {
	objects, err := render(t, replicas)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(objects)), []string{"Deployment", "Ingress", "PodDisruptionBudget", "PodMonitor", "Service"}; !slices.Equal(got, want) {
		t.Errorf("objects %v, want %v", got, want)
	}
	deployment := objects["Deployment"].(*appsv1.Deployment)
	if *deployment.Spec.Replicas != 3 || deployment.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType {
		t.Errorf("%d replicas, strategy %v", *deployment.Spec.Replicas, deployment.Spec.Strategy)
	}
	checkPod(t, deployment.Spec.Template.Spec)
	got := environment(deployment)
	if got["SCIM_ATLASSIAN_TLS_CERT_FILE"] != "/run/secrets/scim-atlassian-tls/tls.crt" {
		t.Errorf("the certificate is at %q", got["SCIM_ATLASSIAN_TLS_CERT_FILE"])
	}
	if scheme := deployment.Spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Scheme; scheme != corev1.URISchemeHTTPS {
		t.Errorf("the readiness probe asks by %s", scheme)
	}
	if state, ok := got["SCIM_ATLASSIAN_STATE"]; !ok || state != "" || got["SCIM_ATLASSIAN_STATE_FILE"] != "/run/secrets/scim-atlassian/SCIM_ATLASSIAN_STATE" {
		t.Errorf("the state is at %q and in the file %q", state, got["SCIM_ATLASSIAN_STATE_FILE"])
	}
}

func TestRefusedValues(t *testing.T) {
	tests := []struct{ values, want string }{
		{ownValues + "replicas: 2", "replicas above 1 need state.kind postgres"},
		{ownValues + "state: {kind: postgres}", "SCIM_ATLASSIAN_STATE among secret.keys"},
		{ownValues + "state: {kind: redis}", "/state/kind"},
		{ownValues + "replica: 2", "replica"},
		{ownValues + "ingress: {enabled: true}", "ingress.host is missing"},
		{"settings: {site_url: x}", "site_url"},
	}
	for _, tt := range tests {
		if _, err := render(t, tt.values); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\ngot %v, want %s", tt.values, err, tt.want)
		}
	}
}

// checkPod wants what every pod has: no privileges, no service links, probes that outlast an outage of Atlassian, and a
// volume behind every mount.
func checkPod(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	c := pod.Containers[0]
	if *pod.EnableServiceLinks || *pod.AutomountServiceAccountToken || !*pod.SecurityContext.RunAsNonRoot || *pod.SecurityContext.RunAsUser != 65532 ||
		*c.SecurityContext.AllowPrivilegeEscalation || !*c.SecurityContext.ReadOnlyRootFilesystem || !slices.Equal(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("security: %v, %v", pod.SecurityContext, c.SecurityContext)
	}
	for name, probe := range map[string]*corev1.Probe{"/readyz/traffic": c.ReadinessProbe, "/healthz": c.LivenessProbe} {
		if probe.HTTPGet.Path != name || probe.HTTPGet.Port.StrVal != "scim" {
			t.Errorf("the probe of %s asks %v", name, probe.HTTPGet)
		}
	}
	if *pod.TerminationGracePeriodSeconds < 60 {
		t.Errorf("%d s to leave, and a request may take 55", *pod.TerminationGracePeriodSeconds)
	}
	mounts := map[string]bool{}
	for _, mount := range c.VolumeMounts {
		mounts[mount.Name] = true
	}
	for _, volume := range pod.Volumes {
		if !mounts[volume.Name] {
			t.Errorf("volume %s is not mounted", volume.Name)
		}
		delete(mounts, volume.Name)
	}
	if len(mounts) > 0 {
		t.Errorf("mounts of no volume: %v", mounts)
	}
}

// environment returns the variables of a deployment; two of one name are joined, so that no comparison passes.
func environment(deployment *appsv1.Deployment) map[string]string {
	got := map[string]string{}
	for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
		if before, twice := got[variable.Name]; twice {
			variable.Value = fmt.Sprint(before, " and ", variable.Value)
		}
		got[variable.Name] = variable.Value
	}
	return got
}

// Every variable of the chart is a setting of the program.
func TestChartSettings(t *testing.T) {
	for _, values := range []string{ownValues, replicas} {
		objects, err := render(t, values)
		if err != nil {
			t.Fatal(err)
		}
		checkSettings(t, "the chart", slices.Collect(maps.Keys(environment(objects["Deployment"].(*appsv1.Deployment)))))
	}
}
