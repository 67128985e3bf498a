# The exact versions of the tools, for `make` and for CI: go test ./infra/check compares .github/workflows with this file.
GO_VERSION            := 1.26.10
TOFU_VERSION          := 1.12.6
TERRAFORM_VERSION     := 1.13.3
TFLINT_VERSION        := v0.64.0
TRIVY_VERSION         := v0.74.0
GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION   := v1.2.0
GORELEASER_VERSION    := v2.14.0
GO_LICENSES_VERSION   := v2.0.1
ACTIONLINT_VERSION    := v1.7.12
SYFT_VERSION          := v1.42.3
FUNC_VERSION          := 4.14.0

# Go is named as exactly as the others, because its library is part of what is released: 1.26.10 is the first in which
# `make vulnerabilities` finds nothing that is called (the database up to GO-2026-6917). go.mod names the least that builds.

# How each is run; give a program of your own where its module cannot be fetched.
GO_LICENSES ?= go run github.com/google/go-licenses/v2@$(GO_LICENSES_VERSION)
ACTIONLINT  ?= go run github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
GOVULNCHECK ?= go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
