{{/* {component}: which login a process has; `migrate` owns the tables, and the keeper alone may seal the audit log. */}}
{{- define "chart.database.login" -}}
{{ get (dict "migrate" "owner" "keeper" "keeper") .component | default "service" }}
{{- end }}

{{/* {component}: the secret with the password of that login. */}}
{{- define "chart.database.secret" -}}
{{ get (dict "migrate" "database_owner_password" "keeper" "database_keeper_password") .component | default "database_password" }}
{{- end }}

{{/* {root, component}: of a managed database the values say where it is. */}}
{{- define "chart.database.settings" -}}
{{- if eq .root.Values.database.mode "cloudnative_pg" }}
{{- $host := printf "%s-rw" (include "chart.component" (dict "root" .root "component" "postgres")) }}
url: postgresql://app_{{ include "chart.database.login" . }}@{{ $host }}:5432/app?sslmode=verify-full&sslrootcert=/run/secrets/postgres/ca.crt
password: secret://{{ include "chart.database.secret" . }}
{{- end }}
{{- end }}

{{/* {root}: the certificates that sign the database's, if they are not public ones. */}}
{{- define "chart.database.mounts" -}}
{{- if or (eq .root.Values.database.mode "cloudnative_pg") .root.Values.database.ca_config_map }}
- name: postgres-ca
  mountPath: /run/secrets/postgres
  readOnly: true
{{- end }}
{{- end }}

{{- define "chart.database.volumes" -}}
{{- if eq .root.Values.database.mode "cloudnative_pg" }}
- name: postgres-ca
  secret:
    # The operator makes it, with the key of the authority in it, which nobody here is given.
    secretName: {{ include "chart.component" (dict "root" .root "component" "postgres-ca") }}
    defaultMode: 0440
    items:
      - key: ca.crt
        path: ca.crt
{{- else if .root.Values.database.ca_config_map }}
- name: postgres-ca
  configMap:
    name: {{ .root.Values.database.ca_config_map }}
    defaultMode: 0440
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- end }}

{{/* Whether what `migrate` needs comes with the release itself. */}}
{{- define "chart.migrates-after-install" -}}
{{ or (eq .Values.database.mode "cloudnative_pg") (and .Values.external_secrets.enabled (ne (include "chart.secrets.files" .) "[]")) (.Values.valkey | default dict).enabled }}
{{- end }}

{{/*
Where KEDA finds the database, from its own namespace: keda.sh/docs/2.21/scalers/postgresql. It has no authority to verify a
private certificate with, so it encrypts, and verifies only what the URL says.
*/}}
{{- define "chart.database.scaler" -}}
{{- if eq .Values.database.mode "cloudnative_pg" }}
host: {{ include "chart.component" (dict "root" . "component" "postgres") }}-rw.{{ .Release.Namespace }}.svc
port: "5432"
userName: app_service
dbName: app
sslmode: require
{{- else }}
{{- $url := urlParse .Values.config.database.url }}
host: {{ regexReplaceAll ":[0-9]+$" $url.host "" }}
port: {{ trimPrefix ":" (regexFind ":[0-9]+$" $url.host) | default "5432" | quote }}
userName: {{ $url.userinfo | default "postgres" | quote }}
dbName: {{ trimPrefix "/" $url.path | default "postgres" | quote }}
sslmode: {{ ternary "verify-full" "require" (and (contains "sslmode=verify-full" $url.query) (not .Values.database.ca_config_map)) }}
{{- end }}
{{- end }}
