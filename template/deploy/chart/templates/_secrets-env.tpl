{{/*
secret_backend=env: the references of the settings are files, mounted from the Secret <release>-secrets: one key a reference.
A changed Secret changes the files of running pods.
*/}}
{{- define "chart.secrets.settings" -}}
directory: /run/secrets/chassis
{{- end }}

{{- define "chart.secrets.mounts" -}}
- name: secrets
  mountPath: /run/secrets/chassis
  readOnly: true
{{- end }}

{{/* With CloudNativePG the password of each process' login is in a Secret of its own, and no process sees another's. */}}
{{- define "chart.secrets.volumes" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "chart.component" (dict "root" .root "component" "secrets") }}
      {{- if eq .root.Values.database.mode "cloudnative_pg" }}
      {{- $login := include "chart.database.login" . }}
      - secret:
          name: {{ include "chart.component" (dict "root" .root "component" (printf "postgres-%s" $login)) }}
          items:
            - key: password
              path: {{ include "chart.database.secret" . }}
      {{- end }}
{{- end }}

{{- define "chart.secrets.check" -}}
{{- if and .Values.external_secrets.enabled (not .Values.external_secrets.store.name) }}
{{- fail "external_secrets.store.name is missing: name the SecretStore or ClusterSecretStore that External Secrets reads from." }}
{{- end }}
{{- end }}

{{/* A store that somebody else keeps. */}}
{{- define "chart.secrets.store" -}}{{- end }}

{{- define "chart.secrets.store-reference" -}}
kind: {{ .Values.external_secrets.store.kind }}
name: {{ .Values.external_secrets.store.name }}
{{- end }}

{{/* {root, name} */}}
{{- define "chart.secrets.remote" -}}
key: {{ .root.Values.external_secrets.store.prefix }}{{ .name }}
{{- end }}

{{/* Every reference in the settings is a file, so a key of the Secret. */}}
{{- define "chart.secrets.files" -}}
{{- $found := dict }}
{{- $own := dict "migrate" (.Values.migrate.database | default dict) "keeper" (.Values.keeper.database | default dict) }}
{{- range $settings := concat (values .Values.config) (values $own) }}
{{- if kindIs "map" $settings }}
{{- range $value := values $settings }}
{{- if hasPrefix "secret://" (toString $value) }}
{{- $_ := set $found (trimPrefix "secret://" $value) true }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if (.Values.valkey | default dict).enabled }}
{{- $_ := set $found "valkey_password" true }}
{{- end }}
{{- keys $found | sortAlpha | toJson }}
{{- end }}
