#!/usr/bin/env bash
# The story of the gateway in a terminal: a simulated Hugging Face, the gateway before it, and the requests that used to fail.
# Stays up until Ctrl-C; without a terminal it ends after the story, with 0 only if every step went as told.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

images=${LUMIKU_DEMO_IMAGES:-$PWD/demo-images}
key=demo-key-of-the-backend-0123456789
dev=black-forest-labs/FLUX.1-dev
work=$(mktemp -d)
mkdir -p "$images"
pids=()
wrong=0
ended=130 # The exit code of an interruption; 0 once the story is told.

if [ -t 1 ]; then
  bold=$'\033[1m' dim=$'\033[2m' green=$'\033[32m' red=$'\033[31m' cyan=$'\033[36m' plain=$'\033[0m'
else
  bold='' dim='' green='' red='' cyan='' plain=''
fi

finish() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
trap 'echo; finish; exit "$ended"' INT TERM

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
told() { printf '%s\n' "$*"; }
good() { printf '  %s✓ %s%s\n' "$green" "$*" "$plain"; }
bad() { printf '  %s✗ %s%s\n' "$red" "$*" "$plain"; wrong=1; }

# Free ports, the usual one first so that the lines below can be typed as they stand.
free_port() { local port=$1; while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done; echo "$port"; }

await() { # what its output says once it listens, pid, output
  for _ in $(seq 1 400); do
    kill -0 "$2" 2>/dev/null || break
    grep -q "$1" "$3" && return
    sleep 0.05
  done
  cat "$3" >&2
  echo "It did not start." >&2
  exit 1
}

