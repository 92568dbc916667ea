{{/* secret_backend=gcp_secret_manager: the service reads Secret Manager as its workload identity. No secret is mounted. */}}
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
  gcpsm:
    projectID: {{ .Values.config.secrets.project | quote }}
    auth:
      workloadIdentity:
        serviceAccountRef:
          name: {{ include "chart.component" (dict "root" . "component" "secrets") }}
{{- end }}

{{/* {root, name} */}}
{{- define "chart.secrets.remote" -}}
key: {{ .root.Values.config.secrets.prefix }}{{ .name }}
{{- end }}
