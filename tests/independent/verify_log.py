#!/usr/bin/env python3
"""An independent verifier of Solent audit logs: tile directories, bundles, proof files, consistency proofs.

Written from the C2SP texts (signed-note, tlog-checkpoint, tlog-tiles, tlog-proof), RFC 6962, RFC 9162 and RFC 8032. It
shares no code with Solent and needs nothing but the Python standard library.

    verify_log.py tiles       [--vkey KEY] DIR...
    verify_log.py bundle      [--vkey KEY] FILE...
    verify_log.py proof       --vkey KEY  PROOF ENTRY [PAYLOAD]
    verify_log.py checkpoint  --vkey KEY  FILE...
    verify_log.py consistency FILE        lines: old-size old-root new-size new-root [hash...], roots and hashes in Base64

--vkey may be given again, for each witness and each key a log has had; --witnesses K demands valid cosignatures of K of
the witnesses given on every checkpoint.

Prints one line for each thing checked; exits 1 when any of them fails, naming the first fault of each.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import sys


class Fault(Exception):
    """Something is not as it should be."""


def need(condition, text):
    if not condition:
        raise Fault(text)


def b64(text, length=None):
    """Strict standard Base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Fault("not Base64") from error
    need(base64.b64encode(data).decode() == text, "Base64 is not in its one spelling")
    need(length is None or len(data) == length, "Base64 of another length")
    return data


def number(text):
    need(re.fullmatch(r"0|[1-9][0-9]*", text) is not None, "not a plain decimal number")
    return int(text)


# --- Ed25519 verification, RFC 8032 section 5.1, in the plainest form -------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(s, p):
    q = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            q = add(q, p)
        p = add(p, p)
        s >>= 1
    return q


