"""What Conda calls otherwise: packages that hold the distribution of another name, or none that Python imports."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sophia_cli.project.dependencies.names import normalised

_OTHERWISE_NAMED = """
pytorch=torch pytorch-cpu=torch pytorch-gpu=torch opencv=opencv-python py-opencv=opencv-python pytables=tables
python-graphviz=graphviz matplotlib-base=matplotlib dask-core=dask py-xgboost=xgboost msgpack-python=msgpack
python-kafka=kafka-python python-flatbuffers=flatbuffers pyqt=pyqt5 tensorflow-gpu=tensorflow tensorflow-base=tensorflow
uvicorn-standard=uvicorn faiss=faiss-cpu mysql-connector=mysql-connector-python python-lmdb=lmdb pillow-simd=pillow
numpy-base=numpy seaborn-base=seaborn plotly-express=plotly pyarrow-core=pyarrow
docker-py=docker redis-py=redis python-blosc=blosc python-xxhash=xxhash python-tzdata=tzdata python-build=build
python-duckdb=duckdb python-fastjsonschema=fastjsonschema python-installer=installer python-igraph=igraph
python-isal=isal python-zstd=zstd pysoundfile=soundfile
"""
# Interpreters, libraries in C and programs that share a name with a distribution or are no package at all.
_NO_DISTRIBUTIONS = frozenset(
    {"python", "python-abi", "pip", "cudatoolkit", "gcc", "gxx", "make", "cmake", "git", "nodejs", "r-base"}
    | {"graphviz", "lmdb", "flatbuffers", "hdf5", "tesseract", "cairo", "icu", "jq", "sqlite", "yaml", "snappy"}
)


def distribution_of(package: str) -> str | None:
    """Return the normalised name of the distribution that a Conda package holds, None where it holds none for sure.

    Most packages are called like their distribution. That is good enough to take it for declared, not to install it.
    """
    name = normalised(package)
    return None if name in _NO_DISTRIBUTIONS else _renamed().get(name, name)


@cache
def _renamed() -> Mapping[str, str]:
    return dict(word.split("=") for word in _OTHERWISE_NAMED.split())
