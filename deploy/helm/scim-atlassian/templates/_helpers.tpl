{{- define "scim-atlassian.name" -}}
{{- if contains "scim-atlassian" .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-scim-atlassian" .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "scim-atlassian.selector" -}}
app.kubernetes.io/name: scim-atlassian
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "scim-atlassian.labels" -}}
{{ include "scim-atlassian.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
