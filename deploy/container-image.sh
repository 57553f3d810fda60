#!/usr/bin/env bash
# Builds the image and unpacks it: OUT/rootfs is its file system, OUT/config.json its configuration.
#
#   deploy/container-image.sh OUT
#
# With docker or podman as it is deployed. Where neither answers, and as root on Debian, with stand-ins for the base images: a minimal Debian
# with this machine's .NET, under the bases' own names in buildah's local storage. They are larger than the real ones and have a shell.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1 image=lumiku-gateway:check
rm -rf "$out/rootfs" && mkdir -p "$out/rootfs"

# What is in the repository, and a secret beside it as deployers have one: neither it nor anything else may get into the image.
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$context"
echo 'HUGGINGFACE_API_KEY=hf_secretBesideTheSources' >"$context/.env"

for engine in docker podman; do
  if "$engine" info >/dev/null 2>&1; then
    "$engine" build --pull -t "$image" "$context"
    container=$("$engine" create "$image")
    "$engine" export "$container" | tar -x -C "$out/rootfs"
    "$engine" rm "$container" >/dev/null
    # Podman has the health check beside the configuration.
    "$engine" image inspect "$image" | jq '.[0] | .Config + { Healthcheck: (.Config.Healthcheck // .Healthcheck) }' >"$out/config.json"
    "$engine" history --no-trunc "$image" >"$out/history"
    echo "$engine" >"$out/engine"
    exit
  fi
done

command -v buildah >/dev/null && command -v debootstrap >/dev/null ||
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends buildah debootstrap >/dev/null; }
base=${XDG_CACHE_HOME:-$HOME/.cache}/lumiku-container/debian
if [ ! -e "$base.made" ]; then
  rm -rf "$base" && mkdir -p "$base"
  debootstrap --variant=minbase --include=libicu72,libssl3,ca-certificates,tzdata,zlib1g bookworm "$base" >"$base.log"
  touch "$base.made"
fi

stand_in() { # name of an image
  ! buildah inspect --type image "$1" >/dev/null 2>&1 || return 0
  local container root dotnet part
  container=$(buildah from scratch) root=$(buildah mount "$container")
  dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
  cp -a "$base/." "$root/"
  mkdir -p "$root/usr/share/dotnet"
  case $1 in
    */sdk*) cp -a "$dotnet/." "$root/usr/share/dotnet/" ;;
    *) for part in dotnet host shared; do cp -a "$dotnet/$part" "$root/usr/share/dotnet/"; done ;;
  esac
  ln -sf /usr/share/dotnet/dotnet "$root/usr/bin/dotnet"
  # Whom this machine trusts, so that a restore works inside as it does outside.
  cp -a /etc/ssl/certs/. "$root/etc/ssl/certs/"
  [ ! -d /usr/local/share/ca-certificates ] || cp -a /usr/local/share/ca-certificates "$root/usr/local/share/"
  buildah umount "$container" >/dev/null
  buildah config --env APP_UID=1654 --env DOTNET_RUNNING_IN_CONTAINER=true --env ASPNETCORE_HTTP_PORTS=8080 "$container"
  buildah commit -q "$container" "$1" >/dev/null
  buildah rm "$container" >/dev/null
}

sed -nE 's/^FROM ([^ ]+).*/\1/p' Dockerfile | while read -r name; do stand_in "$name"; done
given=()
for variable in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
  [ -z "${!variable:-}" ] || given+=(--env "$variable=${!variable}")
done
files=$(ulimit -Hn)
buildah bud --isolation chroot --format docker --layers --pull-never --network host --ulimit "nofile=$files:$files" "${given[@]}" -t "$image" "$context"
container=$(buildah from --pull-never "$image")
cp -a "$(buildah mount "$container")/." "$out/rootfs/"
buildah umount "$container" >/dev/null
buildah rm "$container" >/dev/null
buildah inspect --type image "$image" | jq '.Docker.config' >"$out/config.json"
buildah inspect --type image "$image" | jq '.Docker.history' >"$out/history"
rm -f "$out/engine"
