#!/bin/sh
# Holds our police-xml output against the published XSD (libxml2). SOLENT_SAMPLES: the folder of public samples.
# Usage: tests/outside/police-xml.sh [path of the solent program]
set -eu
solent=${1:-solent}
samples=${SOLENT_SAMPLES:?the folder of public samples}
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
for file in "$samples"/niem/police-notification-examples/*.xml "$samples"/niem/police-notification-examples/*.json \
    tests/cases/mappings/police/*/*/input.json tests/cases/mappings/police-xml/*/*/input.xml; do
    case $file in *.json) from=police ;; *) from=police-xml ;; esac
    if "$solent" translate --dir . --from "$from" --to police-xml "$file" --loss "$out/loss.json" >"$out/out.xml" 2>"$out/err"; then
        xmllint --noout --schema "$samples/niem/xsd/police-notification.xsd" "$out/out.xml" 2>"$out/err" ||
            { cat "$out/err"; echo "not valid: $file"; exit 1; }
        echo "valid: $file"
    else
        echo "refused: $file: $(head -1 "$out/err")"
    fi
done
