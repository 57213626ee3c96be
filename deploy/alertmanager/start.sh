#!/bin/sh
# Alertmanager reads no environment: what .env says is filled into its configuration, the password into a file of its own.
# start.sh COMMAND... runs COMMAND afterwards.
set -eu
umask 077
here=$(dirname "$0") there=${FILLED:-/tmp}
: "${SCHALTER_ALERTS_PAGE:?names nobody whom alerts reach: set it in .env}" "${SCHALTER_ALERTS_TICKET:=$SCHALTER_ALERTS_PAGE}"
export SCHALTER_ALERTS_TICKET TEMPLATES="$here" SMTP_PASSWORD_FILE="$there/smtp-password" SMTP_REQUIRE_TLS=true
[ "${SCHALTER_SMTP_SECURITY:-starttls}" != none ] || SMTP_REQUIRE_TLS=false
printf %s "${SCHALTER_SMTP_PASSWORD:-}" > "$SMTP_PASSWORD_FILE"
awk '{
  rest = $0; line = ""
  while (match(rest, /[$][{][A-Z_]+[}]/)) {
    line = line substr(rest, 1, RSTART - 1) ENVIRON[substr(rest, RSTART + 2, RLENGTH - 3)]
    rest = substr(rest, RSTART + RLENGTH)
  }
  print line rest
}' "$here/alertmanager.yml" > "$there/alertmanager.yml"
exec "$@"
