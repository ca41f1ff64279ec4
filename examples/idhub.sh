#!/usr/bin/env bash
# A simulated IDHub: onboarding, reconciliation, provisioning and issues, by the calls that IDHub's documentation of its
# connectors names. After each step it asks Atlassian, past the facade, whether it is so, and stops at the first
# difference. It tells what each step cost: requests to Atlassian, and the time until IDHub had the answers.
#
#   scim-atlassian demo &
#   examples/idhub.sh
#
# FACADE and ATLASSIAN say where the demo is. GRANTS=300 has the emulator grant that many project roles first.
# Needs curl and jq.
set -euo pipefail
facade=${FACADE:-http://127.0.0.1:7001} atlassian=${ATLASSIAN:-http://127.0.0.1:7002} grants=${GRANTS:-0}
directory=$atlassian/scim/directory/0d1ec701-0000-4000-8000-000000000001
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name= requests=0 calls=0 time=0 total=0

# A step begins: the one before it succeeded, and what it cost is told.
step() {
  if [[ -n $name ]]; then
    printf '%-48s %4d requests %5d to Atlassian %8d ms\n' "$name" "$requests" "$calls" $((time / 1000))
    total=$((total + calls))
  fi
  name=$1 requests=0 calls=0 time=0
}

fail() {
  printf '%s: %s\n' "$name" "$1" >&2
  [[ ! -s $work/answer ]] || head -c 2000 "$work/answer" >&2
  exit 1
}

# call METHOD PATH STATUS[|STATUS] [BODY]: what IDHub sends; the answer is in $work/answer.
call() {
  local status seconds
  read -r status seconds < <(curl -sS -u demo:demo -X "$1" -H 'Content-Type: application/scim+json' ${4:+--data-binary "$4"} \
    -o "$work/answer" -D "$work/header" -w '%{http_code} %{time_total}\n' "$facade$2")
  requests=$((requests + 1)) time=$((time + 10#${seconds/./}))
  calls=$((calls + $(sed -n 's/^X-Upstream-Calls: \([0-9]*\).*/\1/Ip' "$work/header")))
  [[ "|$3|" == *"|$status|"* ]] || fail "$1 $2: status $status, want $3"
}

# answers FILTER…: jq says true of the answer.
answers() { jq -e "$@" "$work/answer" >"$work/verdict" || fail "the answer is not: $*"; }
answer() { jq -r "$@" "$work/answer"; }

# What Atlassian has, asked with its own APIs. These requests are not IDHub's and not counted.
user() { curl -sS -H 'Authorization: Bearer demo-directory-key' "$directory/Users/$1"; }
people() { curl -sS -H 'Authorization: Bearer demo-directory-key' "$directory/$1"; }
jira() { curl -sS -u admin@demo.example:demo-api-token -H 'Content-Type: application/json' "$atlassian/rest/api/3/$1" "${@:2}"; }
holders() { jira "project/$1/role/$2" | jq -c '[.actors[].actorUser.accountId // empty]'; }
upstream() { # WHAT FILTER < document
  jq -e "${@:2}" >"$work/verdict" || fail "Atlassian does not have it: $1"
}

patch() { jq -cn --argjson operations "[$1]" '{schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: $operations}'; }
add() { patch '{"op": "add", "path": "entitlements", "value": [{"value": "'"$1"'"}]}'; }
revoke() { patch '{"op": "remove", "path": "entitlements[value eq \"'"$1"'\"]"}'; }
active() { patch '{"op": "replace", "path": "active", "value": '"$1"'}'; }
encoded() { jq -rn --arg text "$1" '$text | @uri'; }

if ((grants > 0)); then
  role=$(jira 'project/ENG/role' | jq -r '.Viewer | split("/") | last')
  people 'Users?count=100' | jq -r '.Resources[]["urn:scim:schemas:extension:atlassian-external:1.0"].atlassianAccountId // empty' >"$work/ids"
  granted=0
  for project in $(jira 'project/search?maxResults=50' | jq -r '.values[].key'); do
    for id in $(cat "$work/ids"); do
      ((granted < grants)) || break 2
      if [[ $(jira "project/$project/role/$role" -d '{"user": ["'"$id"'"]}' -o /dev/null -w '%{http_code}') == 200 ]]; then
        granted=$((granted + 1))
      fi
    done
  done
  printf '%d grants of project roles made in the emulator\n' "$granted"
fi

step 'onboarding: health'
call GET /connector/health 200
answers '.status == "UP" and .compatibility.connector == "1.0" and ([.schemas[].resource] | contains(["Account", "Entitlement"]))'

step 'onboarding: test of the target'
call GET /connector/test 200
answers '.status == "ok" and ([.capabilities[] | select(.status != "ok" and .status != "off")] == [])'

step 'onboarding: metadata for the draft application'
call GET /connector/metadata 200
answers '.resources | map(.name) == ["Account", "Entitlement"]'
answers '.resources[0] | .reconKey == "email" and .accountName == "userName" and ([.attributes[] | select(.idhubFieldName == "jobTitle").name] == ["title"])'

step 'onboarding: what the server is'
call GET /scim/v2/ServiceProviderConfig 200
answers '.patch.supported and .filter.supported'
call GET /scim/v2/ResourceTypes 200
answers '[.Resources[].endpoint] | contains(["/Accounts", "/Entitlements"])'
call GET /scim/v2/Schemas 200
for id in Account urn:sath:params:scim:api:confluence:1.0:Account urn:sath:params:scim:schemas:core:1.0:Account Entitlement; do
  call GET "/scim/v2/Schemas/$id" 200
done

step 'full reconciliation: entitlements'
call GET /scim/v2/Entitlements 200
answers '.totalResults == (.Resources | length) and (.Resources | map(.id) | unique | length) == .totalResults'
cp "$work/answer" "$work/entitlements"
people 'Groups?count=1' | upstream 'as many groups' --slurpfile got "$work/entitlements" '.totalResults == ($got[0].Resources | map(select(.type == "GROUP")) | length)'

step 'full reconciliation: accounts in one list'
call GET /scim/v2/Accounts 200
answers '(.Resources | map(.id) | unique | length) == .totalResults or .totalResults > (.Resources | length)'
cp "$work/answer" "$work/accounts"
people 'Users?count=1' | upstream 'as many users' --slurpfile got "$work/accounts" '.totalResults == ($got[0].Resources | map(select(.provisioned)) | length) or ($got[0].totalResults > 10000)'

step 'full reconciliation: accounts, 500 a page'
: >"$work/pages"
start=1
while :; do
  call GET "/scim/v2/Accounts?startIndex=$start&count=500" 200
  answer '.Resources[].id' >>"$work/pages"
  start=$((start + $(answer '.itemsPerPage')))
  ((start <= $(answer .totalResults))) || break
done
[[ $(sort -u "$work/pages" | wc -l) == $(answer .totalResults) ]] || fail "the pages do not add up to $(answer .totalResults) accounts"

step 'limited reconciliation: disabled accounts'
call GET "/scim/v2/Accounts?filter=$(encoded 'active eq false')" 200
answers --slurpfile all "$work/accounts" '(.Resources | map(.id) | sort) == ($all[0].Resources | map(select(.active | not).id) | sort) or ($all[0].totalResults > 10000)'

step 'limited reconciliation: holders of a role'
role_id=$(jq -r '[.Resources[] | select(.displayName | test("^PROJECT_ROLE~Viewer in Engineering"))][0].id' "$work/entitlements")
call GET "/scim/v2/Accounts?filter=$(encoded "entitlements[value eq \"$role_id\" and direct eq true]")&attributes=accountId" 200
answers '.totalResults > 0'
IFS=- read -r _ project_id role_number <<<"$role_id"
holders "$project_id" "$role_number" | upstream 'these holders' --slurpfile got "$work/answer" 'sort == ($got[0].Resources | map(.accountId) | sort)'

step 'limited reconciliation: one by recon key'
first=$(jq -r '[.Resources[] | select(.provisioned)][0].email' "$work/accounts")
call GET "/scim/v2/Accounts?filter=$(encoded "email eq \"$first\"")" 200
answers --arg email "$first" '.totalResults == 1 and .Resources[0].email == $email'

group_id=$(jq -r '[.Resources[] | select(.displayName == "GROUP~Works council")][0].id' "$work/entitlements")
granted_id=$(jq -r '[.Resources[] | select(.displayName | test("^PROJECT_ROLE~Member in Operations"))][0].id' "$work/entitlements")
IFS=- read -r _ project_id role_number <<<"$granted_id"

step 'create an account with a group and a role'
call POST /scim/v2/Accounts 201 '{
  "schemas": ["urn:sath:params:scim:schemas:core:1.0:Account"],
  "userName": "idhub.probe@demo.example", "email": "idhub.probe@demo.example", "displayName": "Ida Probe", "fullName": "Ida Probe",
  "givenName": "Ida", "familyName": "Probe", "department": "Sales", "title": "Analyst",
  "entitlements": [{"value": "'"$group_id"'"}, {"value": "'"$granted_id"'"}]}'
id=$(answer .id) account=$(answer .accountId)
user "$id" | upstream 'the user' '.userName == "idhub.probe@demo.example" and .title == "Analyst" and .active'
people "Groups/$group_id" | upstream 'its membership' --arg id "$id" '[.members[].value] | index($id)'
holders "$project_id" "$role_number" | upstream 'its role' --arg id "$account" 'index($id)'

step 'read it back'
call GET "/scim/v2/Account/$id" 200
answers --arg group "$group_id" --arg role "$granted_id" '[.entitlements[] | select(.direct).value] | contains([$group, $role])'

step 'update: PUT'
call PUT "/scim/v2/Accounts/$id" 200 "$(answer -c '.title = "Senior Analyst" | .department = "Finance"')"
user "$id" | upstream 'the new title' '.title == "Senior Analyst" and .["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].department == "Finance"'

step 'update: PATCH'
call PATCH "/scim/v2/Accounts/$id" "200|204" "$(patch '{"op": "replace", "path": "title", "value": "Principal"}')"
user "$id" | upstream 'the new title' '.title == "Principal"'

step 'revoke the group, twice'
for _ in 1 2; do call PATCH "/scim/v2/Accounts/$id" "200|204" "$(revoke "$group_id")"; done
people "Groups/$group_id" | upstream 'one member less' --arg id "$id" '[.members[]?.value] | index($id) | not'

step 'assign the group, twice'
for _ in 1 2; do call PATCH "/scim/v2/Accounts/$id" "200|204" "$(add "$group_id")"; done
people "Groups/$group_id" | upstream 'the member' --arg id "$id" '[.members[].value] | index($id)'

step 'revoke the role, twice'
for _ in 1 2; do call PATCH "/scim/v2/Accounts/$id" "200|204" "$(revoke "$granted_id")"; done
holders "$project_id" "$role_number" | upstream 'one holder less' --arg id "$account" 'index($id) | not'

step 'assign the role, twice'
for _ in 1 2; do call PATCH "/scim/v2/Accounts/$id" "200|204" "$(add "$granted_id")"; done
holders "$project_id" "$role_number" | upstream 'the holder' --arg id "$account" 'index($id)'

step 'revoke what a group gives: refused'
jq -c '[.Resources[] | select(.provisioned) | {id, held: (.entitlements[]? | select(.direct | not))}][0]' "$work/accounts" >"$work/indirect"
call PATCH "/scim/v2/Accounts/$(jq -r .id "$work/indirect")" 400 "$(revoke "$(jq -r .held.value "$work/indirect")")"
answers --arg group "$(jq -r '.held.through[0]' "$work/indirect")" '.detail | contains($group)'

step 'disable'
call PATCH "/scim/v2/Accounts/$id" "200|204" "$(active false)"
user "$id" | upstream 'the user disabled' '.active == false'

step 'enable'
call PATCH "/scim/v2/Accounts/$id" "200|204" "$(active true)"
user "$id" | upstream 'the user enabled' '.active == true'

step 'create a group with a member'
call POST /scim/v2/Entitlements 201 '{
  "schemas": ["urn:sath:params:scim:schemas:core:1.0:Entitlement"],
  "displayName": "GROUP~idhub probe", "type": "GROUP", "members": [{"value": "'"$id"'"}]}'
