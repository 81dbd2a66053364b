{{- define "coupler.rules" -}}
{{- $rules := .Values.prometheusRule }}
{{- $series := include "coupler.series" . -}}
groups:
  - name: {{ include "coupler.fullname" . }}
    rules:
      - alert: CouplerDown
        expr: absent(coupler_build_info{ {{- $series -}} })
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: No replica of {{ include "coupler.fullname" . }} is there or can be scraped.
          description: Jobs of all connectors wait. Look at the pods, and at the monitor of the metrics.
      - alert: CouplerGatewayUnreachable
        expr: coupler_gateway_reachable{ {{- $series -}} } == 0
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: '{{ "{{ $labels.pod }}" }} has not reached the cluster for 5 minutes.'
          description: It goes on trying. Check the gateway, its address, the credentials and the network between.
      - alert: CouplerJobTypeNotServed
        expr: max by (job_type) (coupler_subscription_ready{ {{- $series -}} }) == 0
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: 'No replica gets jobs of type {{ "{{ $labels.job_type }}" }}.'
          description: Its jobs wait in the engine. The readiness probe and the page say why the subscription does not stand.
      - alert: CouplerStuck
        expr: |-
          sum by (job_type) (coupler_jobs_active{ {{- $series -}} }) >= sum by (job_type) (coupler_jobs_active_limit{ {{- $series -}} })
            and sum by (job_type) (rate(coupler_jobs_finished_total{ {{- $series -}} }[10m])) == 0
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: 'All slots for {{ "{{ $labels.job_type }}" }} are taken and no job has ended for 10 minutes.'
          description: Nothing more is taken from the engine. Look at the systems that these jobs call.
      - alert: CouplerSlotsFull
        expr: |-
          sum by (job_type) (coupler_jobs_active{ {{- $series -}} })
            > {{ $rules.slotsUsedRatio }} * sum by (job_type) (coupler_jobs_active_limit{ {{- $series -}} })
        for: 15m
        labels:
          severity: warning
        annotations:
          summary: '{{ "{{ $labels.job_type }}" }} has had almost no free slot for 15 minutes.'
          description: Jobs wait in the engine. Add replicas, or allow more jobs at once.
      - alert: CouplerErrorRatio
        expr: |-
          sum by (job_type) (rate(coupler_jobs_finished_total{outcome="failed", {{ $series -}} }[10m]))
            > {{ $rules.errorRatio }} * sum by (job_type) (rate(coupler_jobs_finished_total{ {{- $series -}} }[10m]))
        for: 10m
        labels:
          severity: warning
        annotations:
          summary: 'More than {{ mulf $rules.errorRatio 100 }} % of the jobs of type {{ "{{ $labels.job_type }}" }} fail.'
          description: Failed jobs are tried again until their retries are used up; then they are incidents.
      - alert: CouplerDeadlineMissed
        expr: |-
          sum by (job_type) (increase(coupler_jobs_finished_total{outcome="abandoned", {{ $series -}} }[15m])) > {{ $rules.abandonedJobs }}
            unless on () max(max_over_time(coupler_draining{ {{- $series -}} }[20m])) == 1
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: 'Jobs of type {{ "{{ $labels.job_type }}" }} were lost to their deadline.'
          description: The engine gave them to somebody else, or they were cancelled, before they ended here, or a connector was paused. Calls may have been made twice.
      {{- if $rules.engine.enabled }}
      {{- $engine := $rules.engine.selector }}
      - alert: CouplerNoActivationWhileJobsWait
        expr: |-
          label_replace(sum by (type) (increase(zeebe_job_events_total{action="created" {{- with $engine }}, {{ . }}{{ end -}} }[10m])), "job_type", "$1", "type", "(.+)") > 0
            and on (job_type) sum by (job_type) (increase(coupler_jobs_activated_total{ {{- $series -}} }[10m])) == 0
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: 'The engine makes jobs of type {{ "{{ $labels.job_type }}" }}, and none was taken for 10 minutes.'
          description: Check the tenants, the job type and the subscriptions.
      - alert: CouplerJobsTimedOut
        expr: |-
          label_replace(sum by (type) (increase(zeebe_job_events_total{action="timed out" {{- with $engine }}, {{ . }}{{ end -}} }[15m])), "job_type", "$1", "type", "(.+)") > 0
            and on (job_type) max by (job_type) (coupler_jobs_active_limit{ {{- $series -}} })
        labels:
          severity: warning
        annotations:
          summary: 'The engine timed out jobs of type {{ "{{ $labels.job_type }}" }}.'
          description: A worker that had them died or was cut off. They run again.
      - alert: CouplerIncidents
        expr: sum(increase(zeebe_incident_events_total{action="created" {{- with $engine }}, {{ . }}{{ end -}} }[15m])) > {{ $rules.incidents }}
        labels:
          severity: warning
        annotations:
          summary: 'New incidents within 15 minutes: {{ "{{ $value | humanize }}" }}'
          description: Processes stand until somebody resolves them. A connector job whose retries are used up is one.
      {{- end }}
  {{- with $rules.additionalGroups }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
