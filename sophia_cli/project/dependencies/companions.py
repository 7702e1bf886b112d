"""Distributions that come along with others, for where no metadata tells: what each of a few widely used ones needs.

Source: `Requires-Dist` of the distributions named. A guess too few only makes a message less helpful.
"""

from __future__ import annotations

from collections.abc import Iterable

_NEEDS = {
    "aiohttp": "aiohappyeyeballs aiosignal attrs frozenlist multidict propcache yarl",
    "anthropic": "anyio distro httpx jiter pydantic sniffio typing-extensions",
    "beautifulsoup4": "soupsieve typing-extensions",
    "boto3": "botocore jmespath s3transfer",
    "celery": "billiard click kombu vine",
    "django": "asgiref sqlparse",
    "fastapi": "annotated-doc pydantic pydantic-core starlette typing-extensions anyio",
    "flask": "blinker click itsdangerous jinja2 markupsafe werkzeug",
    "gitpython": "gitdb smmap",
    "httpx": "anyio certifi h11 httpcore idna sniffio",
    "jinja2": "markupsafe",
    "jsonschema": "attrs jsonschema-specifications referencing rpds-py",
    "langchain": "langchain-core langchain-text-splitters langsmith pydantic pyyaml requests sqlalchemy",
    "litellm": "openai httpx jinja2 tiktoken tokenizers pydantic",
    "matplotlib": "contourpy cycler fonttools kiwisolver numpy packaging pillow pyparsing python-dateutil",
    "mcp": "anyio httpx httpx-sse pydantic pydantic-settings sse-starlette starlette uvicorn",
    "openai": "anyio distro httpx jiter pydantic sniffio tqdm typing-extensions",
    "pandas": "numpy python-dateutil pytz tzdata",
    "pydantic": "annotated-types pydantic-core typing-extensions",
    "pytest": "iniconfig packaging pluggy pygments",
    "requests": "certifi charset-normalizer idna urllib3",
    "rich": "markdown-it-py pygments",
    "scikit-learn": "joblib numpy scipy threadpoolctl",
    "scipy": "numpy",
    "scrapy": "itemadapter itemloaders lxml parsel queuelib twisted w3lib zope-interface cryptography pyopenssl",
    "sphinx": "alabaster babel docutils imagesize jinja2 packaging pygments requests snowballstemmer",
    "sqlmodel": "pydantic sqlalchemy typing-extensions",
    "opentelemetry-exporter-otlp": "opentelemetry-exporter-otlp-proto-grpc opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-exporter-otlp-proto-grpc": "grpcio opentelemetry-api opentelemetry-proto opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry-api opentelemetry-proto opentelemetry-sdk requests",
    "opentelemetry-sdk": "opentelemetry-api opentelemetry-semantic-conventions typing-extensions",
    "sqlalchemy": "greenlet typing-extensions",
    "starlette": "anyio typing-extensions",
    "torch": "filelock fsspec jinja2 networkx sympy typing-extensions",
    "transformers": "filelock huggingface-hub numpy packaging pyyaml regex requests safetensors tokenizers tqdm",
    "typer": "click rich shellingham typing-extensions",
    "uvicorn": "click h11",
}
_BROUGHT_BY_EXTRAS = {
    "aiohttp[speedups]": "aiodns brotli",
    "celery[redis]": "redis kombu",
    "dask[complete]": "bokeh distributed jinja2 lz4 numpy pandas pyarrow",
    "dask[dataframe]": "numpy pandas pyarrow",
    "fastapi-users[sqlalchemy]": "fastapi-users-db-sqlalchemy sqlalchemy",
    "fastapi[all]": "email-validator fastapi-cli httpx itsdangerous jinja2 orjson pydantic-extra-types"
    " pydantic-settings python-multipart pyyaml ujson uvicorn",
    "fastapi[standard]": "email-validator fastapi-cli httpx jinja2 pydantic-extra-types pydantic-settings"
    " python-multipart uvicorn",
    "httpx[http2]": "h2",
    "httpx[socks]": "socksio",
    "mcp[cli]": "python-dotenv typer",
    "pandas[excel]": "odfpy openpyxl python-calamine pyxlsb xlrd xlsxwriter",
    "pandas[parquet]": "pyarrow",
    "psycopg[binary]": "psycopg-binary",
    "psycopg[pool]": "psycopg-pool",
    "pydantic[email]": "email-validator",
    "requests[socks]": "pysocks",
    "sqlalchemy[asyncio]": "greenlet",
    "sqlalchemy[mysql]": "mysqlclient",
    "sqlalchemy[postgresql-asyncpg]": "asyncpg greenlet",
    "sqlalchemy[postgresql-psycopg2binary]": "psycopg2-binary",
    "sqlalchemy[postgresql-psycopgbinary]": "psycopg psycopg-binary",
    "sqlalchemy[postgresql]": "psycopg2",
    "starlette[full]": "httpx itsdangerous jinja2 python-multipart pyyaml",
    "strawberry-graphql[fastapi]": "fastapi python-multipart",
    "transformers[torch]": "accelerate torch",
    "uvicorn[standard]": "httptools python-dotenv pyyaml uvloop watchfiles websockets",
}
_GOOGLE = (
    "google-api-core google-auth google-cloud-core googleapis-common-protos grpcio grpcio-status proto-plus protobuf"
)


def companion_of(distribution: str, declared: Iterable[str]) -> str | None:
    """Return the first declared distribution that is known to need this one, None when none is."""
    for name in declared:
        if distribution in _NEEDS.get(name, "").split():
            return name
        if distribution in _GOOGLE.split() and name.startswith("google-cloud-") and name != distribution:
            return name
    return None


def brought_by_extra(distribution: str, extra: str) -> frozenset[str]:
    """Return the distributions that an extra is known to bring; normalised names, as those that are given."""
    return frozenset(_BROUGHT_BY_EXTRAS.get(f"{distribution}[{extra}]", "").split())
