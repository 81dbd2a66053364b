{{- define "coupler.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "coupler.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "coupler.selectorLabels" -}}
app.kubernetes.io/name: {{ include "coupler.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "coupler.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "coupler.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "coupler.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "coupler.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "coupler.image" -}}
{{- $image := .Values.image }}
{{- $name := $image.repository }}
{{- with $image.registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end }}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest }}
{{- else }}{{ printf "%s:%s" $name (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{/* The grace period covers the pause before SIGTERM, the drain, and the closing of connections after it. */}}
{{- define "coupler.gracePeriodSeconds" -}}
{{- $s := .Values.shutdown }}
{{- add (int $s.preStopSeconds) (ceil $s.drainSeconds | int) (int $s.marginSeconds) }}
{{- end }}

{{/* Which series are ours, for alerts and scaling: the labels that the Prometheus operator gives to targets. */}}
{{- define "coupler.series" -}}
namespace="{{ .Release.Namespace }}", pod=~"{{ include "coupler.fullname" . }}-.+"
{{- end }}

{{/* Settings of the chart's own, and credentials, have no place in the ConfigMap. */}}
{{- define "coupler.checkConfig" -}}
{{- range $name, $value := .section }}
{{- $path := printf "%s.%s" $.path $name }}
{{- if kindIs "map" $value }}
{{- include "coupler.checkConfig" (dict "section" $value "path" $path) }}
{{- else if has $path (list "config.worker.drain_seconds") }}
{{- fail (printf "%s: set shutdown.drainSeconds instead, which also sets the grace period of the pod." $path) }}
{{- else if has $path (list "config.admin.host" "config.admin.port") }}
{{- fail (printf "%s: set admin.%s instead, which also sets the ports of the pod and the probes." $path $name) }}
{{- else if has $path (list "config.admin.enabled") }}
{{- fail (printf "%s: the probes need the admin server, it cannot be switched off here." $path) }}
{{- else if regexMatch "(password|secret|token|passphrase|private_key|access_key|api_key)$" $name }}
{{- fail (printf "%s: a credential does not belong in a ConfigMap. Put it into a Secret under the name COUPLER_%s and name that Secret in credentials.existingSecret." $path (trimPrefix "config." $path | replace "." "__" | upper)) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "coupler.hasSecrets" -}}
{{- if or .Values.secrets.existingSecret .Values.secrets.values }}yes{{ end }}
{{- end }}
