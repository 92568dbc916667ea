{{/*
cloud=gcp: Workload Identity Federation. The service account is an identity of its own; workload_identity.service_account names
one of Google Cloud to act as, which is not needed for what this chart does.
*/}}
{{- define "chart.cloud.account-annotations" -}}
{{- with .Values.workload_identity.service_account }}
iam.gke.io/gcp-service-account: {{ . | quote }}
{{- else }}{}{{- end }}
{{- end }}

{{- define "chart.cloud.pod-labels" -}}{{- end }}

{{- define "chart.cloud.scaler-identity" -}}
provider: gcp
{{- end }}

{{- define "chart.cloud.backup-login" -}}
googleCredentials:
  gkeEnvironment: true
{{- end }}

{{- define "chart.cloud.backup-annotations" -}}
{{- with .Values.workload_identity.backup_service_account }}
iam.gke.io/gcp-service-account: {{ . | quote }}
{{- else }}{}{{- end }}
{{- end }}
