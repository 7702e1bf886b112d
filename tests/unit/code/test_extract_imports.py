"""Imports of a file that compiles: each is told once, exactly where it stands and with what stands around it."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from sophia_cli.project.code.extract import surface_of
from sophia_cli.project.code.facts import Guard, ImportFact, ModuleSurface, Place, Scope


def surface(text: str) -> ModuleSurface:
    """Return the surface of a text, taken out of its indentation."""
    text = dedent(text)
    return surface_of(ast.parse(text), text)


def only(text: str) -> ImportFact:
    """Return the one import of a text."""
    (fact,) = surface(text).imports
    return fact


def cut(text: str, place: Place) -> str:
    """Return what stands at a place."""
    lines = text.split("\n")
    if place.line == place.end_line:
        return lines[place.line - 1][place.column - 1 : place.end_column - 1]
    first, last = lines[place.line - 1][place.column - 1 :], lines[place.end_line - 1][: place.end_column - 1]
    return "\n".join([first, *lines[place.line : place.end_line - 1], last])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("import shop.cart", "shop.cart"),
        ("import os, shop . cart as c", "shop . cart"),
        ("from shop.cart import Cart", "shop.cart"),
        ("from   .  import cart", "."),
        ("from.import cart", "."),
        ("from ...shop . cart import(\n    Cart,  # the cart\n    Line as L)", "...shop . cart"),
        ("from \\\n   shop.cart \\\n   import Cart", "shop.cart"),
        ("é = 'ünï'; from läden.é import x", "läden.é"),
    ],
)
def test_a_module_is_placed_where_it_is_written(text: str, written: str) -> None:
    fact = surface(text).imports[-1]
    assert cut(text, fact.module_place) == written
    assert fact.written == written.replace(" ", "")


def test_names_are_placed_without_what_they_are_called_here() -> None:
    text = "'é'; from shop import cart as basket, till"
    fact = only(text)
    assert [(cut(text, name.place), name.asname) for name in fact.names] == [("cart", "basket"), ("till", None)]
    assert cut(text, fact.place) == "from shop import cart as basket, till"


def test_a_plain_import_of_several_modules_is_a_fact_for_each() -> None:
    facts = surface("import a.b, c as d").imports
    assert [(fact.module, fact.asname, fact.is_from) for fact in facts] == [("a.b", None, False), ("c", "d", False)]


GUARDS = """
try:
    import a_try
    with opened() as file:
        import b_try
except (ValueError, ImportError):
    import c_fallback
    try:
        import d_try
    except Exception:
        pass
else:
    import e_try
finally:
    import f_none
try:
    import g_none
except ValueError:
    import h_none
try:
    x = 1
except Exception:
    import i_none
with contextlib.suppress(ModuleNotFoundError):
    import j_try
if typing.TYPE_CHECKING:
    import k_type_checking
    try:
        import l_type_checking
    except ImportError:
        pass
else:
    import m_none
if not TYPE_CHECKING:
    import n_none
else:
    import o_type_checking
if False:
    import p_type_checking
if sys.version_info >= (3, 12):
    import q_condition
elif os.name == "nt":
    import r_condition
if importlib.util.find_spec("s"):
    import s_condition
if settings.debug:
    import t_none
try:
    import fast
    fast_json = True
except ImportError:
    fast_json = False
if fast_json:
    import u_condition
try:
    def later():
        import v_none
    class Now:
        import w_try
except ImportError:
    pass
if WINDOWS or IS_MACOS:
    import y_condition
elif compat.LINUX:
    import z_condition
if is_linux():
    import za_condition
if POSITION:
    import zb_none
with pytest.raises(ImportError):
    import zc_expected
    def later(): import zd_none
with self.assertRaises((ValueError, ModuleNotFoundError)):
    import ze_expected
with pytest.raises(ValueError):
    import zf_none
@pytest.mark.xfail(reason="not yet")
def test():
    import zg_expected
@pytest.mark.slow
def test():
    import zh_none
