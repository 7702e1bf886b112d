"""Learn the repair engine's costs: which of the texts that compile would a person have chosen?

    python -m benchmarks.learn_costs collect ROWS.jsonl OUT.jsonl     search every row, keep its candidates' features
    python -m benchmarks.learn_costs fit --out costs.json OUT.jsonl[:WEIGHT] ...

A row is {id, repo, broken, fixed, min_fixed}. `collect` runs the search with wide limits under the present costs; a
candidate is right when its syntax tree equals that of `fixed` or `min_fixed`. `fit` maximises the conditional
log-likelihood of the right candidates (a softmax over each row's candidates), with a Gaussian prior, and reports the
accuracy on repositories left out in turn. Collect again under the fitted costs and fit again: two or three turns
settle. Needs numpy and scipy.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.learn_certainty import Judged, calibrate, judged, may_be_safe
from sophia_cli.fixers.syntax.compiler import quiet
from sophia_cli.fixers.syntax.costs import learned_costs
from sophia_cli.fixers.syntax.search import Limits, search
from sophia_cli.fixers.syntax.token_model import load_token_model

WIDE = Limits(beam=4, tries=110, passes=16, gap=7.0, finals=24, work=8_000_000)
MINIMUM = 3


def tree(text: str) -> str | None:
    """Return a comparable form of the text's syntax tree."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def candidates_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's candidates: features of changes and of the outcome, and whether each is right."""
    with quiet():
        found = search(row["broken"], learned_costs(), load_token_model(), WIDE)
    gold = {tree(row["fixed"]), tree(row.get("min_fixed") or row["fixed"])} - {None}
    merged: dict[str, dict[str, Any]] = {}
    for outcome in found:
        key = tree(outcome.text) or outcome.text
        if key not in merged:
            merged[key] = {
                "change": outcome.features,
                "outcome": outcome.outcome,
                "right": key in gold,
                "how": "; ".join(f"{c.op.value}:{c.detail}:{c.token}@{c.start + 1}" for c in outcome.changes),
                "operations": [(c.op.value, c.detail, c.token) for c in outcome.changes],
                "may-be-safe": may_be_safe(row["broken"], outcome),
            }
    return {"repo": row["repo"], "id": row["id"], "candidates": list(merged.values())}


def collect(source: Path, target: Path, every: int) -> None:
    """Search every row and write its candidates."""
    rows = [json.loads(line) for line in source.open(encoding="utf-8")][::every]
    right = 0
    with ProcessPoolExecutor(2) as pool, target.open("w", encoding="utf-8") as out:
        for found in pool.map(candidates_of, rows, chunksize=4):
            right += any(c["right"] for c in found["candidates"])
            out.write(json.dumps(found) + "\n")
    print(f"{len(rows)} rows, the right text among the candidates of {right}", file=sys.stderr)


def fit(sources: list[str], out: Path, strength: float, verbose: bool) -> None:
    """Fit the weights and report the accuracy on repositories left out."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.sparse import csr_matrix

    hopeless: list[dict[str, Any]] = []
    groups: list[tuple[str, float, list[dict[str, Any]], str]] = []
    for source in sources:
        name, _, weight = source.partition(":")
        for line in Path(name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            trains = any(c["right"] for c in row["candidates"]) and len(row["candidates"]) > 1
            if not trains and float(weight or 1) == 1 and row["candidates"]:
                hopeless.append(row)
            if any(c["right"] for c in row["candidates"]) and len(row["candidates"]) > 1:
                repo = row["repo"] if float(weight or 1) == 1 else ""
                groups.append((repo, float(weight or 1), row["candidates"], row.get("id", "")))
    names = Counter(key for _, _, cs, _ in groups for c in cs for key in _keys(c))
    index = {name: i for i, name in enumerate(sorted(n for n, k in names.items() if k >= MINIMUM))}
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    owner: list[int] = []
    right: list[bool] = []
    weights: list[float] = []
    number = 0
    for g, (_, share, candidates, _) in enumerate(groups):
        weights.append(share)
        for candidate in candidates:
            for key, value in _keys(candidate).items():
                if key in index and value:
                    rows.append(number)
                    columns.append(index[key])
                    values.append(value)
            owner.append(g)
            right.append(candidate["right"])
            number += 1
    matrix = csr_matrix((values, (rows, columns)), shape=(number, len(index)))
    owner_a, right_a, weights_a = np.array(owner), np.array(right), np.array(weights)
    stored = learned_costs()
    start = np.zeros(len(index))
    anchor = np.zeros(len(index))
    for key, i in index.items():
        part, _, name = key.partition("|")
        start[i] = (stored.change if part == "change" else stored.outcome).get(name, 0.0)
        if name in ANCHORS:
            anchor[i] = ANCHORS[name]

    def train(active: Any) -> Any:
        def objective(w: Any) -> tuple[float, Any]:
            score = -(matrix @ w)
            peak = np.full(len(groups), -np.inf)
            np.maximum.at(peak, owner_a, score)
            e = np.exp(score - peak[owner_a])
            total = np.bincount(owner_a, e, len(groups))
            good = np.bincount(owner_a, e * right_a, len(groups))
            use = active * weights_a
            value = float(np.sum(use * (np.log(total) - np.log(np.maximum(good, 1e-300)))))
            p = e / total[owner_a]
            q = e * right_a / np.maximum(good, 1e-300)[owner_a]
            gradient = matrix.T @ ((q - p) * use[owner_a])
            return value + strength * float(np.sum((w - anchor) ** 2)), gradient + 2 * strength * (w - anchor)

        return minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 400}).x

    def accuracy(w: Any, chosen: Any) -> float:
        score = -(matrix @ w)
        best: dict[int, tuple[float, bool]] = {}
        for i in range(number):
            g = owner[i]
            if chosen[g] and (g not in best or score[i] > best[g][0]):
                best[g] = (score[i], bool(right[i]))
        return sum(ok for _, ok in best.values()) / max(1, len(best))

    unseen: dict[str, float] = {}
    repos = sorted({repo for repo, _, _, _ in groups if repo})
    folds = [set(repos[i::5]) for i in range(5)]
    hits, size = 0.0, 0
    left_out: list[Judged] = []
    for fold in folds:
        outside = np.array([repo not in fold for repo, _, _, _ in groups], dtype=float)
        inside = np.array([repo in fold for repo, _, _, _ in groups])
        if inside.sum():
            w = train(outside)
            hits += accuracy(w, inside) * inside.sum()
            every = [(repo, candidates) for repo, _, candidates, _ in groups] + [
                (row["repo"], row["candidates"]) for row in hopeless
            ]
            left_out.extend(judged(_scored(candidates, index, w)) for repo, candidates in every if repo in fold)
            if verbose:
                _print_misses(-(matrix @ w), owner, right, inside, groups)
            size += int(inside.sum())
    w = train(np.ones(len(groups)))
    own = np.array([bool(repo) for repo, _, _, _ in groups])
    print(
        f"left-out accuracy {hits / max(1, size):.3f} of {size}; fitted {accuracy(w, own):.3f}; features {len(index)}"
    )
    for name, value in ANCHORS.items():
        index_name = f"change|{name}"
        if index_name not in index and f"outcome|{name}" not in index:
            unseen[name] = value
    result: dict[str, Any] = {"change": dict(unseen), "outcome": {}, "loss": LOSS}
    result["certainty"], result["safe"] = calibrate(left_out)
    for key, i in index.items():
        part, _, name = key.partition("|")
        if abs(w[i]) >= 0.005:
            result[part][name] = round(float(w[i]), 3)
    out.write_text(json.dumps(result, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def _scored(candidates: list[dict[str, Any]], index: dict[str, int], w: Any) -> list[tuple[float, dict[str, Any]]]:
    """Return a row's candidates with what they cost by the weights `w`."""
    return [
        (float(sum(w[index[key]] * value for key, value in _keys(one).items() if key in index)), one)
        for one in candidates
    ]


def _print_misses(score: Any, owner: list[int], right: list[bool], inside: Any, groups: list[Any]) -> None:
    """Print what was chosen and what was right, for repositories left out."""
    by_group: dict[int, list[int]] = {}
    for i, g in enumerate(owner):
        if inside[g]:
            by_group.setdefault(g, []).append(i)
    for g, members in by_group.items():
        best = max(members, key=lambda i: score[i])
        gold = max((i for i in members if right[i]), key=lambda i: score[i])
        if best != gold:
            row = groups[g]
            first = members[0]
            chosen, wanted = row[2][best - first]["how"], row[2][gold - first]["how"]
            print(f"{row[3]} chose {chosen} ({score[best] - score[gold]:.2f}) over {wanted}")


def _keys(candidate: dict[str, Any]) -> dict[str, float]:
    keys = {f"change|{name}": value for name, value in candidate["change"].items()}
    keys.update({f"outcome|{name}": value for name, value in candidate["outcome"].items()})
    return keys


# What losing a line of code costs beyond how plausible it is, in nats: a policy, not learned.
LOSS = 6.0

# Where nothing is learned of an operation, these stand: what loses code costs more than what adds or moves it.
ANCHORS = {
    "op:delete-line": 2.5,
    "op:delete-lines": 4.0,
    "op:comment-lines": 3.0,
    "op:delete-tokens": 2.0,
    "op:insert-pass": 1.5,
    "op:open-string": 1.5,
    "op:rewrite": 1.0,
    "op:add-header": 2.0,
    "lines-lost": 1.0,
    "lines-lost-log": 0.5,
    "tokens-removed": 0.4,
    "tokens-added": 0.3,
    "distance": 0.3,
    "op:insert-token:union": -2.0,
    "op:merge-conflict:stray": -1.0,
    "op:close-bracket:emptied": -2.0,
    "op:indent-run:within": -1.0,
    "op:move-line:statement": -1.5,
    "op:open-string:code-glued": 1.0,
    "op:reorder:injected": -0.6,
    "op:join-lines:plain-backslash": 2.0,
    "op:join-lines:plain": 1.0,
    "off-step": 2.0,
    "op:add-header/except": -2.0,
    "op:add-header/block": -1.0,
    "flips-docstrings/indent": 1.0,
    "flips-docstrings/invalid": 1.0,
    "flips-docstrings/except": 2.0,
    "import-dropped:used": 3.0,
    "gone:known": 0.5,
    "unresolved": 1.0,
    "no-effect": 1.0,
    "unreachable": 0.7,
    "string-no-effect": 0.7,
    "function-self": 1.5,
    "method-self": 0.7,
    "nested-def": 1.2,
    "op:add-async": -1.0,
    "op:indent-line:stray-method": -3.0,
    "op:delete-tokens:before": 1.0,
    "op:delete-token:glues": 2.0,
    "op:delete-token:text": 1.5,
    "op:delete-token:import": 2.0,
    "op:replace-token:joins": -1.0,
    "op:delete-token:await-in-function": 2.6,
    "op:add-async:sync": 3.0,
    "op:delete-tokens:twice": -1.5,
    "op:delete-tokens:twice-first": 0.5,
    "op:rewrite:nonlocal-name": -1.0,
    "op:move-line:import": -2.5,
    "op:move-line:import-edge": 2.5,
    "op:move-line:decorator": -2.0,
    "op:rewrite:lambda-all": -6.0,
    "op:uncomment-line:run": -2.5,
    "op:strip-markup:fence-comment": -4.0,
    "op:strip-markup:fences": 0.5,
    "op:strip-markup:sentences": -1.0,
    "op:strip-markup:shell": -2.0,
    "op:strip-markup:remark": -4.0,
    "op:close-bracket:field": -2.0,
    "op:open-bracket:in-word": -3.4,
    "op:replace-token:pair": -1.0,
    "op:close-string:earlier": -0.3,
    "op:open-string:rest": -3.0,
    "op:rewrite:print": -1.5,
    "op:rewrite:raise": -1.5,
    "op:rewrite:except": -1.5,
    "op:rewrite:declaration": -3.0,
    "op:rewrite:operators": -1.5,
    "op:rewrite:leading-zeros": -1.5,
    "op:move-line:docstring-first": -0.5,
    "op:move-line:global-all": -1.0,
    "op:delete-line:future-twice": -8.0,
    "foreign": 0.7,
    "loop-once": 0.5,
    "loop-else": 1.0,
    "falls-off": 0.4,
    "again": -0.7,
    "beside-comment": -0.8,
    "op:rewrite:relative": -2.0,
    "op:add-colon:moved": -0.5,
    "op:add-header:try": -2.5,
    "op:add-header:try-around": -1.0,
    "op:open-string:delimiter": -3.0,
    "op:join-lines:string-empty": -1.5,
    "op:rewrite:call": -1.5,
    "op:insert-token:choice": 0.5,
    "op:insert-token:choice-end": -1.0,
    "op:delete-tokens:at": 0.5,
    "op:delete-token:await-of-coroutine": 2.5,
    "op:close-string:third-alone": -1.0,
    "op:indent-run:outside-all": -1.5,
    "op:indent-run:outside-blank": -1.0,
    "token:replace-token:pass": 3.0,
    "token:replace-token:return": 2.0,
    "op:open-string:delimiter-further": -1.0,
    "closer-in-comment:close-bracket": 1.5,
    "closer-in-comment:uncomment-tail": -1.0,
    "op:merge-conflict:union": 0.5,
    "op:merge-conflict:union-alike": 0.5,
    "op:fix-quotes:triple-own": -1.5,
    "op:fix-quotes:escape-last": 2.0,
    "op:delete-lines:repeated": -5.0,
    "token:delete-lines:part": 1.0,
    "token:delete-lines:short": 3.0,
    "alone": -1.0,
    "op:add-header:def": 3.0,
    "op:open-bracket:line-end": -1.0,
    "op:open-string:prefix": -3.0,
    "op:rewrite:placeholder": -1.0,
    "op:fix-quotes:continued": -1.0,
    "op:close-bracket:before-dot": -1.0,
    "op:indent-run:above": 0.5,
}


def main() -> None:
    """Run one of the two steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    one = steps.add_parser("collect")
    one.add_argument("source", type=Path)
    one.add_argument("target", type=Path)
    one.add_argument("--every", type=int, default=1)
    two = steps.add_parser("fit")
    two.add_argument("sources", nargs="+")
    two.add_argument("--out", type=Path, required=True)
    two.add_argument("--strength", type=float, default=0.15)
    two.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    if arguments.step == "collect":
        collect(arguments.source, arguments.target, arguments.every)
    else:
        fit(arguments.sources, arguments.out, arguments.strength, arguments.verbose)


if __name__ == "__main__":
    main()
