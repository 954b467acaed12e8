{{- define "rapport.name" -}}
{{- if contains "rapport" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-rapport" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "rapport.selector" -}}
app.kubernetes.io/name: rapport
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rapport.labels" -}}
{{ include "rapport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "rapport.image" -}}
{{- $repository := required "image.repository: where the image built from deploy/compose/Dockerfile lies" .Values.image.repository -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "rapport.check" -}}
{{- if gt (int .Values.workers.replicas) 0 -}}
{{- if not (hasKey .Values.secretEnv "RAPPORT_DATABASE_URL") -}}
{{- fail "workers.replicas: pods of their own need PostgreSQL (secretEnv.RAPPORT_DATABASE_URL); SQLite's file is one pod's" -}}
{{- end -}}
{{- if and (not .Values.persistence.existingClaim) (not (has "ReadWriteMany" .Values.persistence.accessModes)) -}}
{{- fail "workers.replicas: pods of their own share the data folder, so persistence.accessModes must have ReadWriteMany" -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.secretEnv -}}
{{- if hasKey $.Values.env $name -}}
{{- fail (printf "%s stands in env and in secretEnv" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rapport.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "rapport.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "rapport.env" -}}
- name: RAPPORT_DATA_DIR
  value: /var/lib/rapport/data
- name: RAPPORT_LOG
  value: json
- name: PYTHONUNBUFFERED
  value: "1"
{{- with .Values.publicUrl }}
- name: RAPPORT_PUBLIC_URL
  value: {{ . | quote }}
- name: RAPPORT_SECURE_COOKIES
  value: {{ hasPrefix "https://" . | quote }}
{{- end }}
{{- with .Values.trustedProxies }}
- name: RAPPORT_TRUSTED_PROXIES
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := .Values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $from := .Values.secretEnv }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
{{- end }}
{{- end -}}

{{- define "rapport.claim" -}}
{{- .Values.persistence.existingClaim | default (printf "%s-data" (include "rapport.name" .)) -}}
{{- end -}}