yaml = pytest.importorskip("x_try")
import x_try.deep as x_try_deep
"""


def test_guards_tell_what_catches_or_switches_an_import() -> None:
    facts = [fact for fact in surface(GUARDS).imports if fact.module != "fast"]
    assert [fact.guard.value for fact in facts] == [
        (fact.asname or fact.module).removesuffix("_deep").split("_", 1)[1].replace("_", "-") for fact in facts
    ]
    assert len(facts) == 35


@pytest.mark.parametrize("last", ["raise", "raise SystemExit(1) from error", "sys.exit('install it')", "exit()"])
def test_a_handler_that_gives_up_makes_the_import_fatal(last: str) -> None:
    text = f"try:\n    import a\nexcept ImportError as error:\n    print(error)\n    {last}\n"
    assert (only(text).guard, only(text).is_fatal) == (Guard.TRY, True)
    outer = "try:\n" + "".join(f"    {line}\n" for line in text.splitlines()) + "except ImportError:\n    a = None\n"
    assert (only(outer).guard, only(outer).is_fatal) == (Guard.TRY, False)


def test_scopes_tell_when_an_import_runs() -> None:
    text = """
        import module
        class A:
            import class_
            def f(self):
                import function
                class B:
                    import function
        if "__main__" == __name__:
            import main
            def g(): import function
        """
    facts = surface(text).imports
    assert [fact.scope.value for fact in facts] == [fact.module.strip("_") for fact in facts]


def test_modules_that_calls_load_by_name_are_imports_that_bind_nothing() -> None:
    text = dedent("""
        jobs = importlib.import_module("shop.jobs").run
        def load():
            return __import__('shop.late')
        beside = import_module(".beside", __package__)
        above = import_module("..above", "shop.a.b")
        """)
    found = surface_of(ast.parse(text), text)
    assert [(fact.written, fact.scope) for fact in found.imports] == [
        ("shop.jobs", Scope.MODULE),
        ("shop.late", Scope.FUNCTION),
        (".beside", Scope.MODULE),
        ("shop.a.above", Scope.MODULE),
    ]
    assert all(fact.is_call for fact in found.imports)
    assert cut(text, found.imports[1].module_place) == "shop.late"
    assert {binding.name for binding in found.bindings} == {"jobs", "load", "beside", "above"}


def test_names_built_at_run_time_reach_what_they_begin_with() -> None:
    text = """
        import_module(f"shop.plugins.{name}")
        import_module("shop.jobs." + name)
        import_module("shop.%s.main" % name)
        import_module(f"{__name__}.{name}")
        import_module(name)
        """
    assert surface(text).strings == ("shop.plugins.*", "shop.jobs.*", "shop.*", ".*")


def test_strings_that_may_name_a_module_are_told_once() -> None:
    text = """
        run("shop.main:app"); run('shop.main:app'); run("main:app")
        APPS = ["shop.apps.Cart", "two words.here", "settings.yaml", "plain", "a/b.c"]
        """
    assert surface(text).strings == ("shop.main:app", "main:app", "shop.apps.Cart")


def test_a_long_chain_of_conditions_is_read_to_its_end() -> None:
    branches = "".join(f"elif x == {number}:\n    import a{number}\n    a{number}.b\n" for number in range(1500))
    found = surface("if x:\n    pass\n" + branches + "else:\n    import last\n    last.b\n")
    assert (len(found.imports), found.early_uses[-1].dotted) == (1501, "last.b")


def test_uses_on_import_are_told_and_later_ones_are_not() -> None:
    text = """
        import os, shop.base, shop.till as till
        from . import models
        from .kinds import Kind
        class Cart(shop.base.Base, metaclass=till.Meta):
            rows = models.rows()
            @till.timed
            def total(self, tax=Kind.tax): return models.later
        late = lambda: models.never
        if TYPE_CHECKING:
            x = models.typed
        else:
            x = models.untyped
        if __name__ == "__main__":
            models.run()
        os.getcwd()
        def f(x: models.Note) -> None: ...
        """
    expected = {
        "shop.base.Base",
        "shop.till.Meta",
        ".models.rows",
        "shop.till.timed",
        ".kinds.Kind.tax",
        ".models.untyped",
    }
    assert {use.dotted for use in surface(text).early_uses} == expected | {".models.Note"}
    deferred = "from __future__ import annotations\n" + dedent(text)
    assert {use.dotted for use in surface(deferred).early_uses} == expected
