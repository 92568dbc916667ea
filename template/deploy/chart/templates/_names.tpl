{{/* Names and labels. Every name begins with the release's, so that several releases share a namespace. */}}
{{- define "chart.name" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) -}}
{{- trunc 42 $name | trimSuffix "-" -}}
{{- end }}

{{/* {root, component} */}}
{{- define "chart.component" -}}
{{ include "chart.name" .root }}-{{ .component }}
{{- end }}

{{/* {root, component}: what selects the pods of a component; never changes, since selectors cannot. */}}
{{- define "chart.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "chart.labels" -}}
{{ include "chart.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* {root, component, ?name, ?annotations}: the head of an object. */}}
{{- define "chart.metadata" -}}
name: {{ .name | default (include "chart.component" .) }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "chart.labels" . | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* {repository, digest}: always by digest, since a tag can be moved. */}}
{{- define "chart.image" -}}
{{ required "repository of an image is missing" .repository }}@{{ required "digest of an image is missing: sha256: and 64 digits, as the registry shows it" .digest }}
{{- end }}
