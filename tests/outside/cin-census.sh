#!/bin/sh
# Holds our census output against the published XSDs (libxml2) and, where it is installed, the open rule validator.
# Usage: SOLENT_SAMPLES=FOLDER tests/outside/cin-census.sh [path of the solent program] [python of a venv with the validator]
#   python3 -m venv /tmp/cin && /tmp/cin/bin/pip install csc-validator-be-cin==0.1.13 'numpy<2'
set -eu
solent=${1:-solent}
python=${2:-}
samples=${SOLENT_SAMPLES:?the folder of public samples}/cin
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
for file in "$samples"/cin_2026_clean_a.xml docs/demo/harbourshire-census.xml tests/cases/mappings/cin-census/*/*/input.xml; do
    name=$(basename "$(dirname "$file")")-$(basename "$file")
    if ! "$solent" translate --dir . --from cin-census --to cin-census "$file" --loss "$out/loss.json" >"$out/$name" 2>"$out/err"; then
        echo "refused: $file: $(head -1 "$out/err")"
        continue
    fi
    year=$(sed -n 's/.*<Year>\([0-9]*\)<.*/\1/p' "$out/$name" | head -1)
    case $year in
    2022 | 2023 | 2024) xsd=CIN_schema_2024.xsd ;;
    2025 | 2026) xsd=CIN_schema_2026.xsd ;;
    *) echo "no XSD published for $year: $file" && continue ;;
    esac
    if xmllint --noout --schema "$samples/$xsd" "$out/$name" 2>"$out/err"; then
        echo "valid by $xsd: $file"
    else
        head -3 "$out/err"
        echo "not valid by $xsd: $file"
    fi
done
echo "faults we name in the published one-fault copies:"
for file in "$samples"/mutants/*.xml; do
    echo "$(basename "$file"): $("$solent" validate --dir . --format cin-census "$file" 2>&1 | head -2 | tr '\n' ' ')"
done
if [ -n "$python" ]; then
    "$python" -W ignore tests/outside/cin_rules.py "$out"/*cin_2026_clean_a.xml
fi
