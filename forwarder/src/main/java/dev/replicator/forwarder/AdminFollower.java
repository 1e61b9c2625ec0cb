package dev.replicator.forwarder;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.Position;
import dev.replicator.queue.wire.AdminReply;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Long admin commands: waiting for a slave or for dumps, telling the progress now and then. Thread-safe. */
final class AdminFollower {
    private static final Duration STEP = Duration.ofMillis(50);
    private static final Duration TELL = Duration.ofMillis(500);

    private final Markers markers;
    private final CaptureLink link;
    private final SlaveStatus slaveStatus;
    private final StatusReport status;
    private final DumpCatalog dumps;
    private final Slaves slaves;

    AdminFollower(
            Markers markers,
            CaptureLink link,
            SlaveStatus slaveStatus,
            StatusReport status,
            DumpCatalog dumps,
            Slaves slaves) {
        this.markers = markers;
        this.link = link;
        this.slaveStatus = slaveStatus;
        this.status = status;
        this.dumps = dumps;
        this.slaves = slaves;
    }

    /**
     * Waits until the slave has applied all that the master had committed when this began.
     *
     * @throws ReplicatorException with the reason when that cannot be, or time is up
     */
    void awaitSlave(Slave slave, Duration timeout, ReadyGate<AdminReply> gate)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        checkCanApply(slave);
        Position mark = awaitMark(slave, deadline, timeout, gate);
        long told = 0;
        while (!hasApplied(slave, mark)) {
            if (gate.isEnded()) {
                return;
            }
            checkCanApply(slave);
            checkTime(slave, mark, deadline, timeout);
            if (System.nanoTime() - told > TELL.toNanos()) {
                tell(gate, progress(slave, mark), false);
                told = System.nanoTime();
            }
            dumps.awaitChange(STEP);
        }
        tell(gate, progress(slave, mark), true);
        gate.complete();
    }

    /** The mark is committed on the master now; when it arrives, all that was committed before is here. */
    private Position awaitMark(Slave slave, long deadline, Duration timeout, ReadyGate<AdminReply> gate)
            throws InterruptedException {
        while (true) {
            long connection = link.connectionNumber();
            Markers.Mark mark = markers.order().orElseThrow(() -> cannot(slave, "no capture is connected", ""));
            try {
                while (link.isConnected() && link.connectionNumber() == connection) {
                    Optional<Position> arrived = markers.await(mark, STEP);
                    if (arrived.isPresent()) {
                        return arrived.get();
                    }
                    if (gate.isEnded()) {
                        throw cannot(slave, "the command was cancelled", "");
                    }
                    checkCanApply(slave);
                    checkTime(slave, null, deadline, timeout);
                }
            } finally {
                markers.forget(mark);
            }
        }
    }

    private void checkCanApply(Slave slave) {
        if (!link.isConnected()) {
            String why = link.error() == null ? "" : "It ended with: " + link.error();
            throw cannot(slave, "no capture is connected", why);
        }
        if (slaves.find(slave.name()).isEmpty()) {
            throw cannot(slave, "its file is gone", "");
        }
        if (slave.isPaused()) {
            throw cannot(slave, "it is paused", "Run 'replicator admin slave resume " + slave.name() + "'.");
        }
        for (SlaveStatus.Table table : slaveStatus.tables(slave)) {
            if (table.state().equals(SlaveStatus.ERROR)) {
                throw cannot(
                        slave,
                        "table " + table.name() + " is parked: " + table.error(),
                        "Mend it, then use 'slave resume', 'slave skip' or 'slave resync'.");
            }
        }
    }

    private static void checkTime(Slave slave, Position mark, long deadline, Duration timeout) {
        if (System.nanoTime() - deadline > 0) {
            String where = slave.mainCursor().map(Position::toString).orElse("nowhere yet");
            throw cannot(
                    slave,
                    "not within " + timeout.toMillis() + " ms; it is at " + where
                            + (mark == null ? ", and the master's mark has not arrived" : ", waited for " + mark),
                    "See 'replicator admin slave show " + slave.name() + "'.");
        }
    }

    private static ReplicatorException cannot(Slave slave, String why, String hint) {
        return new ReplicatorException(ErrorCode.FAILED, "waiting for slave " + slave.name() + ": " + why, hint);
    }

    private boolean hasApplied(Slave slave, Position mark) {
        boolean reached = slave.isConnected()
                && !slave.isBeginningAnew()
                && slave.mainCursor()
                        .filter(at -> at.epoch().equals(mark.epoch()) && at.seq() >= mark.seq())
                        .isPresent();
        return reached
                && slaveStatus.tables(slave).stream()
                        .allMatch(table -> table.waits() || table.state().equals(SlaveStatus.IN_SYNC));
    }

    private ObjectNode progress(Slave slave, Position mark) {
        return Json.object()
                .put("slave", slave.name())
                .put("appliedSeq", slaveStatus.appliedSeq(slave))
                .put("targetSeq", mark.seq())
                .put("done", hasApplied(slave, mark));
    }

    /** Waits until dumps are complete and, if they are for a slave, that slave is in sync with them. */
    void awaitDumps(List<DumpEntry> requested, Optional<String> slaveName, Duration timeout, ReadyGate<AdminReply> gate)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        long told = 0;
        while (!gate.isEnded()) {
            List<DumpEntry> current = current(requested);
            boolean complete = current.stream().allMatch(dumps::isComplete);
            boolean done =
                    complete && slaveName.map(name -> isRestored(name, current)).orElse(true);
            if (done || System.nanoTime() - told > TELL.toNanos()) {
                tell(gate, dumpProgress(current), done);
                told = System.nanoTime();
            }
            if (done) {
                gate.complete();
                return;
            }
            if (System.nanoTime() - deadline > 0) {
                throw new ReplicatorException(
                        ErrorCode.FAILED,
                        "waiting for dumps "
                                + current.stream().map(entry -> entry.id).toList() + ": not within "
                                + timeout.toMillis() + " ms",
                        "They go on; see 'replicator admin dump list'.");
            }
            dumps.awaitChange(STEP);
        }
    }

    private List<DumpEntry> current(List<DumpEntry> requested) {
        List<DumpEntry> current = new ArrayList<>();
        for (DumpEntry entry : requested) {
            DumpEntry latest = dumps.latest(entry.id).orElse(entry);
            if (latest.state == DumpEntry.State.FAILED) {
                throw new ReplicatorException(
                        ErrorCode.FAILED, "dump " + latest.id + " of " + latest.table + " failed: " + latest.error, "");
            }
            current.add(latest);
        }
        return current;
    }

    /** The slave read them all, and their tables are in sync. */
    private boolean isRestored(String name, List<DumpEntry> entries) {
        Optional<Slave> slave = slaves.find(name);
        return slave.isPresent()
                && entries.stream().allMatch(entry -> entry.servedTo.contains(name))
                && slaveStatus.tables(slave.get()).stream()
                        .filter(table -> entries.stream().anyMatch(entry -> entry.table.equals(table.name())))
                        .allMatch(table -> table.state().equals(SlaveStatus.IN_SYNC));
    }

    private ObjectNode dumpProgress(List<DumpEntry> entries) {
        ObjectNode node = Json.object();
        ArrayNode ids = node.putArray("ids");
        ArrayNode list = node.putArray("dumps");
        for (DumpEntry entry : entries) {
            ids.add(entry.id);
            list.add(status.dump(entry));
        }
        return node;
    }

    private static void tell(ReadyGate<AdminReply> gate, ObjectNode document, boolean last) throws IOException {
        gate.send(AdminReply.newBuilder()
                .setJson(document.toString())
                .setLast(last)
                .build());
    }
}
