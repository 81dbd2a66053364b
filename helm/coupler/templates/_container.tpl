{{- define "coupler.container" -}}
name: coupler
image: {{ include "coupler.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
env:
  {{- include "coupler.env" . | nindent 2 }}
{{- include "coupler.envFrom" . }}
ports:
  - name: admin
    containerPort: {{ .Values.admin.port }}
    protocol: TCP
startupProbe:
  {{- include "coupler.probe" (dict "path" "/health/startup" "timing" .Values.probes.startup) | nindent 2 }}
livenessProbe:
  {{- include "coupler.probe" (dict "path" "/health/live" "timing" .Values.probes.liveness) | nindent 2 }}
readinessProbe:
  {{- include "coupler.probe" (dict "path" "/health/ready" "timing" .Values.probes.readiness) | nindent 2 }}
{{- include "coupler.preStop" . }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: config
    mountPath: /etc/coupler/config
    readOnly: true
  - name: tmp
    mountPath: /tmp
  {{- if include "coupler.hasSecrets" . }}
  - name: secrets
    mountPath: {{ .Values.secrets.mountPath }}
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "coupler.env" -}}
- name: COUPLER_CONFIG
  value: /etc/coupler/config/coupler.yaml
- name: COUPLER_ADMIN__HOST
  value: {{ .Values.admin.host | quote }}
- name: COUPLER_ADMIN__PORT
  value: {{ .Values.admin.port | quote }}
- name: COUPLER_WORKER__DRAIN_SECONDS
  value: {{ .Values.shutdown.drainSeconds | quote }}
{{- if include "coupler.hasSecrets" . }}
- name: COUPLER_SECRETS__FILE__PATH
  value: {{ .Values.secrets.mountPath }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "coupler.envFrom" -}}
{{- if or .Values.credentials.values .Values.credentials.existingSecret .Values.extraEnvFrom }}
envFrom:
  {{- if .Values.credentials.values }}
  - secretRef:
      name: {{ include "coupler.fullname" . }}-credentials
  {{- end }}
  {{- with .Values.credentials.existingSecret }}
  - secretRef:
      name: {{ . }}
  {{- end }}
  {{- with .Values.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "coupler.probe" -}}
httpGet:
  path: {{ .path }}
  port: admin
{{ toYaml .timing }}
{{- end }}

{{/* Kubernetes has a sleep of its own since 1.30; before that the image's Python sleeps, since there need be no shell. */}}
{{- define "coupler.preStop" -}}
{{- with .Values.shutdown.preStopSeconds | int }}
lifecycle:
  preStop:
    {{- if semverCompare ">=1.30.0-0" $.Capabilities.KubeVersion.Version }}
    sleep:
      seconds: {{ . }}
    {{- else }}
    exec:
      command: ["python", "-c", "import time; time.sleep({{ . }})"]
    {{- end }}
{{- end }}
{{- end }}
