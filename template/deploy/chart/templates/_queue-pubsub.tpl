{{/* queue=pubsub */}}
{{- define "chart.queue.settings" -}}{{- end }}
{{- define "chart.queue.check" -}}{{- end }}

{{/*
KEDA's own scaler for Pub/Sub is deprecated, and its project says to ask Cloud Monitoring's Prometheus API with the scaler
"Prometheus" instead: keda.sh/blog/2025-09-15-gcp-deprecations, keda.sh/docs/2.21/scalers/prometheus.
*/}}
{{- define "chart.queue.trigger" -}}
type: prometheus
metadata:
  serverAddress: https://monitoring.googleapis.com/v1/projects/{{ .Values.config.queue.project }}/location/global/prometheus
  query: {{ printf `sum({"__name__"="pubsub.googleapis.com/subscription/num_undelivered_messages","monitored_resource"="pubsub_subscription","subscription_id"="%s"})` .Values.config.queue.subscription | quote }}
  threshold: {{ include "chart.concurrency" . | quote }}
{{- end }}

{{- define "chart.queue.scaler-login" -}}
podIdentity:
  {{- include "chart.cloud.scaler-identity" . | nindent 2 }}
{{- end }}
