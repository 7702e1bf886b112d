"""A declared distribution is used by nothing.

## What it does

Finds distributions that the project declares to run, while no file imports them and nothing names them: no string in
the code, no settings of a tool, no container file, workflow or script. Distributions that work without being imported
are left out: servers, database drivers, plugins, type stubs, engines that other libraries load, pins of what others
need.

Only distributions whose import names are known are judged.

## Why is this bad

Every distribution makes installation slower and widens what can break or be attacked.

## Example

```text
fastapi
arrow
```

with code that imports only `fastapi`.

## Fix safety

There is no fix: a person must judge whether something needs it at run time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.findings import Category, Finding, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of
from sophia_cli.fixers.rules.dependencies._entries import entries, region
from sophia_cli.project.dependencies.formats import format_of, is_usual
from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role
from sophia_cli.project.dependencies.names import normalised

# Families that work through entry points, settings or another library.
_WORKS_UNSEEN = re.compile(
    r"types-.*|.*-stubs|pytest.*|flake8.*|pep8.*|mypy.*|pylint.*|sphinx.*|mkdocs.*|myst-.*|opentelemetry-.*|django-.*"
    r"|setuptools.*|hatch.*|poetry.*|pdm.*|flit.*|tox.*|nox.*|pre-commit.*|.*-binary|.*-plugin.*|.*-backend.*"
    r"|apache-airflow-providers-.*|llama-index-.*|langchain-.*|jupyter.*|kedro-.*|nvidia-.*|robotframework-.*|dbt-.*"
)
_NEEDED_UNSEEN = """
uvicorn gunicorn hypercorn daphne waitress uwsgi granian gevent eventlet supervisor circus honcho uvloop httptools
watchfiles watchdog websockets wsproto h2 h11 python-multipart multipart email-validator itsdangerous orjson ujson
jinja2 markupsafe aiofiles whitenoise brotli zstandard hiredis cchardet chardet aiodns certifi urllib3 idna
cryptography pyopenssl greenlet psycopg2 psycopg psycopg-c asyncpg pg8000 pymysql mysqlclient mysql-connector-python
aiomysql aiosqlite pyodbc oracledb cx-oracle redshift-connector sqlalchemy-redshift snowflake-sqlalchemy
duckdb-engine lxml html5lib openpyxl xlrd xlsxwriter xlwt pyarrow fastparquet tables tabulate numexpr bottleneck
pillow scipy protobuf grpcio grpcio-tools sentencepiece accelerate bitsandbytes safetensors tiktoken tzdata colorama
wheel pip uv ipykernel ipython notebook black isort ruff mypy flake8 pylint coverage bandit safety pip-tools twine
build tox nox python-dotenv typing-extensions importlib-metadata zipp six passlib bcrypt argon2-cffi python-jose
pyjwt dnspython pysocks requests-toolbelt newrelic ddtrace sentry-sdk alembic celery flower redis kombu boto3 s3fs
gcsfs adlfs fsspec pandas numpy torch cython swig ninja cmake pybind11 packaging attrs rich psutil kaleido pywin32
dask distributed
"""


def check(view: ProjectView) -> Iterator[Finding]:
    """Yield a finding for each distribution that nothing imports or names."""
    imported = {normalised(part) for part in set(_imported(view))}
    candidates: list[tuple[Declaration, Requirement, tuple[str, ...]]] = []
    for declaration, requirement in entries(view):
        names = _import_names(view, requirement.name)
        if not names or not _is_judged(declaration, requirement) or requirement.name in view.dependencies.own:
            continue
        if any(normalised(name) in imported for name in names) or requirement.name in imported:
            continue
        candidates.append((declaration, requirement, names))
    if not candidates:
        return
    unnamed = {
        requirement.name: {word.lower() for word in (requirement.name, requirement.written, *names)}
        for _, requirement, names in candidates
    }
    for text in _texts(view):
        for name in [name for name, words in unnamed.items() if any(_stands_in(word, text) for word in words)]:
            del unnamed[name]
    for declaration, requirement, _ in candidates:
        if requirement.name in unnamed:
            yield finding_of(
                RULE,
                declaration.path,
                region(requirement),
                f"nothing imports or names `{requirement.written}`",
                data={"distribution": requirement.name},
            )


def _is_judged(declaration: Declaration, requirement: Requirement) -> bool:
    if requirement.role is not Role.MAIN or requirement.url is not None or declaration.is_compiled:
        return False
    if not is_usual(declaration.path) or declaration.format is Format.CONDA or requirement.is_conda:
        return False
    unseen = _NEEDED_UNSEEN.split()
    return requirement.name not in unseen and not _WORKS_UNSEEN.fullmatch(requirement.name)


def _import_names(view: ProjectView, name: str) -> tuple[str, ...]:
    installed = view.dependencies.environment.distributions.get(name)
    known = installed.imports if installed is not None else ()
    return tuple(dict.fromkeys((*known, *view.dependencies.names.imports_of(name))))


def _imported(view: ProjectView) -> Iterator[str]:
    """Yield every dotted name that any file imports, with all its leading parts."""
    facts = (fact for file in view.files.values() for fact in file.surface.imports)
    names = {name for fact in facts for name in (fact.module, *(f"{fact.module}.{one.name}" for one in fact.names))}
    for name in names:
        part = name
        while part:
            yield part
            part = part.rpartition(".")[0]


def _stands_in(lower: str, text: str) -> bool:
    """Whether a word stands in a text, both in lower case, by itself."""
    return lower in text and re.search(rf"(?<![\w-]){re.escape(lower)}(?![\w-])", text) is not None


def _texts(view: ProjectView) -> Iterator[str]:
    """Yield, in lower case, every text of the project without what it declares."""
    for path, data in view.documents.items():
        if format_of(path) not in (Format.LOCK, Format.REQUIREMENTS, Format.CONDA, Format.PIPFILE):
            yield _without_entries(view, path, data).lower()
    for path in view.files:
        source = None if path.rpartition("/")[2] == "setup.py" else view.sources.text(path)
        if source is not None:
            yield source.text.lower()


def _without_entries(view: ProjectView, path: str, data: bytes) -> str:
    declaration = view.dependencies.declared.files.get(path)
    for requirement in reversed(declaration.requirements if declaration else ()):
        data = data[: requirement.span.start] + b" " + data[max(requirement.span.end, requirement.span.start) :]
    return data.decode("utf-8", "replace")


RULE = ProjectRule(
    id="SPH305",
    name="unused-dependency",
    category=Category.SUSPICIOUS,
    severity=Severity.NOTE,
    summary="A declared distribution is used by nothing",
    check=check,
    manual=__doc__ or "",
)