def equal(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def ed25519_verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return equal(multiply(s, BASE), add(r, multiply(h, a)))


# --- C2SP signed-note and tlog-checkpoint -----------------------------------------------------------------------------


def key_id(name, kind_and_key):
    return hashlib.sha256(name.encode() + b"\n" + kind_and_key).digest()[:4]


def parse_vkey(text):
    name, identity, key = text.split("+", 2)
    data = b64(key)
    need(re.fullmatch(r"[0-9a-f]{8}", identity) is not None, "key id is not eight hex digits")
    need(key_id(name, data).hex() == identity, "key id does not match")
    need(data[0] in (1, 4) and len(data) == 33, "not an Ed25519 key")
    return name, bytes.fromhex(identity), data[0], data[1:]


WITNESSES_NEEDED = 0


def open_note(data, vkeys, needed=None):
    """The text of a note, once at least one known key has signed it and no known key's signature fails."""
    text = data.decode("utf-8")
    need(all(c >= " " or c == "\n" for c in text), "a control character in the note")
    at = text.rfind("\n\n")
    need(at >= 0 and text.endswith("\n"), "no signatures")
    body, lines = text[: at + 1], text[at + 2 : -1].split("\n")
    good, witnesses = 0, set()
    for line in lines:
        match = re.fullmatch("\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        need(match is not None, "a malformed signature line")
        blob = b64(match.group(2))
        for name, identity, kind, key in vkeys:
            if name != match.group(1) or identity != blob[:4]:
                continue
            if kind == 1:
                fine = ed25519_verify(key, body.encode(), blob[4:])
            else:
                stamp = int.from_bytes(blob[4:12], "big")
                message = b"cosignature/v1\ntime %d\n" % stamp + body.encode()
                fine = ed25519_verify(key, message, blob[12:])
            need(fine, "the signature of %s does not verify" % name)
            good += kind == 1
            if kind == 4:
                witnesses.add(name)
    need(good > 0, "no signature by a known log key")
    wanted = WITNESSES_NEEDED if needed is None else needed
    need(len(witnesses) >= wanted, "cosigned by %d witnesses, not %d" % (len(witnesses), wanted))
    return body


def open_checkpoint(data, vkeys, needed=None):
    lines = open_note(data, vkeys, needed).split("\n")
    need(len(lines) == 4 and lines[3] == "", "a checkpoint has three lines")
    need(lines[0] in [v[0] for v in vkeys if v[2] == 1], "the checkpoint is of another log")
    return lines[0], number(lines[1]), b64(lines[2], 32)


# --- Keys a log had before: its last checkpoint is signed by the retired key and by its successor ---------------------


def check_retired(folder, vkeys, origin, leaves):
    """Each retired key must be vouched for by a key that is known, or by one that such a key vouches for."""
    place = os.path.join(folder, "retired")
    if not os.path.isdir(place):
        return []
    waiting, known = {}, list(vkeys)
    for name in sorted(os.listdir(place)):
        line, note = read(place, name).split(b"\n", 1)
        waiting[name] = (parse_vkey(line.decode()), note)
        need(waiting[name][0][1].hex() == name, "retired/%s is another key" % name)
    names = ["retired/" + name for name in waiting]
    while waiting:
        vouched = []
        for name, (key, note) in waiting.items():
            others = [k for k in known if k[2] == 1 and k[1] != key[1]]
            try:
                mine = open_checkpoint(note, [key], 0)
                need(open_checkpoint(note, others, 0) == mine and mine[0] == origin, "another checkpoint")
            except Fault:
                continue
            need(mine[1] <= len(leaves), "the retired key %s signed a larger log" % name)
            need(tree_root(leaves[: mine[1]]) == mine[2], "the retired key %s signed another log" % name)
            vouched.append(name)
        need(vouched, "nobody known vouches for the retired key %s" % ", ".join(waiting))
        known.extend(waiting.pop(name)[0] for name in vouched)
    return names


# --- RFC 6962 and RFC 9162 --------------------------------------------------------------------------------------------


def leaf(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(leaves):
    """MTH, by the definition: split at the largest power of two smaller than n."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node(tree_root(leaves[:k]), tree_root(leaves[k:]))


def check_inclusion(leaf_hash, index, size, proof, root):
    need(index < size, "index beyond the tree")
    fn, sn, r = index, size - 1, leaf_hash
    for p in proof:
        need(sn != 0, "proof too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "proof too short")
    need(r == root, "proof leads to another root")


def check_consistency(m, old, n, new, proof):
    need(m <= n, "sizes shrink")
    if m == n or m == 0:
        need(not proof, "proof should be empty")
        need(m == 0 or old == new, "roots differ")
        return
    proof = list(proof)
    if m & (m - 1) == 0:
        proof.insert(0, old)
    need(proof, "proof is empty")
    fn, sn = m - 1, n - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        need(sn != 0, "proof too long")
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "proof too short")
    need(fr == old and sr == new, "proof leads to another root")


# --- Entries ----------------------------------------------------------------------------------------------------------

ENTRY_MEMBERS = ["commit", "event", "id", "log", "outcome", "time", "v"]
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")


def check_entry(data, origin):
    need(len(data) <= 65535, "entry too long")
    entry = json.loads(data.decode("utf-8"))
    canonical = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    need(canonical == data, "entry is not canonical JSON")
    need(sorted(entry) == ENTRY_MEMBERS and entry["v"] == 1, "entry has other members")
    need(entry["log"] == origin, "entry is of another log")
    need(UUID7.fullmatch(entry["id"]) is not None, "id is not a UUIDv7")
    need(TIME.fullmatch(entry["time"]) is not None, "time is not RFC 3339 UTC with milliseconds")
    need(entry["outcome"] in ("allow", "partial", "deny", "error"), "unknown outcome")
    need(re.fullmatch(r"[0-9a-f]{64}", entry["commit"]) is not None, "commit is not 64 hex digits")
    need(not entry["event"].startswith("adopt-") and entry["event"] != "protect-flag", "event reveals too much")
    return entry


def check_payload(entry, salt, payload):
    found = hmac.new(salt, payload, hashlib.sha256).hexdigest()
    need(hmac.compare_digest(found, entry["commit"]), "payload is not what the entry committed to")


def check_entries(entries, origin):
    last, ids = "", set()
    for index, data in enumerate(entries):
        try:
            entry = check_entry(data, origin)
            need(entry["time"] >= last, "time goes back")
            need(entry["id"] not in ids, "id stands twice")
        except (Fault, ValueError) as fault:
            raise Fault("entry %d: %s" % (index, fault)) from fault
        last = entry["time"]
        ids.add(entry["id"])


# --- C2SP tlog-tiles --------------------------------------------------------------------------------------------------


def tile_path(level, index, width):
    parts = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        parts.insert(0, "x%03d" % (index % 1000))
    return "tile/%s/%s%s" % (level, "/".join(parts), "" if width == 256 else ".p/%d" % width)


def read(*parts):
    with open(os.path.join(*parts), "rb") as file:
        return file.read()


def widths(count):
    """Full tiles and the partial one of a level with this many hashes."""
    out = [(n, 256) for n in range(count // 256)]
    return out + ([(count // 256, count % 256)] if count % 256 else [])


def check_tiles(folder, vkeys):
    vkeys = vkeys or [parse_vkey(read(folder, "vkey").decode().strip())]
    origin, size, root = open_checkpoint(read(folder, "checkpoint"), vkeys)
    expected = {"checkpoint", "vkey"}
    entries = []
    for index, width in widths(size):
        name = tile_path("entries", index, width)
        expected.add(name)
        data, at = read(folder, name), 0
        for _ in range(width):
            length = int.from_bytes(data[at : at + 2], "big")
            need(at + 2 + length <= len(data), "%s ends inside an entry" % name)
            entries.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        need(at == len(data), "%s has something after its entries" % name)
    check_entries(entries, origin)
    hashes, level = [leaf(e) for e in entries], 0
    need(tree_root(hashes) == root, "the entries do not lead to the signed root")
    expected.update(check_retired(folder, vkeys, origin, hashes))
    while hashes:
        for index, width in widths(len(hashes)):
            name = tile_path(level, index, width)
            expected.add(name)
            right = b"".join(hashes[index * 256 : index * 256 + width])
            need(read(folder, name) == right, "%s holds other hashes" % name)
        hashes = [tree_root(hashes[i : i + 256]) for i in range(0, len(hashes) - 255, 256)]
        level += 1
    found = {
        os.path.relpath(os.path.join(at, name), folder).replace(os.sep, "/")
        for at, _, names in os.walk(folder)
        for name in names
    }
    need(found == expected, "files missing or too many: %s" % sorted(found ^ expected))
    return "%s size %d" % (origin, size)


# --- Bundles ----------------------------------------------------------------------------------------------------------


def check_bundle(file, vkeys):
    lines = read(file).split(b"\n")
    need(lines.pop() == b"", "no final newline")
    need(lines[0] == b"solent-audit-bundle@v1", "not a bundle")
    need(lines[1].startswith(b"vkey\t"), "no vkey line")
    vkeys = vkeys or [parse_vkey(lines[1][5:].decode())]
    need(lines[2] in (b"payloads\tcarried", b"payloads\tleft-out"), "no payloads line")
    carried = lines[2].endswith(b"carried")
    need(lines[3].startswith(b"checkpoint\t"), "no checkpoint line")
    count = number(lines[3][11:].decode())
    origin, size, root = open_checkpoint(b"\n".join(lines[4 : 4 + count]) + b"\n", vkeys)
    rows = lines[4 + count : -1]
    need(lines[-1] == b"end\t%d" % size and len(rows) == size, "the bundle has not the signed number of entries")
    entries, checked = [], 0
    for index, row in enumerate(rows):
        fields = row.split(b"\t")
        need(len(fields) == (5 if carried else 3), "entry %d: wrong number of fields" % index)
        need(number(fields[0].decode()) == index, "entry %d: another index" % index)
        need(b64(fields[1].decode(), 32) == leaf(fields[2]), "entry %d: altered" % index)
        entries.append(fields[2])
        if carried and fields[3] != b"erased":
            try:
                check_payload(json.loads(fields[2]), b64(fields[3].decode(), 32), fields[4])
            except Fault as fault:
                raise Fault("entry %d: %s" % (index, fault)) from fault
            checked += 1
    check_entries(entries, origin)
    need(tree_root([leaf(e) for e in entries]) == root, "the entries do not lead to the signed root")
    return "%s size %d, payloads %d" % (origin, size, checked)


# --- C2SP tlog-proof --------------------------------------------------------------------------------------------------


def check_proof(proof_file, entry_file, payload_file, vkeys):
    head, checkpoint = read(proof_file).decode().split("\n\n", 1)
    lines = head.split("\n")
    need(lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a proof file")
    salt = b64(lines.pop(0)[6:], 32) if lines[0].startswith("extra ") else None
    need(lines[0].startswith("index "), "no index line")
    index = number(lines.pop(0)[6:])
    origin, size, root = open_checkpoint(checkpoint.encode(), vkeys)
    data = read(entry_file)
    check_inclusion(leaf(data), index, size, [b64(line, 32) for line in lines], root)
    entry = check_entry(data, origin)
    if payload_file is not None:
        need(salt is not None, "no salt")
        check_payload(entry, salt, read(payload_file))
    return "entry %d in size %d" % (index, size)


def check_consistency_file(file):
    lines = read(file).decode().splitlines()
    for line in lines:
        m, old, n, new, *proof = line.split(" ")
        check_consistency(number(m), b64(old, 32), number(n), b64(new, 32), [b64(p, 32) for p in proof])
    return "%d consistency proofs" % len(lines)


def check_checkpoint(file, vkeys):
    origin, size, root = open_checkpoint(read(file), vkeys)
    return "%s size %d" % (origin, size)


def main(args):
    global WITNESSES_NEEDED
    need(args, __doc__)
    command, vkeys, names = args[0], [], []
    rest = iter(args[1:])
    for arg in rest:
        if arg == "--vkey":
            vkeys.append(parse_vkey(next(rest)))
        elif arg == "--witnesses":
            WITNESSES_NEEDED = number(next(rest))
        else:
            names.append(arg)
    checks = {
        "tiles": lambda: [(name, lambda name=name: check_tiles(name, vkeys)) for name in names],
        "bundle": lambda: [(name, lambda name=name: check_bundle(name, vkeys)) for name in names],
        "proof": lambda: [(names[0], lambda: check_proof(*(names + [None])[:3], vkeys))],
        "checkpoint": lambda: [(name, lambda name=name: check_checkpoint(name, vkeys)) for name in names],
        "consistency": lambda: [(name, lambda name=name: check_consistency_file(name)) for name in names],
    }
    need(command in checks, __doc__)
    failed = 0
    for name, check in checks[command]():
        try:
            print("ok   %s: %s" % (name, check()))
        except (Fault, OSError, ValueError, KeyError, IndexError) as fault:
            failed += 1
            print("FAIL %s: %s" % (name, fault))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Fault as usage:
        print(usage)
        sys.exit(2)
