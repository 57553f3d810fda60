#!/usr/bin/env bash
# Builds the image, runs the program in it as docker-compose.yml has it run, and holds it to what a deployment relies on: a line for each
# thing, then what was measured, then 'N passed, N failed'. Some two minutes. Where no container engine answers it needs root: see
# container-image.sh for the bases; the program then runs from the unpacked image in namespaces of its own, as the image's user, without
# capabilities, on a read-only root. What only the real bases have (no shell) is looked at with an engine alone.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
for tool in curl jq redis-server; do
  command -v "$tool" >/dev/null || { apt-get update -qq && apt-get install -y -qq "$tool" >/dev/null; }
done

work=$(mktemp -d) pids=() passed=0 failed=0 engine=''
root=$work/rootfs settings=$work/settings
finish() {
  [ -z "$engine" ] || "$engine" rm -f lumiku-check >/dev/null 2>&1 || true
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

check() { # what, then a command
  local what=$1; shift
  if "$@" >"$work/said" 2>&1; then passed=$((passed + 1)); echo "  ✓ $what"; else failed=$((failed + 1)); echo "  ✗ $what"; head -c 2000 "$work/said"; fi
}
fails() { ! "$@"; }
free_port() { local port=$1; while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done; echo "$port"; }
until_true() { # seconds, command
  local end=$(($(date +%s) + $1)); shift
  until "$@"; do [ "$(date +%s)" -lt "$end" ] || return 1; sleep 0.02; done
}

echo 'Building the image'
deploy/container-image.sh "$work" >"$work/build" 2>&1 || { tail -n 40 "$work/build"; exit 1; }
[ ! -e "$work/engine" ] || engine=$(cat "$work/engine")
user=$(jq -r .User "$work/config.json")
mapfile -t entry < <(jq -r '.Entrypoint[]' "$work/config.json")
mapfile -t healthcheck < <(jq -r '.Healthcheck.Test[1:][]' "$work/config.json")
mapfile -t image_variables < <(jq -r '.Env[]' "$work/config.json")

echo 'The image'
in_app() { (cd "$root/app" && find . -mindepth 1 ! -name '*.dll' -printf '%P\n' | sort | tr '\n' ' '); }
# The symbols stay: the log names the line of an exception.
shape='Lumiku.Gateway Lumiku.Gateway.deps.json Lumiku.Gateway.pdb Lumiku.Gateway.runtimeconfig.json appsettings.json appsettings.schema.json lumiku-gateway '
only_the_program() { [ "$(in_app)" = "$shape" ] || { in_app; return 1; }; }
libraries_are_its_own() {
  comm -23 <(cd "$root/app" && ls -- *.dll | sort) <(jq -r '.targets[][].runtime? // {} | keys[] | split("/")[-1]' "$root/app/Lumiku.Gateway.deps.json" | sort -u) >"$work/strangers"
  ! ls "$root/app" | grep -iE 'test|xunit|simulator' && [ ! -s "$work/strangers" ]
}
belongs_to_root() { [ -z "$(find "$root/app" ! -type l \( ! -uid 0 -o -perm /022 \))" ]; }
keeps_no_secret() { ! grep -rqF hf_secretBesideTheSources "$root/app" "$work/config.json" "$work/history" && ! find "$root" -xdev -name .env | grep .; }
has_no_shell() { [ ! -e "$root/bin/sh" ] && [ ! -e "$root/usr/bin/sh" ] && [ ! -e "$root/usr/share/dotnet/sdk" ]; }
# The mark of code that was compiled ahead.
is_compiled_ahead() { local file; for file in Lumiku.Gateway Yarp.ReverseProxy StackExchange.Redis Serilog OpenTelemetry; do LC_ALL=C grep -qaP 'RTR\x00' "$root/app/$file.dll" || { echo "$file"; return 1; }; done; }
check '/app has the program, its settings and symbols, and nothing else' only_the_program
check 'its libraries are those that it was built with' libraries_are_its_own
check 'the program and its libraries are compiled ahead' is_compiled_ahead
check '/app is of root, and nobody else can write there' belongs_to_root
check 'no secret of the build is in the files, the configuration or the history' keeps_no_secret
check 'it runs as a user without rights, by number' [ "$user" = 1654 ]
check 'it has time zones' [ -e "$root/usr/share/zoneinfo/Europe/Berlin" ]
[ -z "$engine" ] || check 'it has neither shell nor SDK' has_no_shell

echo 'The program in it'
[ -e artifacts/bin/Lumiku.HuggingFace.Simulator/debug/Lumiku.HuggingFace.Simulator.dll ] || dotnet build tests/Lumiku.HuggingFace.Simulator --nologo -v quiet
model=stabilityai/stable-diffusion-3-medium-diffusers
key=key-of-the-backend-0123456789abcdef operator=key-of-the-operator-0123456789abcdef
simulator=$(free_port 19090) port=$(free_port 18080) redis=$(free_port 16379)
dotnet artifacts/bin/Lumiku.HuggingFace.Simulator/debug/Lumiku.HuggingFace.Simulator.dll --port "$simulator" --image-bytes 200000 >"$work/simulator" 2>&1 &
pids+=($!); disown
redis-server --port "$redis" --bind 127.0.0.1 --save '' --maxmemory 512mb --maxmemory-policy noeviction >/dev/null &
pids+=($!); disown
until_true 60 curl -s -o /dev/null "http://127.0.0.1:$simulator/"
mkdir -p "$settings" "$root/settings" && chmod 755 "$work" "$settings"
cp appsettings.json appsettings.schema.json "$settings"

# What compose gives, and what Coolify adds to it.
variables=("HUGGINGFACE_API_KEY=hf_ofTheCheck" "GATEWAY_API_KEY=$key" "OPERATOR_KEY=$operator" JWT_SECRET= "PORT=$port" GATEWAY_SETTINGS=/settings/appsettings.json
  "REDIS_URL=redis://:@127.0.0.1:$redis" "Redis__Images=redis://:@127.0.0.1:$redis"
  "SERVICE_URL_GATEWAY_8080=http://gateway.example:8080" SERVICE_NAME_GATEWAY=gateway COOLIFY_URL=http://gateway.example COOLIFY_BRANCH=main SOURCE_COMMIT=HEAD HOST=0.0.0.0
  "ReverseProxy__Clusters__huggingface__Destinations__primary__Address=http://127.0.0.1:$simulator/hf-inference/")
# .NET takes three quarters of the container's memory (mem_limit: 1g) for its heap; no container says so here.
[ -n "$engine" ] || image_variables+=(DOTNET_GCHeapHardLimit=0x30000000)

inside() { # runs words in the image, with the variables; the last of equal ones wins
  if [ -n "$engine" ]; then
    "$engine" run --rm --name "${name:-lumiku-check-$RANDOM}" --network host --read-only --cap-drop ALL --security-opt no-new-privileges --memory 1g --stop-timeout 135 \
      -v "$settings:/settings:ro" "${variables[@]/#/-e}" ${extra:+-e "$extra"} --entrypoint "$1" lumiku-gateway:check "${@:2}"
  else
    unshare --mount --pid --fork bash -c '
      root=$1 settings=$2 user=$3; shift 3
      mount --bind "$root" "$root"; mount --bind -o ro "$settings" "$root/settings"; mount -o remount,ro,bind "$root/settings"
      mount -t proc proc "$root/proc"; mount -t tmpfs -o size=64k tmpfs "$root/dev"
      for device in null zero random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
      mount -o remount,ro,bind "$root"
      cd /; exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid "$(command -v chroot || echo /usr/sbin/chroot)" --userspec="$user:$user" "$root" \
        /usr/bin/env -i -C /app "$@"' inside "$root" "$settings" "$user" "${image_variables[@]}" "${variables[@]}" ${extra:+"$extra"} "$@"
  fi
}
process() { # of the program, as this machine numbers it
  if [ -n "$engine" ]; then "$engine" inspect -f '{{.State.Pid}}' lumiku-check; return; fi
  local last=$runner next
  while next=$(pgrep -P "$last"); do last=$next; done
  echo "$last"
}
start() {
  started=$(date +%s%N)
  name=lumiku-check inside "${entry[@]}" >"$work/log" 2>&1 &
  runner=$!
  until_true 60 is_ready || { cat "$work/log"; exit 1; }
  ready=$((($(date +%s%N) - started) / 1000000)) pid=$(process)
  pids+=("$pid")
  worked=$(($(awk '{print $14 + $15}' "/proc/$pid/stat") * 1000 / $(getconf CLK_TCK)))
}
tell() { if [ -n "$engine" ]; then "$engine" kill --signal "$1" lumiku-check >/dev/null; else kill "-$1" "$pid"; fi; }
stop() {
  stopping=$(date +%s%N)
  tell TERM
  wait "$runner" && ended=0 || ended=$?
  stopped=$((($(date +%s%N) - stopping) / 1000000))
}
is_ready() { curl -fs -o /dev/null "http://127.0.0.1:$port/health/ready"; }
memory() { awk -v what="$1" '$1 == what":" { print int($2 / 1024) }' "/proc/$pid/status"; }
ask() { curl -s -o "$work/picture" -w '%{http_code} %{content_type}' "http://127.0.0.1:$port/models/$model" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d "$1"; }
is_a_picture() { [ "$(ask '{"inputs":"a lighthouse"}')" = '200 image/png' ] && [ "$(head -c 8 "$work/picture" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] && tail -c 8 "$work/picture" | grep -qa IEND; }
runs_as_the_user() { [ "$(awk '/^Uid:|^Gid:/ { printf "%s %s ", $2, $3 }' "/proc/$pid/status")" = "$user $user $user $user " ] && grep -q '^CapEff:[[:space:]]*0*$' "/proc/$pid/status" && grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$pid/status"; }
root_is_read_only() { awk '$5 == "/" { print $6 }' "/proc/$pid/mountinfo" | tail -n 1 | grep -qE '(^|,)ro(,|$)'; }
wrote_nothing() { local new; new=$(find "$root" -xdev -newer "$work/mark" ! -path "$root/settings*" ! -type d); [ -z "$new" ] || { echo "$new"; return 1; }; }
says() { local expected=$1; shift; "$@" | grep -qF -- "$expected"; }

touch "$work/mark"
extra=DOTNET_ReadyToRun=0 start
tell KILL; wait "$runner" 2>/dev/null || true
slow_start=$ready slow_work=$worked
start
sleep 2
idle=$(memory VmRSS)
check 'it runs as the image says, without capabilities, and can gain none' runs_as_the_user
check 'its root is read-only' root_is_read_only
check 'what is compiled ahead is used: it starts with less work than without' [ "$worked" -lt "$slow_work" ]
check 'a picture comes, whole' is_a_picture
check "the image's health check is content" inside "${healthcheck[@]}"

sick_at_another_port() { extra=PORT=1 fails inside "${healthcheck[@]}"; }
check 'and not with another port' sick_at_another_port
check 'check, inside: the settings are right' inside /app/lumiku-gateway check
check 'keys, inside, makes a key' says KeySha256 inside /app/lumiku-gateway keys create studio
check 'limits, inside, asks the gateway that runs' says anna inside /app/lumiku-gateway limits show anna

# As editors write: a new file, and its name changed. It raises what the next step needs.
applied() { grep -q 'Applied the settings file' "$work/log"; }
sed -E '/"internal": \{/s/"(RequestsPerMinute|Burst|ConcurrentRequests)": [0-9]+/"\1": 100000/g' appsettings.json >"$settings/new"
mv "$settings/new" "$settings/appsettings.json"
check 'settings that are edited count at once' until_true 5 applied

# Five hundred different pictures that take their time, asked for at once.
crowd() {
  for half in 1 2; do
    for i in $(seq 1 250); do
      printf 'url = "http://127.0.0.1:%s/models/%s"\nheader = "Authorization: Bearer %s"\nheader = "Content-Type: application/json"\n' "$port" "$model" "$key"
      printf 'data = "{\\"inputs\\":\\"picture %s of half %s\\"}"\noutput = /dev/null\nwrite-out = "%%{http_code} %%{content_type}\\n"\nnext\n' "$i" "$half"
    done | sed '$d' >"$work/crowd-$half"
    curl --no-progress-meter --no-keepalive --parallel --parallel-immediate --parallel-max 250 -K "$work/crowd-$half" >"$work/crowd-$half.answers" 2>/dev/null &
    callers+=($!)
  done
}
waiting() { curl -s -H "Authorization: Bearer $operator" "http://127.0.0.1:$port/metrics" | awk '/^lumiku_generation_waiting/ { print int($2) }'; }
all_wait() { [ "$(waiting)" = 500 ]; }
all_served() { [ "$(cat "$work"/crowd-?.answers | grep -c '^200 image/png$')" = 500 ]; }
callers=()
curl -s -o /dev/null "http://127.0.0.1:$simulator/_simulator/behave" -d "{\"model\":\"$model\",\"kind\":\"delay(25s)\"}"
crowd
check 'five hundred wait for pictures, each for another' until_true 60 all_wait
crowded=$(memory VmRSS)
wait "${callers[@]}" || true
check 'and each gets one' all_served
most=$(memory VmHWM)

check 'nothing was written to its root' wrote_nothing
sleep 1
stop
check 'it ends by itself at SIGTERM, with 0' [ "$ended" = 0 ]
check 'long before it would be killed' [ "$stopped" -lt 20000 ]
check 'and its last line says so' grep -q 'Stopped with nothing left running' "$work/log"
check 'now the health check fails' fails inside "${healthcheck[@]}"

echo 'Measured'
load=$(cut -d' ' -f1 /proc/loadavg)
added=$(($(du -sb --apparent-size "$root/app" "$root/usr/share/zoneinfo" | awk '{ sum += $1 } END { print sum }') / 1024))
printf '  %s: %s\n' \
  'added to the base image' "$((added / 1024)).$((added % 1024 * 10 / 1024)) MiB, not compressed" \
  'from start to /health/ready' "$ready ms, $worked ms of a processor (load of the machine: $load)" \
  'the same with nothing compiled ahead, the framework neither' "$slow_start ms, $slow_work ms of a processor" \
  'memory, idle' "$idle MiB" \
  'memory, 500 waiting' "$crowded MiB" \
  'memory, the most' "$most MiB" \
  'from SIGTERM to the end, idle' "$stopped ms"
printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
