# Everything a person does here, in one word each. `make` lists the words.
.DEFAULT_GOAL := help
.PHONY: month simulate faults vulnerabilities lint-workflows release-function release-snapshot release-check zones bench-first bench-log measured reliability help check test golden fuzz bench bench-digest reconcile-month chaos pictures schemas stage start publish kusto lint

APP ?=
FUZZTIME ?= 20s

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check: ## what CI runs: format, vet, lint when installed, tests with the race detector, generated files clean
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	go vet -tags plan,release,measured ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "golangci-lint is not installed: skipped"; fi
	GORACE=atexit_sleep_ms=0 go test -race -shuffle=on ./...
	go run ./handler settings --format example | diff - local.settings.json.example

test: ## the tests, as README says
	go test ./...

golden: ## rewrite the golden files; read the diff before you commit it
	go test $$(grep -rl 'Bool("update"' --include='*_test.go' handler local infra | xargs -n1 dirname | sort -u | sed 's#^#./#') -update

fuzz: ## fuzz every target for FUZZTIME (20s)
	@set -e; for pkg in $$(go list ./...); do \
	  for target in $$(go test $$pkg -list '^Fuzz' | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; go test $$pkg -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s; \
	  done; done

bench: ## every benchmark, with allocations
	go test -run '^$$' -bench . -benchmem ./...

stage: ## lay out dist/ and auditbell.zip as they are published
	go run ./infra/stage

start: ## the main job on this machine: messages at http://127.0.0.1:7072
	go run ./local

publish: stage ## publish dist/ to APP=<function app>; needs Azure Functions Core Tools v4 and az login
	@test -n "$(APP)" || { echo "usage: make publish APP=<function app>"; exit 1; }
	func azure functionapp publish $(APP) --script-root dist --custom

kusto: ## fetch Microsoft's KQL parser (31 MB, npm) to ~/.cache/auditbell/kusto; go test ./handler/cli then parses every query
	scripts/kusto/install.sh

lint: ## golangci-lint of the version in tools.mk
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION) run

bench-digest: ## the report of one file beside pandas and DuckDB, where they are installed (BYTES=1GB)
	scripts/bench-digest.sh $(BYTES)

reconcile-month: ## a month of 200,000 records through a feed that drops some: does the ledger find exactly those?
	RECONCILE_MONTH=92500 go test ./handler/reconcile -run TestTheLedger -v -count=1 -timeout 120m

bench-rollup: ## a month of EVENTS (100000) stored, rolled up and digested on the stand-in: RU, requests, memory (docs/cost.md)
	AUDITBELL_SCALE=$(or $(EVENTS),100000) go test ./handler/cli -run TestMonthAtScale -v -timeout 4h

bench-log: ## what share of the CPU of rollups the transparency log takes, and its memory (EVENTS=1000000 a month, DAYS=3 of it)
	scripts/bench-log.sh $(or $(EVENTS),1000000) $(or $(DAYS),3)

bench-first: ## how long the first message takes while everything that is looked up takes two seconds
	go test ./local/stack -run '^$$' -bench FirstMessage -benchtime 4x

simulate: ## SEEDS (1000) worlds with faults and an adversary run the program's own code; what breaks a promise is shortened
	go run ./local/simulation/simulate -seeds $(or $(SEEDS),1000) -from $(or $(FROM),1) -workers $(or $(WORKERS),2)

faults: ## build the program with each fault of local/simulation/testdata/faults and see that the simulation finds it; FAULT=name for one
	go run ./local/simulation/simulate -faults -seeds $(or $(SEEDS),2000) -workers $(or $(WORKERS),2) $(if $(FAULT),-fault $(FAULT)) $(if $(ALL),-all)

month: ## a generated month of EVENTS (100000) by the default routes: messages a day by severity, before and after, and what shared correlation ids add
	AUDITBELL_MONTH=$(or $(EVENTS),100000) go test ./handler/cli -run 'TestAMonthLeavesTheChannelReadable|TestSharedIdsAddFewMessages' -v -count=1 -timeout 30m

chaos: ## everything around the handler fails; prints the table of docs/reliability.md
	go test ./local/stack -run Chaos -v -count=3

reliability: ## every channel answers in every way; what its end keeps is the table of docs/reliability.md
	go test -tags measured ./local/stack -run TestEveryTroubleIsOvercome -v -count=1 -timeout 60m

measured: ## what the real handler process takes under floods and the largest batches, and whether it loses anything when killed
	go test -tags measured ./local/stack -run 'TestFlood|TestLargestHubBatch|TestHubUnderKills|TestHubOfTwoHosts' -v -count=1 -parallel 1

pictures: ## messages as readers see them, into docs/pictures; needs Go, Node 20, npm and Chromium
	cd scripts/pictures && npm install --no-package-lock --no-audit --no-fund --legacy-peer-deps
	go test ./handler/cli -run TestGallery -count=1 -pictures $(CURDIR)/scripts/pictures/node_modules/cases.json
	node scripts/pictures/render.mjs scripts/pictures/node_modules/cases.json docs/pictures

schemas: ## the JSON schema of Slack messages from Slack's own types, for tests; needs Node 20 and npm
	cd scripts/schemas && npm install --no-package-lock --no-audit --no-fund --legacy-peer-deps && \
	  node generate.mjs ../../handler/notify/slack/testdata/schema/message.json

vulnerabilities: ## known vulnerabilities in what is called, by Go's own database; asks vuln.go.dev
	$(GOVULNCHECK) ./...

lint-workflows: ## the workflows of .github
	$(ACTIONLINT)

release-function: ## .release/: the zip that is published to Azure, and the licence texts of everything in it (VERSION=)
	rm -rf .release && mkdir -p .release
	$(GO_LICENSES) save ./handler ./infra/deploy --ignore github.com/auditbell/auditbell --save_path .release/licenses
	go run ./infra/stage --out .release/function --zip .release/auditbell-function.zip --licenses .release/licenses $(if $(VERSION),--version $(VERSION))

release-snapshot: ## all of a release on this machine, in release/; needs goreleaser and syft
	goreleaser release --snapshot --clean

release-check: ## that release/ holds what it should, and that the handler in the function zip starts and answers
	go test -tags release ./infra/stage -run TestRelease -count=1 -v

include tools.mk infra/stages.mk

zones: ## every day and period of every time zone, 1970 to 2037: do they partition time?
	AUDITBELL_ZONES=all go test ./handler/calendar ./handler/settings -run 'Partition' -v -count=1 -timeout 60m
