{{/* What a schema cannot say, in sentences. */}}
{{- define "chart.check" -}}
{{- include "chart.check.credentials" (dict "at" "config" "value" .Values.config) }}
{{- include "chart.check.credentials" (dict "at" "migrate.database" "value" (.Values.migrate.database | default dict)) }}
{{- include "chart.check.credentials" (dict "at" "keeper.database" "value" (.Values.keeper.database | default dict)) }}
{{- include "chart.check.database" . }}
{{- include "chart.check.egress" . }}
{{- include "chart.secrets.check" . }}
{{- include "chart.queue.check" . }}
{{- include "chart.state-store.check" . }}
{{- if gt (int .Values.api.min_replicas) (int .Values.api.max_replicas) }}
{{- fail "api.min_replicas is greater than api.max_replicas." }}
{{- end }}
{{- if gt (int .Values.worker.min_replicas) (int .Values.worker.max_replicas) }}
{{- fail "worker.min_replicas is greater than worker.max_replicas." }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.oauth2_proxy.enabled) }}
{{- fail "ingress.enabled needs oauth2_proxy.enabled: an ingress reaches nothing but the proxy, which asks who is there." }}
{{- end }}
{{- end }}

{{/* {at, value}: a password in a URL would lie in every pod. */}}
{{- define "chart.check.credentials" -}}
{{- if kindIs "map" .value }}
{{- range $name, $value := .value }}
{{- include "chart.check.credentials" (dict "at" (printf "%s.%s" $.at $name) "value" $value) }}
{{- end }}
{{- else if regexMatch "://[^/@\\s]*:[^/@\\s]+@" (toString .value) }}
{{- fail (printf "%s holds a password: put it into the secret backend, and name it as secret://<name>." .at) }}
{{- end }}
{{- end }}

{{- define "chart.check.database" -}}
{{- if eq .Values.database.mode "managed" }}
{{- range list "config" "migrate" "keeper" }}
{{- if not (dig "database" "url" "" (get $.Values .)) }}
{{- fail (printf "%s.database.url is missing: with database.mode managed each process has a login of its own (docs/deploy.md)." .) }}
{{- end }}
{{- end }}
{{- else if or .Values.config.database .Values.migrate.database .Values.keeper.database }}
{{- range $owner := list "config" "migrate" "keeper" }}
{{- range $name := list "url" "password" }}
{{- if dig "database" $name "" (get $.Values $owner) }}
{{- fail (printf "%s.database.%s has no place beside database.mode cloudnative_pg, which makes the database and its logins." $owner $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What is configured must be reachable, or a pod would hang where nobody looks. */}}
{{- define "chart.check.egress" -}}
{{- $needed := dict }}
{{- $valkey := (.Values.valkey | default dict).enabled }}
{{- range $name := keys .Values.network_policy.egress }}
{{- if not (has $name (list "telemetry" "model" "oidc")) }}{{- $_ := set $needed $name true }}{{- end }}
{{- end }}
{{- if eq .Values.database.mode "cloudnative_pg" }}{{- $_ := unset $needed "postgres" }}{{- end }}
{{- if $valkey }}{{- $_ := unset $needed "queue" }}{{- $_ := unset $needed "state_store" }}{{- end }}
{{- if ne (dig "model" "provider" "local" .Values.config) "local" }}{{- $_ := set $needed "model" true }}{{- end }}
{{- if dig "telemetry_backend" "url" "" .Values.config }}{{- $_ := set $needed "telemetry" true }}{{- end }}
{{- if .Values.oauth2_proxy.enabled }}{{- $_ := set $needed "oidc" true }}{{- end }}
{{- if ne .Values.database.mode "cloudnative_pg" }}
{{- range list "kubernetes_api" "backup" }}{{- $_ := unset $needed . }}{{- end }}
{{- else if not .Values.database.cloudnative_pg.backup.enabled }}{{- $_ := unset $needed "backup" }}
{{- end }}
{{- range $name := keys $needed | sortAlpha }}
{{- if not (get $.Values.network_policy.egress $name).to }}
{{- fail (printf "network_policy.egress.%s.to is empty: say where it is, as {cidr: 10.0.0.0/24} or {namespace: …, pods: {…}}." $name) }}
{{- end }}
{{- end }}
{{- end }}
