#!/usr/bin/env bash
# Builds with warnings as errors, checks the formatting, runs every test. Installs what it needs and lacks.
# With --long, Redis's faults last thirty seconds, settings change for a minute, five hundred files are broken, ten thousand images are
# damaged, ten thousand stories told to the ledger, replicas restarted under generations of 90 s, hundreds of readers are slow, the image
# is built and run, a browser looks at the operators' page, and the benchmark beside nginx and bare YARP runs as well: some twenty-five minutes more.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

step() { printf '\n\033[1m%s\033[0m (after %d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }

command -v dotnet >/dev/null || { echo "The .NET 10 SDK is needed: https://dotnet.microsoft.com/download" >&2; exit 1; }
# redis-server and haproxy run in tests; chromium looks at the operators' page, in a long run.
missing=()
for tool in curl redis-server haproxy ${1:+chromium}; do command -v "$tool" >/dev/null || missing+=("$tool"); done
command -v npm >/dev/null || missing+=(nodejs npm)
[ ${#missing[@]} = 0 ] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}" >/dev/null; } || echo "Could not install ${missing[*]}: their tests will fail" >&2

step 'Build'
dotnet build Lumiku.sln --nologo -clp:ErrorsOnly

# Compiled, never run. Where a version does not restore, that is said and is no failure of the code.
majors() {
  for version in ${1:+2.13.23} 3.4.35; do
    out=$(mktemp -d)
    if ! dotnet restore src/Lumiku.Gateway -p:RedisClientVersion=$version -p:ArtifactsPath="$out" --nologo -v quiet >"$out/log" 2>&1; then
      echo "StackExchange.Redis $version does not restore here: not checked"
    elif dotnet build src/Lumiku.Gateway --no-restore -p:RunAnalyzers=false -p:RedisClientVersion=$version -p:ArtifactsPath="$out" --nologo -clp:ErrorsOnly >"$out/log" 2>&1; then
      echo "StackExchange.Redis $version: compiles"
    else
      cat "$out/log"
      echo "StackExchange.Redis $version: does not compile"
      return 1
    fi
    rm -rf "$out"
  done
}

step 'Formatting, and the Redis client: compiles with newer majors too'
compiled=$(mktemp)
majors "$@" >"$compiled" 2>&1 &
compiling=$!
# Style and usings are the build's business (EnforceCodeStyleInBuild); this is what is between them.
dotnet format whitespace Lumiku.sln --no-restore --verify-no-changes --verbosity quiet
echo 'as .editorconfig wants it'
wait "$compiling" || { cat "$compiled" >&2; exit 1; }
cat "$compiled"
rm -f "$compiled"

step 'Tests'
[ "${1:-}" != --long ] || export LUMIKU_LONG=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
tests=0
figures=artifacts/bin/Lumiku.Gateway.Tests/debug/figures.txt
rm -f "$figures"
dotnet test tests/Lumiku.Gateway.Tests --no-build --nologo 2>&1 | tee "$log" || tests=$?

step 'What each misbehaviour of upstream becomes, and other figures of the tests'
[ ! -f "$figures" ] || sort "$figures" | sed 's/^misbehaviour: /  /'

step 'Clients'
# The official clients of Node, against the simulator; none of them reaches Hugging Face.
clients=0
(cd tests/clients && npm ci --silent && timeout 300 node --test --test-concurrency=3 --test-reporter=tap) >"$log.clients" 2>&1 || { clients=1; cat "$log.clients"; }
told() { sed -nE "s/^# $1 ([0-9]+)$/\1/p" "$log.clients"; }
clients_passed=$(told pass) clients_failed=$(told fail)
clients_passed=${clients_passed:-0} clients_failed=${clients_failed:-0}
[ "$clients" = 0 ] || [ "$clients_failed" -gt 0 ] || clients_failed=1
echo "$clients_passed passed, $clients_failed failed"
rm -f "$log.clients"

step 'Demo'
# The story of the README, told without a terminal: it fails if any step does not go as told.
demo_passed=1 demo_failed=0
LUMIKU_DEMO_IMAGES=$(mktemp -d) ./demo.sh >"$log.demo" 2>&1 || { demo_passed=0 demo_failed=1; cat "$log.demo"; }
[ "$demo_failed" = 1 ] || echo 'every step went as told'
rm -f "$log.demo"

step 'Figures'
# Measured, printed, never judged here: machines differ. The goals are 2 s and 12 s.
now() { date +%s%N; }
port=18080
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
start=$(now)
HUGGINGFACE_API_KEY=hf_none GATEWAY_API_KEY=key-for-the-figures-only \
  dotnet artifacts/bin/Lumiku.Gateway/debug/Lumiku.Gateway.dll --urls "http://127.0.0.1:$port" >/dev/null 2>&1 &
gateway=$!
until curl -fs -o /dev/null "http://127.0.0.1:$port/health/live" || ! kill -0 "$gateway" 2>/dev/null; do sleep 0.02; done
printf 'from start to /health/live: %s ms\n' $((($(now) - start) / 1000000))
stop=$(now)
kill -TERM "$gateway"
wait "$gateway" || true
printf 'from SIGTERM to the end, idle: %s ms\n' $((($(now) - stop) / 1000000))

container_passed=0 container_failed=0
if [ "${1:-}" = --long ]; then
  step 'Container'
  container=0
  deploy/container-check.sh 2>&1 | tee "$log.container" || container=$?
  container_passed=$(sed -nE 's/^([0-9]+) passed, .*/\1/p' "$log.container") container_failed=$(sed -nE 's/.* passed, ([0-9]+) failed$/\1/p' "$log.container")
  container_passed=${container_passed:-0} container_failed=${container_failed:-0}
  [ "$container" = 0 ] || [ "$container_failed" -gt 0 ] || container_failed=1
  rm -f "$log.container"

  step 'Benchmark'
  bench/run.sh
fi

count() { sed -nE "s/.*$1: +([0-9]+).*/\1/p" "$log" | tail -n 1; }
passed=$(($(count Passed || echo 0) + clients_passed + demo_passed + container_passed))
failed=$(($(count Failed || echo 0) + clients_failed + demo_failed + container_failed))
[ "$tests" = 0 ] || [ "$failed" -gt 0 ] || failed=1

# Told again at the end, where whoever reads only that finds it: each failed test with its message and where it stands.
if [ "$failed" -gt 0 ]; then
  step 'What failed'
  awk '/^ +Failed [A-Z]/ { on = 1 } /^ +(Passed|Skipped) [A-Z]|^(Passed|Failed)!|^\[xUnit|^Total tests/ { on = 0 } on' "$log" | cut -c 1-600
  [ "$tests" = 0 ] || grep -qE '^ +Failed [A-Z]' "$log" || tail -n 40 "$log"
  [ "$clients_failed" = 0 ] || echo 'clients: see above'
  [ "$demo_failed" = 0 ] || echo 'demo: see above'
fi

printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
