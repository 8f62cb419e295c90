"""Holds HL7 v2 messages against hl7apy, an implementation that is not ours, in its strict mode.

    python3 -m venv /tmp/hl7 && /tmp/hl7/bin/pip install hl7apy==1.3.5
    for f in tests/cases/mappings/hl7v2/*/*/output.hl7; do /tmp/hl7/bin/python tests/outside/hl7apy_strict.py "$f"; done

Each message is parsed by the groups of its structure and validated (order, cardinality, data types and lengths of
version 2.5.1); then it is written again and must be the same. Exit 1 when a message fails.
"""

import sys

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message


def messages(text):
    """The messages of a file: each begins with MSH."""
    found = []
    for line in text.split("\r"):
        if line.startswith("MSH"):
            found.append([])
        if line and found:
            found[-1].append(line)
    return ["\r".join(lines) + "\r" for lines in found]


def check(text):
    """None when hl7apy has no complaint, else its words about names and rules."""
    try:
        message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
        message.validate()
    except Exception as error:  # hl7apy has many classes of its own
        return f"{type(error).__name__}: {error}"
    again = message.to_er7(trailing_children=False).rstrip("\r") + "\r"
    # hl7apy does not know the line break and escapes it as text.
    again = again.replace("\\E\\.br\\E\\", "\\.br\\")
    return None if again == text else "written again, it differs"


def main(files):
    failed = 0
    for name in files:
        with open(name, encoding="utf-8", newline="") as file:
            for at, text in enumerate(messages(file.read()), 1):
                fault = check(text)
                kind = text.split("\r")[0].split("|")[8]
                print(f"{name} message {at} {kind}: {fault or 'valid'}")
                failed += fault is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
