{{/* queue=database: what is queued and running is in the database, which the other trigger asks. */}}
{{- define "chart.queue.settings" -}}{{- end }}
{{- define "chart.queue.check" -}}{{- end }}
{{- define "chart.queue.trigger" -}}{{- end }}
{{- define "chart.queue.scaler-login" -}}{{- end }}
