#!/bin/sh
# Installs the supervisors that `python -m benchmarks.deploy_table --peers FOLDER` measures beside Sophia:
#
#     sh benchmarks/deploy_peers.sh FOLDER
#
# supervisord and circus into an environment in FOLDER, pm2 beside it (needs node and npm). s6 and wrk come from Debian
# (`apt-get install s6 wrk`).
set -eu
folder=${1:?name a folder}
python3 -m venv "$folder"
"$folder/bin/pip" install supervisor circus
npm install --prefix "$folder" pm2
for program in s6-svscan s6-svc; do
  found=$(command -v "$program") && ln -sf "$found" "$folder/bin/$program" || echo "$program is not installed"
done