# ask STATUS FILE curl-arguments… : shows the line, sends it, shows status and the headers that tell something; false if the status is another.
ask() {
  local expected=$1 file=$2; shift 2
  local shown='curl' argument
  for argument in "$@"; do
    case $argument in
      *[[:space:]\"{}*\;]*) shown+=" '$argument'" ;;
      -[Hd]) shown+=$' \\\n      '"$argument" ;;
      *) shown+=" $argument" ;;
    esac
  done
  printf '\n  %s%s%s\n\n' "$cyan" "$shown" "$plain"
  curl -s -D "$work/headers" -o "$work/body" "$@"
  tr -d '\r' <"$work/headers" | sed -n '1p' | sed "s/^/  $bold/;s/\$/$plain/"
  tr -d '\r' <"$work/headers" | grep -iE '^(content-type|content-length|x-lumiku-[a-z-]+|x-cache|cache-status|age|x-request-id|ratelimit(-policy)?|retry-after|server-timing):' | sed "s/^/  $dim/;s/\$/$plain/" || true
  local status; status=$(sed -nE '1s/.* ([0-9]{3}).*/\1/p' "$work/headers")
  if [ "$file" != - ]; then cp "$work/body" "$images/$file"; fi
  [ "$status" = "$expected" ] || { bad "expected status $expected, got $status: $(head -c 600 "$work/body")"; false; }
}
header() { tr -d '\r' <"$work/headers" | sed -nE "s/^$1: +(.*)/\1/Ip" | tail -n 1; }
says() { # type: the error is of this type
  told "  “$(sed -E 's/^\{"error":"(([^"\\]|\\.)*)".*/\1/' "$work/body" | head -c 400)”"
  grep -q "\"type\":\"$1\"" "$work/body" || { bad "expected the error $1"; false; }
}
is_png() { [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] && tail -c 8 "$1" | head -c 4 | grep -q IEND; }
upstream_saw() { curl -s "http://127.0.0.1:$simulator_port/_simulator/received" >"$work/seen"; }

title 'Lumiku Gateway'
told "${dim}building …$plain"
dotnet build Lumiku.sln --nologo -v quiet -clp:ErrorsOnly -tl:off </dev/null >"$work/build" 2>&1 || { cat "$work/build"; exit 1; }

simulator_port=$(free_port 9090)
gateway_port=$(free_port 8080)
dotnet artifacts/bin/Lumiku.HuggingFace.Simulator/debug/Lumiku.HuggingFace.Simulator.dll --port "$simulator_port" --delay 700ms >"$work/simulator" 2>&1 &
pids+=($!); disown
await "127.0.0.1:$simulator_port" "${pids[0]}" "$work/simulator"
told "A simulated Hugging Face listens at 127.0.0.1:$simulator_port. It is as picky as the real one."

# The other providers behind Hugging Face's router, which serve where it does not.
providers=("--Upstreams:fal-ai:ImageHosts:2=127.0.0.1")
for provider in nscale together fal-ai replicate wavespeed; do
  providers+=("--ReverseProxy:Clusters:$provider:Destinations:primary:Address=http://127.0.0.1:$simulator_port/$provider/")
done
started=$(date +%s%N)
HUGGINGFACE_API_KEY=hf_demoTokenThatOnlyTheGatewayKnows GATEWAY_API_KEY=$key \
  ReverseProxy__Clusters__huggingface__Destinations__primary__Address="http://127.0.0.1:$simulator_port/hf-inference/" \
  dotnet artifacts/bin/Lumiku.Gateway/debug/Lumiku.Gateway.dll "${providers[@]}" --urls "http://127.0.0.1:$gateway_port" >"$work/gateway" 2>&1 &
pids+=($!); disown
await "Serving at http://127.0.0.1:$gateway_port" "${pids[1]}" "$work/gateway"
told "The gateway listens at 127.0.0.1:$gateway_port. It was live $((($(date +%s%N) - started) / 1000000)) ms after its start."

gateway=http://127.0.0.1:$gateway_port
body='{"inputs":"a lighthouse at dusk","parameters":{"num_inference_steps":30,"guidance_scale":3.5,"seed":7}}'
axios='Accept: application/json, text/plain, */*'
json='Content-Type: application/json'

title '1. Yesterday: the backend asks Hugging Face itself, with the Accept that axios sends'
ask 400 - "http://127.0.0.1:$simulator_port/hf-inference/models/$dev" -H 'Authorization: Bearer hf_token' -H "$axios" -H "$json" -d "$body" &&
told "  $(tr -s '\n ' ' ' <"$work/body" | sed 's/\\n */ /g' | head -c 110) …" &&
  good 'That was every generation: an opaque 400.' || true

title '2. Today: the same request, another base URL and key'
ask 200 1-internal-dev.png "$gateway/models/$dev" -H "Authorization: Bearer $key" -H "$axios" -H "$json" -d "$body" || true
if is_png "$images/1-internal-dev.png"; then good "A whole PNG: $images/1-internal-dev.png"; else bad 'no whole PNG came'; fi
upstream_saw
if tail -c 3000 "$work/seen" | grep -q '"image/png"'; then good 'Upstream saw exactly Accept: image/png, and nothing of the caller.'; else bad 'upstream saw another Accept'; fi

title '3. A PRO user asks for the very same: it is there already, and costs nothing'
ask 200 2-pro-dev.png "$gateway/models/$dev" -H "Authorization: Bearer $key" -H 'X-Lumiku-User: anna' -H 'X-Lumiku-Tier: pro' -H "$axios" -H "$json" -d "$body" || true
if [ "$(header X-Lumiku-Model-Served)" = "$dev" ]; then good "Served by FLUX.1-dev: $images/2-pro-dev.png"; else bad 'served by another model'; fi
if [ "$(header X-Cache) $(header X-Lumiku-Units)" = 'HIT 0' ] && cmp -s "$images/1-internal-dev.png" "$images/2-pro-dev.png"; then good 'The same picture, from memory: upstream was not asked, no unit was charged.'; else bad 'it was made again'; fi

title '4. A free user asks for the same'
ask 200 3-free-schnell.png "$gateway/models/$dev" -H "Authorization: Bearer $key" -H 'X-Lumiku-User: ben' -H 'X-Lumiku-Tier: free' -H "$axios" -H "$json" -d "$body" || true
if [ "$(header X-Lumiku-Model-Served)" = black-forest-labs/FLUX.1-schnell ]; then good "Served by FLUX.1-schnell: $images/3-free-schnell.png"; else bad 'not served by schnell'; fi
upstream_saw
sent=$(grep -oE '\{\\?"inputs\\?":[^}]*\}\}' "$work/seen" | tail -n 1 | sed 's/\\"/"/g;s/\\u0022/"/g')
told "  ${dim}upstream got: $sent$plain"
case $sent in *'"num_inference_steps":4'*) good '4 steps instead of 30, no guidance: what schnell takes. No PRO money was spent.' ;; *) bad 'schnell got the wrong parameters' ;; esac

title '5. Twenty users ask for a new picture at once'
crowd='{"inputs":"a comet over the harbour","parameters":{"seed":20}}'
told "  ${dim}20 × curl … -H 'X-Lumiku-User: user-1' to user-20 -d '$crowd'$plain"
waiting=()
for i in $(seq 1 20); do
  curl -s -D "$work/crowd-$i" -o "$work/crowd-$i.png" "$gateway/models/$dev" -H "Authorization: Bearer $key" -H "X-Lumiku-User: user-$i" -H 'X-Lumiku-Tier: pro' -H "$axios" -H "$json" -d "$crowd" &
  waiting+=($!)
done
wait "${waiting[@]}"
for state in MISS COALESCED HIT; do told "  $(grep -lEi "^x-cache: $state" "$work"/crowd-? "$work"/crowd-?? | wc -l) × X-Cache: $state"; done
upstream_saw
if [ "$(cat "$work"/crowd-*.png | wc -c)" = $((20 * $(wc -c <"$work/crowd-1.png"))) ] && is_png "$work/crowd-1.png" && [ "$(grep -o 'comet over the harbour' "$work/seen" | wc -l)" = 1 ]; then
  good 'Upstream was asked once, and all twenty have the whole picture.'
else
  bad "upstream was asked $(grep -o 'comet over the harbour' "$work/seen" | wc -l) times"
fi

title '6. Upstream is overloaded for a moment'
ask 200 4-patience.png "$gateway/models/$dev" -H "Authorization: Bearer $key" -H "$axios" -H "$json" -d '{"inputs":"a heron at dawn [[times(1,overload)]]"}' &&
  good "It was waited for, and asked again: the backend saw no error." || true

title '7. A free user asks for one picture after the other'
for i in 1 2 3; do
  curl -s -o "$work/body" "$gateway/models/$dev" -H "Authorization: Bearer $key" -H 'X-Lumiku-User: dora' -H 'X-Lumiku-Tier: free' -H "$axios" -H "$json" -d "$body"
done
told "  ${dim}three times, then again and again …$plain"
for i in 4 5; do curl -s -o /dev/null "$gateway/models/$dev" -H "Authorization: Bearer $key" -H 'X-Lumiku-User: dora' -H 'X-Lumiku-Tier: free' -H "$axios" -H "$json" -d "$body"; done
ask 429 - "$gateway/models/$dev" -H "Authorization: Bearer $key" -H 'X-Lumiku-User: dora' -H 'X-Lumiku-Tier: free' -H "$axios" -H "$json" -d "$body" &&
  says rate-limited &&
  good "Five in one go, then one each 6 s; Retry-After says when. Others are not held up." || true
curl -s "$gateway/limits" -H "Authorization: Bearer $key" -H 'X-Lumiku-User: ben' -H 'X-Lumiku-Tier: free' >"$work/limits"
told "  ${dim}curl $gateway/limits -H 'X-Lumiku-User: ben' -H 'X-Lumiku-Tier: free'$plain"
told "  $(grep -o '"day":{[^}]*}' "$work/limits")"
if grep -q '"day":{"limit":10,"granted":0,"used":1,' "$work/limits"; then good 'ben, who had one picture made, has 9 of 10 left today; the backend can show it.'; else bad "ben's units are wrong"; fi

title '8. Hugging Face drops FLUX.1-dev, as it did in July 2026'
curl -s -o /dev/null "http://127.0.0.1:$simulator_port/_simulator/behave" -d "{\"model\":\"hf-inference:$dev\",\"kind\":\"deprecated\"}"
ask 200 5-elsewhere.png "$gateway/models/$dev" -H "Authorization: Bearer $key" -H "$axios" -H "$json" -d '{"inputs":"a harbour in winter","parameters":{"width":1024,"height":768,"guidance_scale":3.5}}' &&
  told "  ${dim}upstream, fal-ai, got: $(curl -s "http://127.0.0.1:$simulator_port/_simulator/received" | grep -oE '\{\\?"prompt\\?":[^}]*\}[^}]*\}' | tail -n 1 | sed 's/\\"/"/g;s/\\u0022/"/g')$plain"
if [ "$(header X-Lumiku-Upstream) $(header X-Lumiku-Model-Served)" = "fal-ai $dev" ]; then good 'The same request: fal.ai made it, asked in its own words and after; its image was fetched. Nobody changed a line.'; else bad 'nobody else made it'; fi
curl -s -o /dev/null -X DELETE "http://127.0.0.1:$simulator_port/_simulator/behave"

title '9. Errors that say what to do'
ask 422 - "$gateway/models/$dev" -H "Authorization: Bearer $key" -H 'X-Lumiku-User: ben' -H 'X-Lumiku-Tier: gold' -H "$json" -d "$body" &&
  says unknown-tier &&
  good 'unknown-tier: a mistake in the backend, named.' || true
ask 404 - "$gateway/models/$dev" -H "Authorization: Bearer $key" -H "$json" -d '{"inputs":"a heron [[deprecated]]"}' &&
  says model-not-offered &&
  good 'model-not-offered: upstream dropped the model. Never a bare 410, never a 503.' || true
ask 502 - "$gateway/models/$dev" -H "Authorization: Bearer $key" -H "$json" -d '{"inputs":"a heron [[cut-close-delimited(9000)]]"}' &&
  says not-an-image &&
  good 'not-an-image: half a picture looks whole to axios; it never gets there.' || true

title 'What the operator saw'
sleep 0.3 # The log is written behind the answers.
sed -nE 's/.*"@m":"(POST [^"]*)".*/  \1/p' "$work/gateway" | awk '/COALESCED/ && ++n > 2 { next } { print } END { printf "  … and %d more that shared it\n", n - 2 }'
if grep -qE "lighthouse|heron|comet|$key|hf_demo" "$work/gateway"; then bad 'a prompt or key is in the log'; else good 'One line a request. No prompt, no key, no token.'; fi

echo
if [ "$wrong" = 0 ]; then told "${bold}Everything went as told.$plain The pictures are in $images"; else told "${red}Not everything went as told.$plain"; fi
ended=$wrong
if [ -t 0 ] && [ -t 1 ]; then
  told "The gateway stays up at $gateway (key: $key) until Ctrl-C; ask it something yourself."
  while kill -0 "${pids[@]}" 2>/dev/null; do sleep 1; done
fi
exit "$wrong"
