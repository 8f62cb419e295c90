"""Holds HL7 v2 messages against hl7apy, an implementation that is not ours, in its strict mode. Usage: hl7v2.py FOLDER...

Each message below FOLDER/hl7v2 is parsed by the groups of its structure and validated (order, cardinality, data types and
lengths of its version); then it is written again and must be the same.
"""
import pathlib
import sys

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from known import new


def messages(text):
    """The messages of a file: each begins with MSH."""
    found = []
    for line in text.replace("\n", "\r").split("\r"):
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


def main(folders):
    count = failed = 0
    for path in sorted(p for f in folders for p in pathlib.Path(f, "hl7v2").glob("*")):
        for at, text in enumerate(messages(path.read_bytes().decode("utf-8")), 1):
            fault = check(text)
            count += 1
            if fault and new("hl7v2", path.name, [fault]):
                failed += 1
                print(f"{path.name} message {at} {text.split(chr(13))[0].split('|')[8]}: {fault}")
    print(f"{count} documents, {failed} findings")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
