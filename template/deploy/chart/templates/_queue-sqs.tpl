{{/* queue=sqs */}}
{{- define "chart.queue.settings" -}}{{- end }}
{{- define "chart.queue.check" -}}{{- end }}

{{/* KEDA, scaler "AWS SQS Queue": keda.sh/docs/2.21/scalers/aws-sqs. */}}
{{- define "chart.queue.trigger" -}}
type: aws-sqs-queue
metadata:
  queueURL: {{ .Values.config.queue.url }}
  awsRegion: {{ .Values.config.queue.region }}
  queueLength: {{ include "chart.concurrency" . | quote }}
  {{- with .Values.config.queue.endpoint_url }}
  awsEndpoint: {{ . }}
  {{- end }}
{{- end }}

{{- define "chart.queue.scaler-login" -}}
podIdentity:
  {{- include "chart.cloud.scaler-identity" . | nindent 2 }}
{{- end }}