made=$(answer .id)
people "Groups/$made" | upstream 'the group' --arg id "$id" '.displayName == "idhub probe" and ([.members[].value] == [$id])'

step 'delete the group'
call DELETE "/scim/v2/Entitlements/$made" 204
people "Groups/$made" | upstream 'no group' '.status == "404" or .status == 404'

step 'create an issue'
call POST /scim/v2/Issues 201 '{
  "schemas": ["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],
  "project": {"key": "OPS"}, "issueType": {"name": "Task"}, "summary": "Access for Ida Probe", "reporter": {"value": "'"$account"'"}}'
issue=$(answer .id)
jira "issue/$issue" | upstream 'the issue' '.fields.summary == "Access for Ida Probe" and .fields.status.name == "Open"'

step 'update the issue'
call PATCH "/scim/v2/Issues/$issue" 200 "$(patch '{"op": "replace", "path": "priority", "value": {"name": "High"}}')"
jira "issue/$issue" | upstream 'the priority' '.fields.priority.name == "High"'

step 'update the status of the issue'
call PATCH "/scim/v2/Issues/$issue" 200 "$(patch '{"op": "replace", "path": "status", "value": {"name": "In Progress"}}')"
jira "issue/$issue" | upstream 'the status' '.fields.status.name == "In Progress"'

step 'delete the issue'
call DELETE "/scim/v2/Issues/$issue" 204
[[ $(jira "issue/$issue" -o /dev/null -w '%{http_code}') == 404 ]] || fail 'Atlassian still has the issue'

step 'delete the account'
call DELETE "/scim/v2/Accounts/$id" 204
user "$id" | upstream 'no user' '.status == "404" or .status == 404'
call GET "/scim/v2/Accounts/$id" 404

step done
printf 'All of it holds in Atlassian. %d requests to Atlassian in all.\n' "$total"
