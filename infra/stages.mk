# What brings Auditbell into Azure, and what takes it out again. The root Makefile includes this file. INFRA is the folder
# whose main.tf you apply: an example, or one of your own that calls the module.
.PHONY: deploy infra-plan infra-test infra-docs infra-destroy

INFRA ?= infra/examples/minimal
TOFU ?= tofu
ARGS ?=

deploy: ## everything in Azure: apply, publish, deliver, check, first message; run it again at any point (INFRA=folder, ARGS=--help)
	go run ./infra/deploy --infra "$(INFRA)" $(ARGS)

infra-destroy: ## stop delivery, take the locks off, and remove everything (not what immutability keeps)
	go run ./infra/deploy --infra "$(INFRA)" --destroy $(ARGS)

infra-test: ## format, validate and test the module; needs tofu (or TOFU=terraform) and the providers
	$(TOFU) -chdir=infra fmt -check -recursive
	$(TOFU) -chdir=infra init -backend=false
	$(TOFU) -chdir=infra validate
	$(TOFU) -chdir=infra test
	@set -e; for module in subscription tenant; do \
	  $(TOFU) -chdir=infra/modules/$$module init -backend=false; $(TOFU) -chdir=infra/modules/$$module test; done

infra-plan: ## plan every example, and apply one, with the real providers against Azure Resource Manager on the loopback (5 minutes)
	go test -tags plan ./infra -run 'TestEveryExamplePlans|TestPlanAfterApplyIsEmpty' -count=1 -timeout 30m -v -args -tool $(TOFU)

infra-docs: ## rewrite the tables of infra/README.md
	go run ./infra/check/refresh docs
