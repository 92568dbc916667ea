{{/* queue=redis: the release's own Valkey, or the server that config.queue.url names. */}}
{{- define "chart.queue.settings" -}}
{{- if .Values.valkey.enabled }}
queue:
  {{- include "chart.valkey.login" . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "chart.queue.check" -}}
{{- if not (or .Values.valkey.enabled (dig "queue" "url" "" .Values.config)) }}
{{- fail "config.queue.url is missing: name the server, or let the release bring one with valkey.enabled." }}
{{- end }}
{{- end }}

{{/* KEDA, scaler "Redis Lists": keda.sh/docs/2.21/scalers/redis-lists. kombu's list is called as the queue is. */}}
{{- define "chart.queue.trigger" -}}
{{- $settings := merge (dig "queue" dict .Values.config) (include "chart.queue.settings" . | fromYaml | dig "queue" dict) }}
{{- $url := urlParse $settings.url }}
type: redis
metadata:
  {{- $name := regexReplaceAll ":[0-9]+$" $url.host "" }}
  {{- /* KEDA asks from a namespace of its own. */}}
  {{- $host := ternary (printf "%s.%s.svc" $name .Release.Namespace) $name .Values.valkey.enabled }}
  address: {{ printf "%s:%s" $host (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default "6379") }}
  listName: {{ include "chart.service-name" . }}.runs
  listLength: {{ include "chart.concurrency" . | quote }}
  enableTLS: {{ eq $url.scheme "rediss" | quote }}
  databaseIndex: {{ trimPrefix "/" $url.path | default "0" | quote }}
{{- end }}

{{- define "chart.queue.scaler-login" -}}
{{- if or .Values.valkey.enabled (dig "queue" "password" "" .Values.config) }}
secretTargetRef:
  - parameter: username
    name: {{ include "chart.component" (dict "root" . "component" "scaling") }}
    key: queue_username
  - parameter: password
    name: {{ include "chart.component" (dict "root" . "component" "scaling") }}
    key: queue_password
{{- end }}
{{- end }}
