{{/* state_store=redis: the release's own Valkey, or the server that config.state_store.url names. */}}
{{- define "chart.state-store.settings" -}}
{{- if .Values.valkey.enabled }}
state_store:
  {{- include "chart.valkey.login" . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "chart.state-store.check" -}}
{{- if not (or .Values.valkey.enabled (dig "state_store" "url" "" .Values.config)) }}
{{- fail "config.state_store.url is missing: name the server, or let the release bring one with valkey.enabled." }}
{{- end }}
{{- end }}
