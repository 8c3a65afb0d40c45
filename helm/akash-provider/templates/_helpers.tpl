{{- define "akp.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "akp.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "akp.labels" -}}
{{ include "akp.selector" . }}
{{ include "akp.origin" . }}
{{- end }}

{{- define "akp.origin" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The pods of discovery are none of the daemon's: its Services must not find them. */}}
{{- define "akp.discoverySelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-discovery
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "akp.account" -}}
{{- .Values.serviceAccount.name | default (ternary (include "akp.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "akp.manifestNamespace" -}}
{{- dig "cluster" "manifest_namespace" "lease" .Values.config }}
{{- end }}

{{/* What the chart decides, over what values.config says. */}}
{{- define "akp.config" -}}
{{- $decided := dict
  "data" "/var/lib/akp"
  "key" (dict "mnemonic_file" "/etc/akp-wallet/mnemonic")
  "bid" (merge (dict "prices" "/etc/akp/prices.yaml") (ternary (dict "policy" "/etc/akp/policy.yaml") dict (not (empty .Values.policy))))
  "gateway" (dict "listen" "0.0.0.0:8443")
  "metrics" (dict "listen" "0.0.0.0:8080") }}
{{- toYaml (mustMergeOverwrite (deepCopy .Values.config) $decided) }}
{{- end }}
