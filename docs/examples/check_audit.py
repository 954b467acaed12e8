"""Check an audit trail that `rapport audit export` wrote, with nothing but Python.

    python check_audit.py trail.jsonl [SIZE:ROOT ...]

Each SIZE:ROOT is a head that was noted before. Ends with 1 and says what is wrong where the trail is not what it was.
"""

import hashlib
import json
import sys
from pathlib import Path


def sha256(data: bytes) -> bytes:
    """The one hash that is used."""
    return hashlib.sha256(data).digest()


def root_of(peaks: list[tuple[int, bytes]]) -> bytes:
    """RFC 9162, 2.1.1: the hash of a whole tree, of its perfect subtrees from the left."""
    found = peaks[-1][1] if peaks else sha256(b"")
    for _, peak in reversed(peaks[:-1]):
        found = sha256(b"\x01" + peak + found)
    return found


def main(path: str, noted: list[str]) -> None:
    """Read every entry, build the tree, compare."""
    heads = [(int(size), root) for size, _, root in (one.partition(":") for one in noted)]
    peaks: list[tuple[int, bytes]] = []
    size = erased = 0
    with Path(path).open(encoding="utf-8") as file:
        first = json.loads(next(file))
        heads.append((first["size"], first["root"]))
        for line in file:
            entry = json.loads(line)
            leaf = json.loads(entry["leaf"])
            if len(entry["parts"]) != len(leaf["parts"]):
                sys.exit(f"entry {size} has {len(entry['parts'])} parts, not {len(leaf['parts'])}")
            for part, committed in zip(entry["parts"], leaf["parts"], strict=True):
                if part is None:
                    erased += 1
                elif sha256(bytes.fromhex(part[0]) + part[1].encode()).hex() != committed:
                    sys.exit(f"a part of entry {size} was changed")
            peaks.append((0, sha256(b"\x00" + entry["leaf"].encode())))
            while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
                (level, left), (_, right) = peaks[-2:]
                peaks[-2:] = [(level + 1, sha256(b"\x01" + left + right))]
            size += 1
            if any(root != root_of(peaks).hex() for at, root in heads if at == size):
                sys.exit(f"the first {size} entries are others than they were")
    if any(at > size for at, _ in heads):
        sys.exit(f"there were {max(at for at, _ in heads)} entries, the file has {size}")
    print(f"{size} entries are what they were, {erased} parts are erased; head {size}:{root_of(peaks).hex()}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
