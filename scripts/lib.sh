# shellcheck shell=bash disable=SC2034 # the variables are for those that source it
# Sourced by the other scripts, with bash. Starts them in the module's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The one place for the versions of tools.
STATICCHECK=honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK=golang.org/x/vuln/cmd/govulncheck@v1.9.0

# A fresh account has no HOME at times; go needs one too.
CACHE=${XDG_CACHE_HOME:-${HOME:?HOME must be set}/.cache}/auth-test

step() { printf '\n== %s\n' "$*"; }
loud() { printf '\n***** %s *****\n\n' "$*" >&2; }
die() {
	printf '%s\n' "$*" >&2
	exit 1
}

need_go() {
	command -v go >/dev/null || die "go is missing: install Go $(awk '$1 == "go" { print $2 }' go.mod) or newer (https://go.dev/doc/install)"
}

# modules prints the folder of every Go module, the root first.
modules() {
	find . -name go.mod -not -path '*/testdata/*' -not -path '*/node_modules/*' -printf '%h\n' | sort
}

# tool prints the path of a pinned tool, built once per Go version. It is built
# rather than run by `go run`, which hides the tool's exit status.
tool() {
	local dir name
	dir=$CACHE/tools/$(go env GOVERSION)/${1//\//_}
	name=${1##*/}
	[ -x "$dir/${name%@*}" ] || GOFLAGS='' GOBIN=$dir go install "$1" >&2
	printf '%s\n' "$dir/${name%@*}"
}

# vulnerabilities runs govulncheck, whose path it is given. Without its database nothing
# was checked: that is a failure as well as findings are (status 3), unless
# AUTH_LINT_WITHOUT_VULNDB=1 says that this machine has no way to it.
vulnerabilities() {
	local out status=0
	out=$("$1" ./... 2>&1) || status=$?
	printf '%s\n' "$out"
	if [ $status != 0 ] && [ $status != 3 ] && grep -q 'fetching vulnerabilities' <<<"$out"; then
		loud "GOVULNCHECK DID NOT RUN: its database cannot be reached"
		if [ "${AUTH_LINT_WITHOUT_VULNDB:-}" = 1 ]; then
			loud "KNOWN VULNERABILITIES NOT CHECKED: AUTH_LINT_WITHOUT_VULNDB=1"
			return 0
		fi
		echo "Where there is none to reach: AUTH_LINT_WITHOUT_VULNDB=1 scripts/lint" >&2
	fi
	return $status
}
