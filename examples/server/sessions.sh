#!/bin/sh
# Shows what sessions do, against a server in small:
#
#	go run ./examples/server -grace 0s -fresh 3s
#	sh examples/server/sessions.sh http://127.0.0.1:8080
#
# Needs sh, curl and sed. It ends at the first answer that is not as it should be,
# and deletes the user at the end.
set -eu
url=${1:-http://127.0.0.1:8080}
email=sessions-$$@example.com old=1234567890ab new=ba0987654321
agent=script token=

# request METHOD PATH [BODY] sets status and body.
request() {
	answer=$(curl -sS -X "$1" -A "$agent" -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' -d "${3-}" -w '
%{http_code}' "$url$2")
	status=$(printf '%s\n' "$answer" | sed -n '$p')
	body=$(printf '%s\n' "$answer" | sed '$d')
}

# expect STATUS TEXT checks the last answer, and says what it was.
expect() {
	if [ "$status" != "$1" ]; then
		echo "$2: $status, not $1: $body" >&2
		exit 1
	fi
	echo "$status  $2"
}

# member NAME prints a string of the last answer.
member() {
	printf '%s\n' "$body" | sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'
}

# login AGENT PASSWORD sets token and refresh.
login() {
	agent=$1
	request POST /users/login '{"email":"'$email'","password":"'$2'"}'
	expect 200 "log in from the $1"
	token=$(member access_token) refresh=$(member refresh_token)
}

# refresh TOKEN
refresh() {
	request POST /users/refresh '{"refresh_token":"'"$1"'"}'
}

# sessions prints the list, one a line, and sets lines to the same with the IDs.
sessions() {
	request GET /users/me/sessions
	expect 200 "list the sessions:"
	lines=$(printf '%s\n' "$body" | sed 's/{"id":/\
&/g' | sed -n 's/^{"id":"\([^"]*\)".*"current":\([a-z]*\).*"user_agent":"\([^"]*\)".*/\1 \3, current: \2/p')
	printf '%s\n' "$lines" | sed 's/^[^ ]*/    /'
}

echo "# Two sessions"
agent=terminal
request POST /users/register '{"email":"'$email'","password":"'$old'"}'
expect 200 "register, which logs in"
registered=$(member refresh_token)
request POST /users/logout '{"refresh_token":"'"$registered"'"}'
expect 204 "log out"
refresh "$registered"
expect 401 "refresh after that"
login phone $old
phone=$refresh
login laptop $old
laptop=$refresh
sessions

echo "# One ends the other"
id=$(printf '%s\n' "$lines" | sed -n 's/ phone,.*//p')
request DELETE "/users/me/sessions/$id"
expect 204 "end the phone's session from the laptop"
request DELETE "/users/me/sessions/$id"
expect 204 "end it again"
refresh "$phone"
expect 401 "refresh on the phone"
sessions

echo "# A refresh token can be used once"
refresh "$laptop"
expect 200 "refresh on the laptop"
next=$(member refresh_token)
refresh "$laptop"
expect 401 "a thief refreshes with the token from before (needs -grace 0s)"
refresh "$next"
expect 401 "refresh on the laptop: the session has ended for both"

echo "# A new password ends all sessions, and begins one"
login phone $old
phone=$refresh
login laptop $old
copied=$refresh
request POST /users/me/password '{"current":"wrong","new":"'$new'"}'
expect 403 "change the password, with a wrong one"
request POST /users/me/password '{"current":"'$old'","new":"'$new'"}'
expect 200 "change the password on the laptop, which is given new tokens"
token=$(member access_token) laptop=$(member refresh_token)
refresh "$phone"
expect 401 "refresh on the phone"
refresh "$copied"
expect 401 "a thief refreshes with a copy of the laptop's token from before"
refresh "$laptop"
expect 200 "refresh on the laptop"
token=$(member access_token) laptop=$(member refresh_token)

echo "# What needs a login of late"
sleep 4
refresh "$laptop"
expect 200 "refresh, after some time"
token=$(member access_token) copied=$(member refresh_token)
request DELETE /users/me
expect 401 "delete the user (needs -fresh 3s): $(member code)"
request POST /users/me/reauthenticate '{"password":"'$old'"}'
expect 403 "authenticate again, with the old password"
request POST /users/me/reauthenticate '{"password":"'$new'"}'
expect 200 "authenticate again, which gives new tokens"
token=$(member access_token) laptop=$(member refresh_token)
refresh "$copied"
expect 401 "a thief refreshes with a copy of the laptop's token from before"

echo "# Log out everywhere else"
mine=$token
login phone $new
phone=$refresh
agent=laptop token=$mine copied=$laptop
request POST /users/me/logout-others '{"password":"wrong"}'
expect 403 "log out all others, with a wrong password"
request POST /users/me/logout-others '{"password":"'$new'"}'
expect 200 "log out all others from the laptop, which is given new tokens"
token=$(member access_token) laptop=$(member refresh_token)
refresh "$phone"
expect 401 "refresh on the phone"
refresh "$copied"
expect 401 "a thief refreshes with a copy of the laptop's token from before"
refresh "$laptop"
expect 200 "refresh on the laptop"
token=$(member access_token)
sessions
request DELETE /users/me
expect 204 "delete the user"
