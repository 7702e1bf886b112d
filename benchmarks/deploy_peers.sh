#!/bin/sh
# Installs the supervisors that `python -m benchmarks.deploy_table --peers FOLDER` measures beside Sophia:
#
#     sh benchmarks/deploy_peers.sh FOLDER
#
# supervisord and circus into an environment in FOLDER, pm2 beside it (needs node and npm). wrk comes from Debian.
set -eu
folder=${1:?name a folder}
python3 -m venv "$folder"
"$folder/bin/pip" install supervisor circus
npm install --prefix "$folder" pm2
