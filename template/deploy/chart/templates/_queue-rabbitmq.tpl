{{/* queue=rabbitmq: a broker that somebody else runs; the release brings none. */}}
{{- define "chart.queue.settings" -}}{{- end }}
{{- define "chart.queue.check" -}}{{- end }}

{{/* KEDA, scaler "RabbitMQ Queue": keda.sh/docs/2.21/scalers/rabbitmq-queue. */}}
{{- define "chart.queue.trigger" -}}
{{- $url := urlParse .Values.config.queue.url }}
type: rabbitmq
metadata:
  host: {{ printf "%s://%s%s" $url.scheme $url.host ($url.path | default "/") }}
  protocol: amqp
  queueName: {{ include "chart.service-name" . }}.runs
  mode: QueueLength
  value: {{ include "chart.concurrency" . | quote }}
{{- end }}

{{- define "chart.queue.scaler-login" -}}
{{- if dig "queue" "password" "" .Values.config }}
secretTargetRef:
  - parameter: username
    name: {{ include "chart.component" (dict "root" . "component" "scaling") }}
    key: queue_username
  - parameter: password
    name: {{ include "chart.component" (dict "root" . "component" "scaling") }}
    key: queue_password
{{- end }}
{{- end }}
