.PHONY: test lint fuzz bench tokens rotation storm guess timing interleave api check

test: ## sets up what is missing and runs every test
	@scripts/test

lint: ## gofmt, vet, staticcheck, govulncheck, go mod tidy
	@scripts/lint

fuzz: ## every fuzz target for FUZZTIME (10s)
	@scripts/fuzz

bench: ## every benchmark, or those that match BENCH
	@scripts/bench

tokens: ## what verifying and issuing a token takes, here and in other libraries (2 minutes)
	@cd bench && go run .

rotation: ## two replicas rotate their keys for a minute, and a third service verifies
	@AUTH_TEST_ROTATION=1m0s go test -count=1 -v -run TestRotation ./examples/verifier

storm: ## what a thousand logins at once take, and take from others (6 minutes)
	@go run ./internal/storm

guess: ## what 500 guesses a second take from those who log in beside them (3 minutes)
	@go run ./internal/guess

timing: ## that how long a login takes tells nobody who is registered (5 minutes)
	@scripts/timing

interleave: ## every order of three calls on sessions, and of three guesses, with a fault at every turn (4 minutes)
	@AUTH_TEST_INTERLEAVE=1 go test -count=1 -timeout 40m -v -run 'TestInterleavings|TestInterleavedGuesses' .

api: ## writes the exported API to api/
	@go test -count=1 ./internal/apigolden -update

check: ## all that CI does
	@.ci/run
