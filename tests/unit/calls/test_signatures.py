"""How a call fits a signature: the law is Python itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.project.calls.signatures import misfit_of, signature_of
from sophia_cli.project.code.calls import Call, Expression, Keyword

NAMES = ("a", "b", "c", "d", "e")


@dataclass(frozen=True, slots=True)
class Written:
    """A signature as a `def` has it, and as facts have it."""

    parameters: str

    @property
    def in_python(self) -> str:
        return self.parameters.replace("=", "=0")


@st.composite
def signatures(draw: st.DrawFn) -> Written:
    positional = draw(st.integers(0, 3))
    defaults = draw(st.integers(0, positional))
    parts = [name + ("=" if index >= positional - defaults else "") for index, name in enumerate(NAMES[:positional])]
    only = draw(st.integers(0, positional))
    if only:
        parts.insert(only, "/")
    keyword_only = draw(st.integers(0, len(NAMES) - positional - 1))
    has_rest = draw(st.booleans())
    if has_rest or keyword_only:
        parts.append("*rest" if has_rest else "*")
    parts += [name + ("=" if draw(st.booleans()) else "") for name in NAMES[positional : positional + keyword_only]]
    if draw(st.booleans()):
        parts.append("**options")
    return Written(",".join(parts))


def call_with(positional: int, keywords: tuple[str, ...]) -> Call:
    given = tuple(Keyword(name, 1, 1) for name in keywords)
    return Call(Expression("f"), "f", 1, 1, positional, given)


@given(signatures(), st.integers(0, 4), st.lists(st.sampled_from((*NAMES, "z")), unique=True, max_size=4))
def test_a_call_is_wrong_when_python_says_so(written: Written, positional: int, keywords: list[str]) -> None:
    signature = signature_of(written.parameters)
    misfit = misfit_of(signature, call_with(positional, tuple(keywords)))
    if positional > len(signature.positional) and not signature.takes_more:
        assert not misfit.is_wrong
        return
    namespace: dict[str, object] = {}
    exec(f"def f({written.in_python}): pass", namespace)
    function = namespace["f"]
    assert callable(function)
    refusal = _refusal(function, positional, keywords)
    if misfit.is_wrong:
        assert refusal
    else:
        assert not refusal or "multiple values" in refusal


def _refusal(function: Callable[..., object], positional: int, keywords: list[str]) -> str:
    """Return what Python says against the call, empty when it works."""
    try:
        function(*[0] * positional, **dict.fromkeys(keywords, 0))
    except TypeError as error:
        return str(error)
    return ""


def test_bound_parameters_are_filled() -> None:
    signature = signature_of("self,a,/,b,c=,*,d", bound=1)
    assert signature.positional == ("a", "b", "c")
    assert signature.positional_only == 1
    assert signature.required == {"a", "b", "d"}


def test_stars_may_fill_what_the_text_does_not_show() -> None:
    signature = signature_of("a,*,b")
    star = Call(Expression("f"), "f", 1, 1, 0, (), has_star=True)
    double = Call(Expression("f"), "f", 1, 1, 0, (), has_double_star=True)
    assert misfit_of(signature, star).missing == ("b",)
    assert misfit_of(signature, double).missing == ()


def test_an_unknown_keyword_is_unknown_beside_stars_too() -> None:
    call = Call(Expression("f"), "f", 1, 1, 0, (Keyword("z", 1, 3),), has_star=True, has_double_star=True)
    assert misfit_of(signature_of("a,b"), call).unknown == (Keyword("z", 1, 3),)
