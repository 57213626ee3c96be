#!/bin/sh
# One database and one role per service, which owns it and can enter no other. Runs once, on the empty volume.
set -eu
for service in booking signaling casework payment notify; do
    psql --set=ON_ERROR_STOP=1 --quiet --dbname=postgres \
        --set=role="$service" --set=password="$(cat "/run/secrets/$service")" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
# Who reads the server's figures and enters no service's database (the exporter).
psql --set=ON_ERROR_STOP=1 --quiet --dbname=postgres --set=password="$(cat /run/secrets/monitor)" <<'SQL'
CREATE ROLE monitor LOGIN PASSWORD :'password';
GRANT pg_monitor TO monitor;
SQL
