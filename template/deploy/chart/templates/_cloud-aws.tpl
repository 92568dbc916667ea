{{/*
cloud=aws: a role. Without workload_identity.role_arn the role comes from an association of EKS Pod Identity, which is made
outside the cluster; with it from the annotation of IAM roles for service accounts.
*/}}
{{- define "chart.cloud.account-annotations" -}}
{{- with .Values.workload_identity.role_arn }}
eks.amazonaws.com/role-arn: {{ . | quote }}
{{- else }}{}{{- end }}
{{- end }}

{{- define "chart.cloud.pod-labels" -}}{{- end }}

{{/* KEDA's own role, unless another one is named that it may assume. */}}
{{- define "chart.cloud.scaler-identity" -}}
provider: aws
{{- with .Values.workload_identity.scaler_role_arn }}
roleArn: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "chart.cloud.backup-login" -}}
s3Credentials:
  inheritFromIAMRole: true
{{- end }}

{{- define "chart.cloud.backup-annotations" -}}
{{- with .Values.workload_identity.backup_role_arn }}
eks.amazonaws.com/role-arn: {{ . | quote }}
{{- else }}{}{{- end }}
{{- end }}
