{{/* secret_backend=azure_key_vault: the service reads the vault as its workload identity. No secret is mounted. */}}
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
  azurekv:
    authType: WorkloadIdentity
    vaultUrl: {{ .Values.config.secrets.vault_url }}
    serviceAccountRef:
      name: {{ include "chart.component" (dict "root" . "component" "secrets") }}
{{- end }}

{{/* {root, name}: Key Vault's names hold no underscore. */}}
{{- define "chart.secrets.remote" -}}
key: {{ .root.Values.config.secrets.prefix }}{{ .name | replace "_" "-" }}
{{- end }}
