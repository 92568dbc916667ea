{{/* queue=service_bus */}}
{{- define "chart.queue.settings" -}}{{- end }}
{{- define "chart.queue.check" -}}{{- end }}

{{/* KEDA, scaler "Azure Service Bus": keda.sh/docs/2.21/scalers/azure-service-bus. */}}
{{- define "chart.queue.trigger" -}}
type: azure-servicebus
metadata:
  queueName: {{ include "chart.service-name" . }}.runs
  namespace: {{ (urlParse .Values.config.queue.url).host | splitList "." | first }}
  messageCount: {{ include "chart.concurrency" . | quote }}
{{- end }}

{{- define "chart.queue.scaler-login" -}}
podIdentity:
  {{- include "chart.cloud.scaler-identity" . | nindent 2 }}
{{- end }}
