"""Count token sequences in installed Python code and write the token model that the repair engine loads.

    python -m benchmarks.train_token_model [--source DIR ...] [--exclude NAME ...] [--order N] [--out FILE]

Without --source it reads the running interpreter's standard library and site-packages. Only counts of token classes are
stored, no text. One file in fifty, chosen by the hash of its path, is kept out for the figures that are printed:
bits a token, and how often the true text is less surprising than the same text with one random token deleted.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import random
import sys
import sysconfig
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from sophia_cli.fixers.analysis import compile_fault
from sophia_cli.fixers.syntax.token_classes import CLASSES, classes_of
from sophia_cli.fixers.syntax.token_model import DATA_FILE, STEP, USUAL_BITS, TokenModel
from sophia_cli.fixers.syntax.tokens import TokenKind, scan

# Broken or old syntax on purpose, and projects whose breakage the repair engine is measured on.
SKIPPED = (
    "site-packages/",
    "lib2to3",
    "bad_coding",
    "badsyntax",
    "typer",
    "httpx",
    "fixit",
    "libcst",
    "umap",
    "supervisor",
    "locust",
)
LARGEST = 300_000
Gram = tuple[int, ...]
_IDS = {name: index for index, name in enumerate(CLASSES)}


def python_files(sources: Iterable[Path], skipped: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (path inside its source, text) of every Python file that compiles, in a fixed order."""
    words = tuple(skipped)
    for source in sources:
        for path in sorted(source.rglob("*.py")):
            inside = path.relative_to(source).as_posix()
            if any(word in inside for word in words) or path.stat().st_size > LARGEST:
                continue
            try:
                text = path.read_text("utf-8")
            except UnicodeDecodeError:
                continue
            if compile_fault(text) is None:
                yield inside, text


def is_held_out(path: str) -> bool:
    """Whether a file is kept for the figures."""
    return hashlib.sha256(path.encode()).digest()[0] % 50 == 0


def count(texts: Iterable[str], order: int) -> list[Counter[Gram]]:
    """Return the counts of class sequences of length 1 to `order`."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(order)]
    start = [_IDS["NEWLINE"]] * (order - 1)
    for text in texts:
        ids = start + [_IDS[name] for name in classes_of(scan(text).tokens)]
        for size in range(1, order + 1):
            counts[size - 1].update(zip(*(ids[order - size + i :] for i in range(size)), strict=False))
    return counts


def estimate(counts: list[Counter[Gram]]) -> list[dict[Gram, float]]:
    """Return interpolated Witten-Bell probabilities of every counted sequence (Witten and Bell 1991)."""
    size = len(CLASSES)
    total = sum(counts[0].values())
    tables: list[dict[Gram, float]] = [
        {(i,): (counts[0][(i,)] + 0.5) / (total + 0.5 * size) for i in range(size)},
    ]
    for grams in counts[1:]:
        seen: Counter[Gram] = Counter()
        kinds: Counter[Gram] = Counter()
        for gram, number in grams.items():
            seen[gram[:-1]] += number
            kinds[gram[:-1]] += 1
        lower = tables[-1]
        tables.append(
            {
                gram: (number + kinds[gram[:-1]] * lower[gram[1:]]) / (seen[gram[:-1]] + kinds[gram[:-1]])
                for gram, number in grams.items()
            }
        )
    return tables


def prune(
    counts: list[Counter[Gram]], tables: list[dict[Gram, float]], threshold: float
) -> tuple[list[dict[Gram, float]], list[dict[Gram, float]]]:
    """Drop sequences whose loss costs less than `threshold` bits in all (Seymore and Rosenfeld 1996).

    Returns the kept probabilities and the back-off weights of the contexts that are left.
    """
    kept: list[dict[Gram, float]] = [tables[0]]
    weights: list[dict[Gram, float]] = [{}]
    for size in range(2, len(tables) + 1):
        table, number = tables[size - 1], counts[size - 1]
        chosen = {}
        for gram, probability in table.items():
            if size > 2 and number[gram] < 2:
                continue
            gain = number[gram] * math.log2(probability / backed_off(kept, weights, gram[1:]))
            if abs(gain) > threshold:
                chosen[gram] = probability
        kept.append(chosen)
        sums: dict[Gram, tuple[float, float]] = {}
        for gram, probability in chosen.items():
            one, lower = sums.get(gram[:-1], (0.0, 0.0))
            sums[gram[:-1]] = (one + probability, lower + backed_off(kept, weights, gram[1:]))
        weights.append({c: max(1e-6, 1 - one) / max(1e-6, 1 - lower) for c, (one, lower) in sums.items()})
    return kept, weights


def backed_off(kept: list[dict[Gram, float]], weights: list[dict[Gram, float]], gram: Gram) -> float:
    """Return the pruned model's probability of the last class of `gram` after the others."""
    factor = 1.0
    while len(gram) > 1:
        if len(gram) <= len(kept):
            found = kept[len(gram) - 1].get(gram)
            if found is not None:
                return factor * found
            factor *= weights[len(gram) - 1].get(gram[:-1], 1.0)
        gram = gram[1:]
    return factor * kept[0][gram]


