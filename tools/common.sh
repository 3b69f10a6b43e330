# What tools/demo and tools/test share: finding Meson, and a build directory that fits. To be sourced.
# shellcheck shell=bash

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

# The distribution's own: a meson from elsewhere on PATH may belong to a Python that lacks its modules.
meson=
for candidate in /usr/bin/meson meson; do
  if "$candidate" --version >/dev/null 2>&1; then
    meson=$candidate
    break
  fi
done
ninja=/usr/bin/ninja
[[ -x $ninja ]] || ninja=ninja
export NINJA=$ninja

# configure DIR [OPTION...]: a new build directory, or nothing if it is there and was made for this source by
# this Meson. From then on ninja itself sees when a meson.build has changed.
configure() {
  local directory=$1 info=$1/meson-info/meson-info.json
  shift
  if [[ -z $meson ]]; then
    echo "no meson that works was found: tools/setup installs it" >&2
    return 1
  fi
  if [[ -f $directory/build.ninja ]] && grep -qF "\"source\": \"$root\"" "$info" 2>/dev/null &&
    grep -qF "\"full\": \"$("$meson" --version)\"" "$info"; then
    return 0
  fi
  if [[ -e $directory ]]; then
    if [[ ! -d $directory/meson-private && -n $(ls -A -- "$directory" 2>&1) ]]; then
      echo "$directory is there and no build directory of Meson: move it away" >&2
      return 1
    fi
    rm -rf -- "$directory"
  fi
  "$meson" setup "$directory" "$root" "$@"
}
