#!/bin/sh
# Writes lib/schema/facts/ anew: see README.md.
set -eu
cd "$(dirname "$0")"
packages="$(go list -f '{{range .Imports}}{{println .}}{{end}}' kinds.go | grep -E '/v[12]$')
k8s.io/apimachinery/pkg/runtime k8s.io/apimachinery/pkg/api/resource
k8s.io/apimachinery/pkg/util/intstr k8s.io/apimachinery/pkg/version"
# shellcheck disable=SC2086
go tool openapi-gen --go-header-file /dev/null --output-dir openapi \
  --output-pkg zeroplane/facts/openapi --output-file generated.go --report-filename /dev/null $packages
mkdir -p ../../lib/schema/facts
go run . write ../../lib/schema/facts
