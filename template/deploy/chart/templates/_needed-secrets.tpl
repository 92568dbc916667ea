{{/* name of the Secret: {keys: {key: name in the secret backend}, ?more: {key: text, with values filled in}, ?type} */}}
{{- define "chart.needed-secrets" -}}
{{- with include "chart.secrets.files" . | fromJsonArray }}
secrets:
  keys:
    {{- range . }}
    {{ . }}: {{ . }}
    {{- end }}
{{- end }}
{{- if eq .Values.database.mode "cloudnative_pg" }}
{{- range $process := list "api" "keeper" "migrate" }}
{{- $login := include "chart.database.login" (dict "component" $process) }}
postgres-{{ $login }}:
  type: kubernetes.io/basic-auth
  keys:
    password: {{ include "chart.database.secret" (dict "component" $process) }}
  more:
    username: app_{{ $login }}
{{- end }}
{{- end }}
{{- include "chart.needed-secrets.scaling" . }}
{{- if .Values.oauth2_proxy.enabled }}
oauth2-proxy:
  keys:
    client_secret: oauth2_client_secret
    cookie_secret: oauth2_cookie_secret
{{- end }}
{{- if (.Values.valkey | default dict).enabled }}
valkey:
  keys:
    password: valkey_password
  more:
    users.acl: |
      user default off
      user app on >{{ "{{ .password }}" }} ~* &* +@all
{{- end }}
{{- end }}

{{/* What KEDA logs in with, where that is not an identity. */}}
{{- define "chart.needed-secrets.scaling" -}}
{{- $keys := dict }}
{{- $username := "" }}
{{- $database := dig "database" "password" "" .Values.config }}
{{- if and (eq .Values.database.mode "managed") $database }}
{{- $_ := set $keys "database_password" (trimPrefix "secret://" $database) }}
{{- end }}
{{- if contains "queue_password" (include "chart.queue.scaler-login" .) }}
{{- $queue := mustMerge (deepCopy (dig "queue" dict .Values.config)) (include "chart.queue.settings" . | fromYaml | dig "queue" dict) }}
{{- $_ := set $keys "queue_password" (trimPrefix "secret://" $queue.password) }}
{{- $username = (urlParse $queue.url).userinfo | default "default" }}
{{- end }}
{{- if and .Values.worker.keda.enabled $keys }}
scaling:
  keys:
    {{- toYaml $keys | nindent 4 }}
  {{- with $username }}
  more:
    queue_username: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
