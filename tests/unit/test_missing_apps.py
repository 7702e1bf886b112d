"""An `app` that does not exist is an error with the line of the settings file."""

from __future__ import annotations

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.project.settings.missing_apps import missing_apps
from sophia_cli.project.settings.parser import parse_settings

SHOP = {
    "shop/__init__.py": "",
    "shop/main.py": "from fastapi import FastAPI\nif True:\n    app = FastAPI()\n\ndef make(): return app\n",
    "shop/stars.py": "from shop.main import *\n",
    "shop/late.py": "def __getattr__(name): return 1\n",
    "shop/broken.py": "app = (\n",
    "shop/typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.main import app\n",
    "services/till/web.py": "app = 1\n",
}


def errors(
    app: str, *, cwd: str = ".", file: str = "sophia.toml", environment: str | None = None
) -> tuple[UsageError, ...]:
    front = "tool.sophia." if file == "pyproject.toml" else ""
    text = (
        f'[{front}services.first]\ncommand = ["python", "x.py"]\n[{front}services.web]\ncwd = "{cwd}"\napp = "{app}"\n'
    )
    if environment is not None:
        text = text.replace(app, "shop.main:app") + f'[environments.{environment}.services.web]\napp = "{app}"\n'
    files = {**SHOP, file: text}

    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    settings = parse_settings(text, file)
    return missing_apps(
        settings, SHOP, ("",), read, environment=environment, is_installed=lambda module: module == "installed_pkg"
    )


@pytest.mark.parametrize(
    "app",
    [
        "shop.main:app",
        "shop.main:make()",
        "shop.main:app.inner",
        "shop.stars:anything",
        "shop.late:anything",
        "shop.broken:anything",
        "shop:main",
        "installed_pkg.web:app",
    ],
)
def test_nothing_is_said_about_an_app_that_is_there_or_may_be(app: str) -> None:
    assert errors(app) == ()


def test_a_module_counts_from_the_working_folder() -> None:
    assert errors("web:app", cwd="services/till") == ()
    assert errors("web:app")[0].reference == "app-missing"


@pytest.mark.parametrize(
    ("app", "reference", "hint"),
    [
        ("shop.mian:app", "app-missing", "did you mean `shop.main`?"),
        ("main:app", "app-missing", "did you mean `shop.main`?"),
        ("nothing.like.it:app", "app-missing", "modules count from `cwd`, then from the project root"),
        ("shop.main:ap", "app-name-missing", "did you mean `app`?"),
        ("shop.typed:app", "app-name-missing", "the file binds nothing that looks like it"),
    ],
)
def test_an_app_that_is_not_there_is_an_error_with_its_line(app: str, reference: str, hint: str) -> None:
    (error,) = errors(app)
    assert (error.reference, error.hint, error.location) == (reference, hint, "sophia.toml:5:7")


def test_the_line_is_found_in_pyproject_and_in_an_environment() -> None:
    assert errors("nowhere:app", file="pyproject.toml")[0].location == "pyproject.toml:5:7"
    assert errors("nowhere:app", environment="blue")[0].location == "sophia.toml:7:7"
