#!/usr/bin/env bash
# Measures the gateway, published as the container has it, beside nginx and bare YARP. Installs what it needs and lacks.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 PATH="$PATH:/usr/sbin"

command -v dotnet >/dev/null || { echo "The .NET 10 SDK is needed: https://dotnet.microsoft.com/download" >&2; exit 1; }
command -v wrk >/dev/null && command -v nginx >/dev/null || { apt-get update -qq && apt-get install -y -qq wrk nginx >/dev/null; }

arch=$(uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/')
for project in src/Lumiku.Gateway bench/Lumiku.Gateway.Bench; do
  dotnet publish "$project" -c Release -r "linux-$arch" --self-contained false -p:PublishReadyToRun=true \
    -o "artifacts/bench/$(basename "$project")" --nologo -clp:ErrorsOnly -v quiet
done

# Two thousand waiting requests are four thousand connections of the gateway.
ulimit -n "$(ulimit -Hn)"
exec dotnet artifacts/bench/Lumiku.Gateway.Bench/Lumiku.Gateway.Bench.dll run --gateway "$PWD/artifacts/bench/Lumiku.Gateway/Lumiku.Gateway.dll" "$@"
