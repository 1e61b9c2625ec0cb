# The body of /etc/init.d/replicator-*: start, stop, restart, reload, status of one daemon.
# Read by a script that has set DAEMON (capture, forwarder or slave) and ACTION. Needs a POSIX shell, no systemd and no
# lsb-functions. Everything below ROOT, which is empty in a normal installation.
#
# A copy of a script under another name, such as /etc/init.d/replicator-slave-two, runs another daemon of its kind, with
# /etc/replicator/slave-two.yaml and /etc/default/replicator-slave-two.

INSTANCE=$(basename "$(readlink -f "$0")")
INSTANCE=${INSTANCE#replicator-}
CONFIG=$ROOT/etc/replicator/$INSTANCE.yaml
LOG=$ROOT/var/log/replicator/$INSTANCE.log
RUN=$ROOT/run/replicator
RUN_AS=replicator
START_TIMEOUT=60
STOP_TIMEOUT=25
# For the shell that becomes the daemon to write its pid; only a machine in trouble needs it.
SHELL_TIMEOUT=10
NAME=replicator-$INSTANCE

DEFAULTS=$ROOT/etc/default/replicator-$INSTANCE
if [ -r "$DEFAULTS" ]; then
  # Everything in it is for the daemon, too: passwords, JAVA_HOME, REPLICATOR_OPTS.
  set -a
  . "$DEFAULTS"
  set +a
fi
PIDFILE=$RUN/$INSTANCE.pid
READY=$RUN/$INSTANCE.ready

say() {
  echo "$NAME: $1"
}

# A pid may have been given to another process since.
is_ours() {
  if [ -r "/proc/$1/cmdline" ]; then
    tr '\0' ' ' <"/proc/$1/cmdline" | grep -F -q -- "dev.replicator.launcher.Main $DAEMON --config $CONFIG"
  else
    ps -p "$1" -o args= 2>/dev/null | grep -F -q -- "dev.replicator.launcher.Main $DAEMON --config $CONFIG"
  fi
}

# Succeeds with PID set if the daemon runs.
running() {
  PID=
  [ -r "$PIDFILE" ] || return 1
  PID=$(head -n 1 "$PIDFILE")
  case $PID in
    '' | *[!0-9]*) return 1 ;;
  esac
  is_ours "$PID"
}

# The process is there, even if it is still the shell that will become the daemon.
alive() {
  kill -0 "$(head -n 1 "$PIDFILE")" 2>/dev/null
}

# All that the process held is free: locks, ports. It may still wait as a zombie for somebody to take note of its end.
gone() {
  kill -0 "$1" 2>/dev/null || return 0
  [ -r "/proc/$1/stat" ] || return 1
  case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
    Z* | X* | '') return 0 ;;
    *) return 1 ;;
  esac
}

nap() {
  sleep 0.2 2>/dev/null || sleep 1
}

prepare() {
  mkdir -p "$RUN" "$(dirname "$LOG")" || return 1
  rm -f "$READY" "$PIDFILE"
  touch "$LOG" || return 1
  if [ -n "$AS_USER" ]; then
    chown "$AS_USER" "$RUN" "$LOG"
  fi
}

launch() {
  # The shell writes its own pid and then becomes the daemon.
  body='echo $$ >"$1"; shift; exec "$@"'
  set -- sh -c "$body" sh "$PIDFILE" "$ROOT/usr/bin/replicator" "$DAEMON" --config "$CONFIG"
  if [ -n "$AS_USER" ]; then
    if command -v setpriv >/dev/null 2>&1; then
      set -- setpriv --reuid "$AS_USER" --regid "$(id -g "$AS_USER")" --init-groups -- "$@"
    else
      set -- runuser -u "$AS_USER" -- "$@"
    fi
  fi
  if command -v setsid >/dev/null 2>&1; then
    set -- setsid "$@"
  fi
  # Not nohup: Java leaves a signal alone that is ignored when it begins, and HUP means reload.
  REPLICATOR_READY_FILE=$READY "$@" </dev/null >>"$LOG" 2>&1 &
}

start() {
  if running; then
    say "runs already (pid $PID)"
    return 0
  fi
  if [ ! -r "$CONFIG" ]; then
    say "there is no configuration $CONFIG" >&2
    return 6
  fi
  AS_USER=
  if [ "$(id -u)" = 0 ] && [ -n "$RUN_AS" ] && [ "$RUN_AS" != root ] && id "$RUN_AS" >/dev/null 2>&1; then
    AS_USER=$RUN_AS
  fi
  prepare || {
    say "cannot write to $RUN or $LOG" >&2
    return 4
  }
  lines=$(wc -l <"$LOG")
  launch
  begun=$(date +%s)
  while [ ! -f "$READY" ]; do
    elapsed=$(($(date +%s) - begun))
    if { [ -s "$PIDFILE" ] && ! alive; } || { [ ! -s "$PIDFILE" ] && [ "$elapsed" -ge "$SHELL_TIMEOUT" ]; }; then
      say "could not start; the end of $LOG:" >&2
      tail -n "+$((lines + 1))" "$LOG" | tail -n 10 | sed 's/^/  /' >&2
      rm -f "$PIDFILE"
      return 1
    fi
    if [ "$elapsed" -ge "$START_TIMEOUT" ]; then
      say "is not ready after $START_TIMEOUT s and goes on starting; see $LOG"
      return 0
    fi
    nap
  done
  running
  say "started (pid $PID), log $LOG"
}

stop() {
  if ! running; then
    rm -f "$PIDFILE"
    say "does not run"
    return 0
  fi
  kill -TERM "$PID" || {
    say "cannot stop pid $PID" >&2
    return 4
  }
  begun=$(date +%s)
  while ! gone "$PID"; do
    if [ $(($(date +%s) - begun)) -ge "$STOP_TIMEOUT" ]; then
      say "did not stop within $STOP_TIMEOUT s, pid $PID still runs; see $LOG" >&2
      return 1
    fi
    nap
  done
  rm -f "$PIDFILE"
  say "stopped"
}

status() {
  if running; then
    if [ -f "$READY" ]; then
      say "runs (pid $PID)"
    else
      say "is starting (pid $PID)"
    fi
    return 0
  fi
  if [ -e "$PIDFILE" ]; then
    say "does not run, but left $PIDFILE; see $LOG"
    return 1
  fi
  say "does not run"
  return 3
}

reload() {
  if ! running; then
    say "does not run" >&2
    return 7
  fi
  kill -HUP "$PID" && say "told to reload (pid $PID); see $LOG"
}

case $ACTION in
  start) start ;;
  stop) stop ;;
  restart) stop && start ;;
  try-restart | condrestart) if running; then stop && start; fi ;;
  reload | force-reload) reload ;;
  status) status ;;
  *)
    echo "usage: $0 start|stop|restart|try-restart|reload|force-reload|status" >&2
    exit 2
    ;;
esac
