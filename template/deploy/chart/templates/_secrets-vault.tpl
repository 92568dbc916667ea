{{/*
secret_backend=vault: the service logs in to Vault itself, with a token of its service account that is for Vault alone and
lives ten minutes. No secret is mounted.
*/}}
{{- define "chart.secrets.settings" -}}
token_file: /run/secrets/vault/token
{{- end }}

{{- define "chart.secrets.mounts" -}}
- name: vault
  mountPath: /run/secrets/vault
  readOnly: true
{{- end }}

{{- define "chart.secrets.volumes" -}}
- name: vault
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ .root.Values.vault.audience }}
          expirationSeconds: 600
{{- end }}

{{- define "chart.secrets.check" -}}
{{- if eq .Values.config.secrets.auth "approle" }}
{{- fail "config.secrets.auth is approle, whose secret id would be a static key in the cluster: use kubernetes or jwt." }}
{{- end }}
{{- end }}

{{- define "chart.secrets.store" -}}
{{- $secrets := .Values.config.secrets }}
provider:
  vault:
    server: {{ $secrets.url }}
    path: {{ $secrets.mount | default "secret" }}
    version: v2
    {{- with $secrets.namespace }}
    namespace: {{ . }}
    {{- end }}
    auth:
      {{- $mount := $secrets.auth_mount | default $secrets.auth }}
      {{- $account := include "chart.component" (dict "root" . "component" "secrets") }}
      {{- if eq $secrets.auth "kubernetes" }}
      kubernetes:
        mountPath: {{ $mount }}
        role: {{ $secrets.role }}
        serviceAccountRef:
          name: {{ $account }}
          audiences: [{{ .Values.vault.audience }}]
      {{- else }}
      jwt:
        path: {{ $mount }}
        role: {{ $secrets.role }}
        kubernetesServiceAccountToken:
          serviceAccountRef:
            name: {{ $account }}
          audiences: [{{ .Values.vault.audience }}]
          expirationSeconds: 600
      {{- end }}
{{- end }}

{{- define "chart.secrets.store-reference" -}}
kind: SecretStore
name: {{ include "chart.component" (dict "root" . "component" "secrets") }}
{{- end }}

{{/* {root, name}: as the service reads it, the field `value` of an entry. */}}
{{- define "chart.secrets.remote" -}}
key: {{ .root.Values.config.secrets.prefix }}{{ .name }}
property: value
{{- end }}

{{- define "chart.secrets.files" -}}[]{{- end }}