def pack(kept: list[dict[Gram, float]], weights: list[dict[Gram, float]]) -> str:
    """Return the model file: classes, then for every length sorted keys, costs, context keys and context costs."""
    blob = bytearray()
    sizes = []
    for table, context in zip(kept, weights, strict=True):
        lists = [sorted((key(g), cost(p)) for g, p in found.items()) for found in (table, context)]
        for pairs in lists:
            keys = array("Q", (k for k, _ in pairs))
            if sys.byteorder == "big":
                keys.byteswap()
            blob += keys.tobytes() + bytes(c for _, c in pairs)
            sizes.append(len(pairs))
    payload = base64.b64encode(zlib.compress(bytes(blob), 9)).decode()
    return json.dumps({"classes": CLASSES, "order": len(kept), "sizes": sizes, "payload": payload}) + "\n"


def key(gram: Gram) -> int:
    """Return a sequence as one number, seven bits a class."""
    number = 0
    for part in gram:
        number = number << 7 | part
    return number


def cost(probability: float) -> int:
    """Return -log2 in steps of STEP, from 0 to 255, 64 standing for no cost (a back-off weight may be above one)."""
    return max(0, min(255, round(-math.log2(probability) / STEP) + 64))


def report(model: TokenModel, texts: list[str], rng: random.Random) -> None:
    """Print the figures on text that was kept out."""
    bits, tokens, better, tries, better_broken, broken = 0.0, 0, 0, 0, 0, 0
    for text in texts:
        scanned = scan(text)
        found = [t for t in scanned.tokens if t.kind is not TokenKind.COMMENT]
        classes = classes_of(found)
        bits += model.surprise(classes)
        tokens += len(classes)
        lines = text.split("\n")
        solid = [t for t in found if t.text and t.kind is not TokenKind.NEWLINE and "\n" not in t.text]
        for token in rng.sample(solid, min(6, len(solid))):
            row = token.line - 1
            damaged = lines[row][: token.column - 1] + lines[row][token.column - 1 + len(token.text) :]
            before, after = lines[max(0, row - 3) : row], lines[row + 1 : row + 3]
            inside = "".join(bracket.text for bracket in scanned.brackets_at(max(1, row - 2)))
            fine, bad = (
                model.surprise_of_lines(before, [line], after, open_brackets=inside, usual_bits=USUAL_BITS)
                for line in (lines[row], damaged)
            )
            worse = bad > fine
            tries += 1
            better += worse
            if compile_fault(text[: token.start] + text[token.end :]) is not None:
                broken += 1
                better_broken += worse
    print(f"held out: {len(texts)} files, {tokens} tokens, {bits / tokens:.3f} bits a token", end=" ")
    print(f"(perplexity {2 ** (bits / tokens):.2f})")
    print(f"one token deleted: the true line is less surprising in {better / tries:.1%} of {tries}", end=" ")
    print(f"({better_broken / max(1, broken):.1%} of the {broken} that no longer compile)")


def main(arguments: list[str] | None = None) -> int:
    """Train, write and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, action="append")
    parser.add_argument("--exclude", action="append", default=[])
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--threshold", type=float, default=40.0)
    parser.add_argument("--out", type=Path, default=DATA_FILE)
    options = parser.parse_args(arguments)
    sources = options.source or [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")]
    skipped = (*SKIPPED, *options.exclude)
    training: list[str] = []
    kept_out: list[str] = []
    for path, text in python_files(sources, skipped):
        (kept_out if is_held_out(path) else training).append(text)
    counts = count(training, options.order)
    kept, weights = prune(counts, estimate(counts), options.threshold)
    options.out.write_text(pack(kept, weights), "utf-8")
    sizes = " + ".join(str(len(table)) for table in kept)
    print(f"{len(training)} files, {sum(counts[0].values())} tokens, sequences kept: {sizes}", end=", ")
    print(f"{options.out.stat().st_size} bytes")
    report(TokenModel.read(options.out), kept_out, random.Random(1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
