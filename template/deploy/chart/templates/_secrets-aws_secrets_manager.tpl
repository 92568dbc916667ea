{{/* secret_backend=aws_secrets_manager: the service reads Secrets Manager in its role. No secret is mounted. */}}
{{- define "chart.secrets.settings" -}}{{- end }}
{{- define "chart.secrets.mounts" -}}{{- end }}
{{- define "chart.secrets.volumes" -}}{{- end }}
{{- define "chart.secrets.check" -}}{{- end }}
{{- define "chart.secrets.files" -}}[]{{- end }}

{{- define "chart.secrets.store-reference" -}}
kind: SecretStore
name: {{ include "chart.component" (dict "root" . "component" "secrets") }}
{{- end }}

{{- define "chart.secrets.store" -}}
provider:
  aws:
    service: SecretsManager
    region: {{ .Values.config.secrets.region }}
    auth:
      jwt:
        serviceAccountRef:
          name: {{ include "chart.component" (dict "root" . "component" "secrets") }}
{{- end }}

{{/* {root, name} */}}
{{- define "chart.secrets.remote" -}}
key: {{ .root.Values.config.secrets.prefix }}{{ .name }}
{{- end }}
