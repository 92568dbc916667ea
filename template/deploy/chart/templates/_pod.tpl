{{/*
{root, component, command, ports, grace, ?probes, ?pre_stop, ?restart}: the pod of a process of ours.

Pod Security "restricted" and more: no token of the API server, no capability, a read-only root, a user of its own.
*/}}
{{- define "chart.pod" -}}
{{- $values := get .root.Values .component -}}
metadata:
  labels:
    {{- include "chart.labels" . | nindent 4 }}
    {{- include "chart.cloud.pod-labels" .root | nindent 4 }}
spec:
  serviceAccountName: {{ include "chart.component" . }}
  {{- include "chart.pod.hardening" .root | nindent 2 }}
  {{- with .restart }}
  restartPolicy: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .grace }}
  {{- include "chart.pod.spread" . | nindent 2 }}
  containers:
    - name: {{ .component }}
      image: {{ include "chart.image" .root.Values.image }}
      imagePullPolicy: Always
      args:
        {{- toYaml .command | nindent 8 }}
      {{- include "chart.container.hardening" . | nindent 6 }}
      # In the pod itself: a changed setting is a new pod, and going back to an older pod goes back to its settings.
      env:
        {{- range $name, $value := include "chart.environment" . | fromYaml }}
        - name: {{ $name }}
          value: {{ $value | toJson }}
        {{- end }}
      {{- if .ports }}
      ports:
        {{- range .ports }}
        - name: {{ .name }}
          containerPort: {{ .port }}
          protocol: TCP
        {{- end }}
      {{- end }}
      {{- with .probes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      {{- with .pre_stop }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ . }}
      {{- end }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- include "chart.secrets.mounts" . | nindent 8 }}
        {{- include "chart.database.mounts" . | nindent 8 }}
  volumes:
    - name: tmp
      emptyDir:
        medium: Memory
        sizeLimit: 64Mi
    {{- include "chart.secrets.volumes" . | nindent 4 }}
    {{- include "chart.database.volumes" . | nindent 4 }}
{{- end }}

{{- define "chart.pod.hardening" -}}
automountServiceAccountToken: false
enableServiceLinks: false
hostUsers: {{ not .Values.pod_security.user_namespaces }}
{{- with .Values.priority_class }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
  {{- if .Values.pod_security.app_armor }}
  appArmorProfile:
    type: RuntimeDefault
  {{- end }}
{{- end }}

{{/* Replicas go to different zones and nodes where there are any. */}}
{{- define "chart.pod.spread" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "chart.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}

{{- define "chart.container.hardening" -}}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/*
{?ready}: three probes that differ. A start may take a minute; a process that lives is left alone whatever it depends on; one that
cannot serve gets no requests. All are asked on the management port, but where requests come in that port says it.
*/}}
{{- define "chart.probes" -}}
startupProbe:
  httpGet:
    path: /health/startup
    port: management
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet:
    path: /health/live
    port: management
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /health/ready
    port: {{ .ready | default "management" }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}
