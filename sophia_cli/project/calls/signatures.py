"""What a callable takes, and how a call fits it."""

from __future__ import annotations

from sophia_cli.core.values import dataclass
from sophia_cli.project.code.calls import Call, Keyword


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a callable, those that are filled already left out.

    `positional_only` counts the first of `positional` that no keyword fills. `required` are names without a default.
    """

    positional: tuple[str, ...] = ()
    positional_only: int = 0
    keyword_only: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    takes_more: bool = False
    takes_keywords: bool = False

    @property
    def by_keyword(self) -> tuple[str, ...]:
        """The names that a keyword may use."""
        return self.positional[self.positional_only :] + self.keyword_only


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with a call, and the parameters that it leaves open and a keyword may fill, in their order."""

    unknown: tuple[Keyword, ...] = ()
    missing: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.unknown or self.missing)


_FITS = Misfit()


def signature_of(parameters: str, bound: int = 0) -> Signature:
    """Return what `Function.parameters` says, the first `bound` positional ones left out."""
    positional: list[str] = []
    keyword_only: list[str] = []
    required: set[str] = set()
    positional_only = 0
    takes_more = takes_keywords = False
    names = positional
    for item in parameters.split(",") if parameters else ():
        if item == "/":
            positional_only = len(positional)
        elif item.startswith("**"):
            takes_keywords = True
        elif item.startswith("*"):
            takes_more = item != "*"
            names = keyword_only
        else:
            name = item.rstrip("=")
            names.append(name)
            if name == item:
                required.add(name)
    filled = positional[:bound]
    return Signature(
        tuple(positional[bound:]),
        max(0, positional_only - bound),
        tuple(keyword_only),
        frozenset(required.difference(filled)),
        takes_more,
        takes_keywords,
    )


def misfit_of(signature: Signature, call: Call) -> Misfit:
    """Return how a call fits; nothing is wrong where it passes more positional arguments than there are, for then
    nobody can tell which of them are meant."""
    positional = signature.positional
    if call.positional > len(positional):
        if not signature.takes_more:
            return Misfit()
        filled = set(positional)
    else:
        filled = set(positional[: call.positional])
    by_keyword = signature.by_keyword
    unknown: list[Keyword] = []
    for keyword in call.keywords:
        if keyword.name in by_keyword:
            filled.add(keyword.name)
        elif not signature.takes_keywords:
            unknown.append(keyword)
    if not unknown and signature.required <= filled:
        return _FITS
    unfilled = tuple(name for name in (*positional, *signature.keyword_only) if name not in filled)
    missing: tuple[str, ...] = ()
    if not call.has_double_star:
        certain = signature.keyword_only if call.has_star else unfilled
        missing = tuple(name for name in unfilled if name in signature.required and name in certain)
    given = {keyword.name for keyword in call.keywords}
    return Misfit(tuple(unknown), missing, tuple(name for name in by_keyword if name in unfilled and name not in given))
