"""The document: exactly what the citizen sees, confirms and signs, in a form whose hash any browser can recompute."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

#: Beyond this a JavaScript number is no longer exact, and two sides would hash different documents.
MAX_INTEGER = 2**53 - 1

_ALLOWED = "a document holds objects, arrays, strings, booleans and integers alone"


def canonical_json(value: object) -> bytes:
    """`value` as canonical JSON: keys sorted, no whitespace, UTF-8, integers only.

    Equals what `JSON.stringify` gives in a browser for the same value with sorted keys, so that both sides hash the
    same bytes. Raises ValueError for what the two would write differently: fractions, huge integers, lone surrogates.
    """
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data`, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def document_hash(document: Mapping[str, Any]) -> str:
    """The hash that a confirmation and a signature are bound to."""
    return sha256_hex(canonical_json(document))


def normalised(text: str) -> str:
    """`text` in Unicode normal form C, with plain line ends, trimmed: one name typed on two keyboards is one name."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()


def _check(value: object) -> None:
    match value:
        case None | bool():
            return
        case int():
            if abs(value) > MAX_INTEGER:
                raise ValueError(_ALLOWED)
        case str():
            value.encode()  # a lone surrogate has no UTF-8 form: UnicodeEncodeError is a ValueError
        case list() | tuple():
            for item in value:
                _check(item)
        case Mapping():
            for key, item in value.items():
                # ASCII keys sort alike by code point (Python) and by UTF-16 unit (JavaScript).
                if not (isinstance(key, str) and key.isascii()):
                    raise ValueError(_ALLOWED)
                _check(item)
        case _:
            raise ValueError(_ALLOWED)
