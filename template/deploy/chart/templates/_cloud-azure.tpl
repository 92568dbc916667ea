{{/*
cloud=azure: workload identity. The webhook of AKS gives pods with the label a token of the annotated identity.
learn.microsoft.com/azure/aks/workload-identity-overview, "Service account labels and annotations", "Pod labels".
*/}}
{{- define "chart.cloud.account-annotations" -}}
{{- with .Values.workload_identity.client_id }}
azure.workload.identity/client-id: {{ . | quote }}
{{- else }}{}{{- end }}
{{- end }}

{{- define "chart.cloud.pod-labels" -}}
{{- if .Values.workload_identity.client_id }}
azure.workload.identity/use: "true"
{{- end }}
{{- end }}

{{/* KEDA takes this identity in place of its own; its service account is federated with it. */}}
{{- define "chart.cloud.scaler-identity" -}}
provider: azure-workload
{{- with .Values.workload_identity.client_id }}
identityId: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "chart.cloud.backup-login" -}}
azureCredentials:
  inheritFromAzureAD: true
{{- end }}

{{- define "chart.cloud.backup-annotations" -}}
{{- with .Values.workload_identity.backup_client_id }}
azure.workload.identity/client-id: {{ . | quote }}
{{- else }}{}{{- end }}
{{- end }}
