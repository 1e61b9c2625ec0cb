#!/bin/sh
# Writes the list of classes for the archive (src/root/usr/lib/replicator/classes.lst) anew, from what all commands load in a
# small run. Worth doing when libraries or many of our classes changed: what is not on the list is loaded from the jars.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
replicator=$here/../replicator
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Without any archive: what comes from one is not listed whole.
export REPLICATOR_OPTS="-Xshare:off -XX:DumpLoadedClassList=$work/%p.lst"
"$replicator" bench initial-sync --rows 20000 --pairs 1
"$replicator" bench catch-up --workload tpcb --size 0.01 --pairs 1
for command in --version --help "admin --help" "admin status --token-file /dev/null" \
  "queue --help" "preflight --help"; do
  # shellcheck disable=SC2086 # words; that no forwarder answers is as good
  "$replicator" $command >/dev/null 2>&1 || true
done

# Of the measuring program only what the other commands need; proxies are made at run time. A lambda over a class of picocli
# would have that class, compiled for Java 5, linked and thereby left out.
{
  echo "# Classes for the archive that the launcher script makes. Written by packaging/class-list.sh."
  cat "$work"/*.lst | grep -v -e '^#' -e '\$Proxy' -e '^@lambda-proxy.*picocli' -e 'dev/replicator/launcher/bench' \
    -e 'dev/replicator/launcher/demo' -e 'dev/replicator/embedded' -e '^io/zonky' | LC_ALL=C sort -u
} >"$work/sorted"
mv "$work/sorted" "$here/src/root/usr/lib/replicator/classes.lst"
