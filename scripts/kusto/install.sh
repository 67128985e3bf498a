#!/bin/sh
# Fetches Microsoft's parser of KQL to where the tests look for it, outside of the repository: kql_parse_test.go then
# parses every query instead of being skipped. Needs npm; nothing of the package is run while it is installed.
#
#   scripts/kusto/install.sh [FOLDER]
set -eu
version=12.4.1
sum=ddb2a34d7d8c7e00c6d27d4ab263dccb3957855697771c2117e8a1da8de76fba
folder=${1:-${AUDITBELL_KUSTO:-${XDG_CACHE_HOME:-$HOME/.cache}/auditbell/kusto}}

mkdir -p "$folder"
cd "$folder"
archive=$(npm pack --silent "@kusto/language-service-next@$version")
echo "$sum  $archive" | sha256sum --check --quiet
tar -xzf "$archive" --strip-components=1
rm "$archive"
echo "$folder holds @kusto/language-service-next $version"
