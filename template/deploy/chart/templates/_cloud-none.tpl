{{/* cloud=none: no platform that gives identities. */}}
{{- define "chart.cloud.account-annotations" -}}{}{{- end }}
{{- define "chart.cloud.pod-labels" -}}{{- end }}
{{- define "chart.cloud.scaler-identity" -}}{{- end }}

{{/* Backups go to a store of the S3 kind, with the keys in the Secret <release>-backup. */}}
{{- define "chart.cloud.backup-login" -}}
s3Credentials:
  accessKeyId:
    name: {{ include "chart.component" (dict "root" . "component" "backup") }}
    key: access_key_id
  secretAccessKey:
    name: {{ include "chart.component" (dict "root" . "component" "backup") }}
    key: secret_access_key
{{- end }}
{{- define "chart.cloud.backup-annotations" -}}{}{{- end }}
