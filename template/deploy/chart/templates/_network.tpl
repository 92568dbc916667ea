{{/* {root, component}: what may reach a process, and what it may reach: nothing but what has a name here. */}}
{{- define "chart.network" -}}
{{- $names := dict
  "api" (list "dns" "postgres" "queue" "state_store" "secret_backend" "identity" "telemetry")
  "worker" (list "dns" "postgres" "queue" "state_store" "secret_backend" "identity" "telemetry" "model")
  "keeper" (list "dns" "postgres" "secret_backend" "identity" "telemetry" "audit_sink")
  "migrate" (list "dns" "postgres" "state_store" "secret_backend" "identity") }}
{{- $root := .root }}
podSelector:
  matchLabels:
    {{- include "chart.selector" . | nindent 4 }}
policyTypes: [Ingress, Egress]
{{- with include "chart.ingress-rules" . | trim }}
ingress:
  {{- . | nindent 2 }}
{{- end }}
egress:
  {{- range $name := get $names .component }}
  {{- with include "chart.egress" (dict "root" $root "name" $name) }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- if has .component (list "api" "worker") }}
  {{- range $name, $rule := $root.Values.network_policy.agent_egress }}
  {{- include "chart.egress-rule" (dict "name" $name "to" (include "chart.peers" $rule.to) "ports" $rule.ports) | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* {root, component} */}}
{{- define "chart.ingress-rules" -}}
{{- $root := .root }}
{{- $callers := $root.Values.network_policy.callers }}
{{- if and (eq .component "api") (or $root.Values.oauth2_proxy.enabled $callers) }}
- from:
    {{- if $root.Values.oauth2_proxy.enabled }}
    - podSelector:
        matchLabels:
          {{- include "chart.selector" (dict "root" $root "component" "oauth2-proxy") | nindent 10 }}
    {{- end }}
    {{- include "chart.peers" $callers | nindent 4 }}
  ports:
    - port: http
      protocol: TCP
{{- end }}
{{- if and $root.Values.monitoring.enabled (ne .component "migrate") }}
- from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ $root.Values.monitoring.namespace }}
  ports:
    - port: management
      protocol: TCP
{{- end }}
{{- end }}

{{/* {root, name}: one rule, if there is anything to reach by this name. */}}
{{- define "chart.egress" -}}
{{- with get .root.Values.network_policy.egress .name }}
{{- $to := printf "%s\n%s" (include "chart.peers" .to) (include "chart.release-peers" $) | trim }}
{{- if $to }}
{{- include "chart.egress-rule" (dict "name" $.name "to" $to "ports" .ports) }}
{{- end }}
{{- end }}
{{- end }}

{{/* DNS is asked over both protocols, everything else over TCP. */}}
{{- define "chart.egress-rule" -}}
{{- $dns := eq .name "dns" -}}
# {{ .name }}
- to:
    {{- .to | nindent 4 }}
  ports:
    {{- range .ports }}
    - port: {{ . }}
      protocol: TCP
    {{- if $dns }}
    - port: {{ . }}
      protocol: UDP
    {{- end }}
    {{- end }}
{{- end }}

{{/* What the release itself brings is known without being named in the values. */}}
{{- define "chart.release-peers" -}}
{{- if and (eq .name "postgres") (eq .root.Values.database.mode "cloudnative_pg") }}
- podSelector:
    matchLabels:
      cnpg.io/cluster: {{ include "chart.component" (dict "root" .root "component" "postgres") }}
{{- end }}
{{- if and (has .name (list "queue" "state_store")) (.root.Values.valkey | default dict).enabled }}
- podSelector:
    matchLabels:
      {{- include "chart.selector" (dict "root" .root "component" "valkey") | nindent 6 }}
{{- end }}
{{- end }}

{{/* [{cidr} or {namespace, ?pods}] */}}
{{- define "chart.peers" -}}
{{- range . }}
{{- if .cidr }}
- ipBlock:
    cidr: {{ .cidr }}
{{- else }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace }}
  {{- with .pods }}
  podSelector:
    matchLabels:
      {{- toYaml . | nindent 6 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
