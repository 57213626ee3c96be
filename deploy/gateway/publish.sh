#!/bin/sh
# publish.sh BUILD SITE: puts a build of the pages where the gateway serves them.
# Names of assets carry a hash of their content. Those of earlier builds stay for ASSETS_KEPT_DAYS (14) after they were
# replaced: a page that was opened before still loads its parts.
set -eu
build=$1
site=$2
mkdir -p "$site/assets"
# What was current until now grows old from now on.
if [ -f "$site/.current" ]; then
	(cd "$site/assets" && while read -r name; do [ ! -f "$name" ] || touch "$name"; done <"$site/.current")
fi
cp "$build"/assets/* "$site/assets/"
(cd "$build/assets" && ls) >"$site/.current"
find "$site/assets" -type f -mtime "+${ASSETS_KEPT_DAYS:-14}" -delete
# The pages last, and each at once: nobody gets one whose parts are not there yet.
for page in citizen clerk; do
	mkdir -p "$site/$page"
	for file in "$build/$page"/*; do
		name=$(basename "$file")
		cp "$file" "$site/$page/.$name"
		mv "$site/$page/.$name" "$site/$page/$name"
	done
done
