{{/* Where the release's own Valkey is. The connection is not encrypted; the network policy says who may open one. */}}
{{- define "chart.valkey.login" -}}
url: redis://app@{{ include "chart.component" (dict "root" . "component" "valkey") }}:6379/0
password: secret://valkey_password
{{- end }}
