{{/* state_store=postgres: the database holds it. */}}
{{- define "chart.state-store.settings" -}}{{- end }}
{{- define "chart.state-store.check" -}}{{- end }}
