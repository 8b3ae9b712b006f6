# SPDX-License-Identifier: Apache-2.0
# Shell functions of the scripts that fetch parts of Debian. To be sourced.
# shellcheck shell=bash

# Where Debian's archive is, as the package sources of this machine have it.
debian_mirror() {
  local mirror
  # shellcheck disable=SC2016 # apt's variable
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
  if [[ -z $mirror ]]; then
    echo "${0##*/}: the package sources of this machine name no Debian archive, or apt-get update has not run" >&2
    return 1
  fi
  echo "$mirror"
}

# debian_source SUITE: the line of a sources.list.
debian_source() {
  local mirror
  mirror=$(debian_mirror)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main"
}

# extract_packages SUITE WORK COMMAND…: unpacks into WORK/tree the packages of the suite that COMMAND names, one a line,
# with an apt that knows nothing else of this machine; COMMAND may ask that apt. WORK is an empty directory.
extract_packages() {
  local suite=$1 work=$2 package packages
  shift 2
  mkdir -p "$work"/{lists,cache}/partial "$work/tree"
  : >"$work/status"
  debian_source "$suite" >"$work/sources.list"
  # A suite that is not released yet may carry an old date on a mirror.
  cat >"$work/apt.conf" <<END
Dir::State "$work";
Dir::State::Lists "$work/lists";
Dir::State::Status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
APT::Sandbox::User "";
END
  local -x APT_CONFIG=$work/apt.conf
  apt-get -qq update
  packages=$("$@")
  # shellcheck disable=SC2086 # one word a package
  (cd "$work" && apt-get -qq download $packages)
  for package in "$work"/*.deb; do
    dpkg-deb --extract "$package" "$work/tree"
  done
}

# cached NAME COMMAND…: prints the directory NAME of the cache. If it is not there, COMMAND makes it first: it is
# given the path of a directory to fill, which takes its place when it is complete.
cached() {
  local name=$1 cache=${XDG_CACHE_HOME:-$HOME/.cache}/composefs-root
  shift
  mkdir -p "$cache"
  (
    flock 9 # two that need it make it once
    if [[ ! -d $cache/$name ]]; then
      # What an interrupted run left. One file system: it may have left mounts, too.
      rm -rf --one-file-system "$cache/.$name"
      mkdir "$cache/.$name"
      "$@" "$cache/.$name" >&2
      mv -T "$cache/.$name" "$cache/$name"
    fi
  ) 9>"$cache/.lock-$name"
  echo "$cache/$name"
}

# The first digits of a digest of these files: when they change, so does the name of what they make.
made_by() {
  cat "$@" | sha256sum | cut -c 1-16
}
