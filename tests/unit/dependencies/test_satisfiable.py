"""Whether some version satisfies several specifiers at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from sophia_cli.project.dependencies.satisfiable import admits, are_satisfiable

_VERSIONS = [f"{major}.{minor}" for major in range(3) for minor in range(4)] + ["1.2.1", "1.2.9", "2.0rc1", "1.0.post1"]
_CLAUSES = st.builds(
    "{}{}".format, st.sampled_from([">=", "<=", "<", ">", "==", "!=", "~="]), st.sampled_from(_VERSIONS)
)


@pytest.mark.parametrize(
    ("specifiers", "expected"),
    [
        ((">=2", "<2"), False),
        ((">=2", "<=2"), True),
        ((">1.9", "<2", "!=1.9.1"), True),
        (("==1.4.*", ">1.4.99"), True),
        (("~=2.2", "<2.2"), False),
        (("==2.0rc1", ">=2.0"), False),
        (("==2.0rc1", ">=1.9"), True),
        ((">=0.0.270,<0.0.271", ">=0.0.292"), False),
        (("===1.0-local", ">=2"), True),
        (("nonsense", ">=2"), True),
        (("", ""), True),
    ],
)
def test_ranges_that_share_a_version_are_told_from_those_that_do_not(
    specifiers: tuple[str, ...], expected: bool
) -> None:
    assert are_satisfiable(specifiers) is expected


@given(specifiers=st.lists(_CLAUSES, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_no_version_is_overlooked(specifiers: list[str]) -> None:
    wanted = SpecifierSet(",".join(specifiers), prereleases=True)
    found = [version for version in _VERSIONS if wanted.contains(Version(version), prereleases=True)]
    assert are_satisfiable(specifiers) or not found


def test_a_version_that_cannot_be_read_is_not_admitted() -> None:
    assert admits(">=1", "1.2")
    assert not admits(">=1", "0.9")
    assert not admits(">=1", "soon")
