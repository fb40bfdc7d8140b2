.PHONY: test lint fuzz bench api check

test: ## sets up what is missing and runs every test
	@scripts/test

lint: ## gofmt, vet, staticcheck, govulncheck, go mod tidy
	@scripts/lint

fuzz: ## every fuzz target for FUZZTIME (10s)
	@scripts/fuzz

bench: ## every benchmark, or those that match BENCH
	@scripts/bench

api: ## writes the exported API to api/
	@go test -count=1 ./internal/apigolden -update

check: ## all that CI does
	@.ci/run
