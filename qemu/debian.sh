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
