"""What pip says when it fails, as one error that a person can act on: who wants what, what is missing, what is down."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sophia_cli.core.errors import SophiaError, UnavailableError, UsageError
from sophia_cli.project.dependencies.names import normalised, parse_requirement
from sophia_cli.project.packages.redaction import without_secrets
from sophia_cli.project.packages.wishes import Wish

_CAUSES = re.compile(r"The conflict is caused by:\n((?:[ \t]+\S.*\n)+)")
_USER = re.compile(r"The user requested (?:\(constraint\) )?(.+)")
_NEEDS = re.compile(r"(\S+) (\S+) depends on (.+)")
_MISSING = re.compile(r"No matching distribution found for ([^\n]+)")
_VERSIONS = re.compile(r"Could not find a version that satisfies the requirement .*\(from versions: ([^)]*)\)")
_NETWORK = re.compile(
    r"connection broken by|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|ProxyError"
    r"|SSLError|Max retries exceeded|Temporary failure in name resolution|Network is unreachable|HTTP error 5\d\d"
)
_REASON = re.compile(
    r"(Connection refused|Name or service not known|Temporary failure in name resolution|Network is unreachable"
    r"|No route to host|timed out|CERTIFICATE_VERIFY_FAILED|Tunnel connection failed: [^'\")]*|HTTP error 5\d\d)"
)
_REFUSED = re.compile(r"HTTP error (40[13])|(?:status code:?|Client Error) ?(40[13])|\b(40[13]) (?:Client )?Error")
_MOST_VERSIONS = 6


def resolving_failed(said: str, wishes: Sequence[Wish]) -> SophiaError:
    """Return the error for pip's words when it found no versions."""
    if _NETWORK.search(said):
        return index_unreachable(said)
    if causes := _CAUSES.findall(said):
        return UsageError(
            "packages-conflict",
            f"the requirements contradict each other: {explained(causes[-1], wishes)}",
            hint="change one, or name a part of the project (`sophia fix FOLDER --install`); nothing was changed",
            location=_first_place(causes[-1], wishes),
        )
    if missing := _MISSING.findall(said):
        return _not_found(missing[-1].strip(), said, wishes)
    if _REFUSED.search(said):
        return UnavailableError(
            "index-refused",
            "the package index refuses the access",
            hint="look at the credentials in your pip configuration; nothing was installed or changed",
        )
    return UnavailableError(
        "resolver-failed",
        f"no versions were found: {last_words(said)}",
        hint="nothing was installed or changed; `sophia fix` without `--install` mends the files",
    )


def installing_failed(said: str) -> SophiaError:
    """Return the error for pip's words when it could not download or install what was resolved."""
    if _NETWORK.search(said):
        return index_unreachable(said)
    if "DO NOT MATCH THE HASHES" in said:
        return UnavailableError(
            "package-hash-mismatch",
            "the package index gave a file that has another hash than the one it announced",
            hint="somebody changed it on the way, or the index is out of step; nothing was installed",
        )
    return UnavailableError(
        "install-failed",
        f"the packages could not be installed: {last_words(said)}",
        hint="everything is as it was before; `sophia fix` without `--install` mends the files",
    )


def index_unreachable(said: str) -> UnavailableError:
    """Return the error for an index that does not answer."""
    reason = _REASON.search(said)
    return UnavailableError(
        "index-unreachable",
        f"the package index cannot be reached{f': {reason[1].strip().lower()}' if reason else ''}",
        hint="look at the network and at your pip configuration (`pip config list`); nothing was installed or changed",
    )


def explained(causes: str, wishes: Sequence[Wish]) -> str:
    """Return who wants what, from pip's list of causes, in one paragraph."""
    sentences: list[str] = []
    subjects: list[str] = []
    for line in causes.splitlines():
        words = line.strip()
        if found := _USER.fullmatch(words):
            asked = _as_written(found[1])
            place = ", ".join(f"`{one}`" for one in _places(asked, wishes)) or "the project"
            sentences.append(f"{place} asks for `{asked}`")
            subjects.append(_name(asked))
        elif found := _NEEDS.fullmatch(words):
            origin = _places_of(found[1], wishes)
            who = f" (asked for by {', '.join(f'`{one}`' for one in origin)})" if origin else ""
            needed = _as_written(found[3])
            sentences.append(f"`{found[1]}` {found[2]}{who} needs `{needed}`")
            subjects.append(_name(needed))
    if not sentences:
        return " ".join(causes.split())
    name = max(dict.fromkeys(subjects), key=subjects.count)
    return f"no version of `{name}` suits everybody: {'; '.join(dict.fromkeys(sentences))}"


def last_words(said: str) -> str:
    """Return the last line that says something went wrong, without secrets."""
    lines = [line.strip() for line in without_secrets(said).splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error:", "fatal:"))]
    return ((errors or lines or ["the tool said nothing"])[-1]).removeprefix("ERROR: ")


def _not_found(wanted: str, said: str, wishes: Sequence[Wish]) -> SophiaError:
    places = _places(wanted, wishes)
    who = f", which `{places[0]}` asks for" if places else ""
    versions = [found for found in _VERSIONS.findall(said) if found != "none"]
    if versions:
        known = versions[-1].split(", ")
        shown = ", ".join(known[-_MOST_VERSIONS:])
        reason = f"there are {'only ' if len(known) <= _MOST_VERSIONS else 'among others '}{shown}"
        hint = "ask for one of these; versions for other Pythons and those without a wheel do not count"
    else:
        reason = "the package index has no wheel of it for this Python"
        hint = f"check the spelling; if it comes as source only, `--allow-build {_name(wanted)}` lets its code run"
    return UsageError(
        "package-not-found",
        f"nothing satisfies `{without_secrets(wanted)}`{who}: {reason}",
        hint=f"{hint}; nothing was installed or changed",
        location=places[0] if places else None,
    )


def _places(requirement: str, wishes: Sequence[Wish]) -> tuple[str, ...]:
    """Return where the project writes this very requirement; where it names the package when none is equal."""
    wanted = _key(requirement)
    exact = tuple(dict.fromkeys(wish.place for wish in wishes if _key(wish.line) == wanted))
    return exact or _places_of(_name(requirement), wishes)


def _places_of(name: str, wishes: Sequence[Wish]) -> tuple[str, ...]:
    wanted = normalised(name.partition("[")[0])
    return tuple(dict.fromkeys(wish.place for wish in wishes if wish.name == wanted))


def _first_place(causes: str, wishes: Sequence[Wish]) -> str | None:
    for line in causes.splitlines():
        found = _USER.fullmatch(line.strip())
        if found and (places := _places(_as_written(found[1]), wishes)):
            return places[0]
    return None


def _as_written(requirement: str) -> str:
    """Return a requirement that pip wrote as a sentence (`a<2 and >=1`) as a declaration has it."""
    return requirement.replace(" and ", ",").replace(", ", ",")


def _name(requirement: str) -> str:
    parsed = parse_requirement(requirement)
    return requirement if isinstance(parsed, str) else normalised(parsed.name)


def _key(requirement: str) -> tuple[str, frozenset[str]]:
    parsed = parse_requirement(requirement)
    if isinstance(parsed, str):
        return requirement, frozenset()
    clauses = frozenset("".join(clause.split()) for clause in parsed.specifier.split(",") if clause.strip())
    return normalised(parsed.name), clauses
