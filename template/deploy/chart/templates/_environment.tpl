{{/*
{root, component}: the settings of a process as environment variables. `config.queue.url` is CHASSIS__QUEUE__URL.

Over what the chart knows comes what config says; over that, the login of a process that has one of its own. Numbers are
written as JSON: Helm reads them as floats, which print as 1e+06.
*/}}
{{- define "chart.environment" -}}
{{- $known := include "chart.known-settings" . | fromYaml -}}
{{- $own := (get .root.Values .component | default dict).database -}}
{{- $tree := mustMergeOverwrite $known (deepCopy .root.Values.config) (ternary (dict "database" $own) dict (not (empty $own))) -}}
{{- range $group, $settings := $tree }}
{{- if kindIs "map" $settings }}
{{- range $name, $value := $settings }}
{{ printf "CHASSIS__%s__%s" (upper $group) (upper $name) }}: {{ include "chart.text" $value }}
{{- end }}
{{- else }}
{{ printf "CHASSIS__%s" (upper $group) }}: {{ include "chart.text" $settings }}
{{- end }}
{{- end }}
{{- end }}

{{- define "chart.text" -}}
{{ ternary . (toJson .) (kindIs "string" .) | toJson }}
{{- end }}

{{/* {root, component}: settings that follow from where the process runs. */}}
{{- define "chart.known-settings" -}}
service:
  name: {{ .root.Chart.Name }}
  version: {{ .root.Chart.AppVersion | quote }}
http:
  host: "0.0.0.0"
  port: 8000
management:
  host: "0.0.0.0"
  port: 9464
{{- with include "chart.database.settings" . }}
database:
  {{- . | nindent 2 }}
{{- end }}
{{- with include "chart.secrets.settings" . }}
secrets:
  {{- . | nindent 2 }}
{{- end }}
{{ include "chart.queue.settings" .root }}
{{ include "chart.state-store.settings" .root }}
{{- end }}

{{- define "chart.http-port" -}}
{{ dig "http" "port" 8000 .Values.config }}
{{- end }}

{{- define "chart.management-port" -}}
{{ dig "management" "port" 9464 .Values.config }}
{{- end }}

{{/* How many jobs one worker executes at once, which is what one more worker is worth. */}}
{{- define "chart.concurrency" -}}
{{ dig "runs" "concurrency" 10 .Values.config }}
{{- end }}

{{- define "chart.service-name" -}}
{{ dig "service" "name" .Chart.Name .Values.config }}
{{- end }}
