# The three commands that bring Auditbell into Azure, in this order, and what takes it out again. The root Makefile
# includes this file. INFRA is the folder whose main.tf you apply: an example, or one of your own that calls the module.
.PHONY: infra-apply infra-publish infra-deliver infra-test infra-docs infra-destroy

INFRA ?= infra/examples/minimal
TOFU ?= tofu
TFARGS ?=

infra-apply: ## 1. make everything in Azure but the delivery of events (INFRA=folder, TFARGS=-var ...)
	$(TOFU) -chdir=$(INFRA) init
	$(TOFU) -chdir=$(INFRA) apply $(TFARGS)
	@$(TOFU) -chdir=$(INFRA) output next_command

infra-publish: stage ## 2. publish the functions to the app that infra-apply made
	func azure functionapp publish "$$($(TOFU) -chdir=$(INFRA) output -raw function_app_name)" --script-root dist --custom

infra-deliver: ## 3. let events in
	$(TOFU) -chdir=$(INFRA) apply -var event_delivery_enabled=true $(TFARGS)
	@$(TOFU) -chdir=$(INFRA) output next_command

infra-test: ## format, validate and test the module; needs tofu and its providers
	$(TOFU) -chdir=infra fmt -check -recursive
	$(TOFU) -chdir=infra init -backend=false
	$(TOFU) -chdir=infra validate
	$(TOFU) -chdir=infra test
	$(TOFU) -chdir=infra/modules/subscription init -backend=false
	$(TOFU) -chdir=infra/modules/subscription test

infra-docs: ## rewrite the tables of infra/README.md
	go run ./infra/check/refresh docs

infra-destroy: ## stop delivery, take the locks off, and remove everything (not what immutability keeps)
	$(TOFU) -chdir=$(INFRA) apply -var event_delivery_enabled=false -var locks_enabled=false $(TFARGS)
	$(TOFU) -chdir=$(INFRA) destroy $(TFARGS)
