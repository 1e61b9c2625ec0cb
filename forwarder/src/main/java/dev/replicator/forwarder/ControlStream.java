package dev.replicator.forwarder;

import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.SlaveTable;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One slave daemon's reports up, commands down. Messages come in order; commands are sent from any thread. */
final class ControlStream implements StreamObserver<SlaveReport>, Slave.Stream, SlaveCommands.Channel {
    private static final Logger LOG = LoggerFactory.getLogger(ControlStream.class);
    private static final Set<String> NEEDS_ITS_DUMP = Set.of("waiting-for-dump", "restoring");

    private final Slave slave;
    private final SlaveCommands commands;
    private final DumpCatalog dumps;
    private final ReadyGate<SlaveCommand> gate;

    ControlStream(Slave slave, SlaveCommands commands, DumpCatalog dumps, ReadyGate<SlaveCommand> gate) {
        this.slave = slave;
        this.commands = commands;
        this.dumps = dumps;
        this.gate = gate;
    }

    /** Registers the stream, ends an older one and sends what waits. */
    void open() {
        slave.openControl(this).ifPresent(Slave.Stream::supersede);
        commands.connected(slave.name(), this);
    }

    @Override
    public void onNext(SlaveReport report) {
        if (gate.isEnded()) {
            return;
        }
        try {
            if (!report.getSlave().equals(slave.name())) {
                throw new IllegalArgumentException("the token belongs to slave '" + slave.name()
                        + "', the report is of '" + report.getSlave() + "'");
            }
            slave.report(report);
            commands.reported(slave.name(), report);
            releaseDumps(report);
        } catch (IOException e) {
            LOG.atWarn().addKeyValue("slave", slave.name()).log("Cannot note a report: {}", e.getMessage());
        } catch (RuntimeException e) {
            gate.fail(Calls.status(e));
        }
    }

    /** A dump is in use until its table is past it: then the table's lane holds the queue in its stead. */
    private void releaseDumps(SlaveReport report) throws IOException {
        for (DumpEntry entry : dumps.wantedBy(slave.name())) {
            if (dumps.isComplete(entry) && !needs(report, entry)) {
                dumps.release(entry.id, slave.name());
            }
        }
    }

    private static boolean needs(SlaveReport report, DumpEntry entry) {
        for (SlaveTable table : report.getTablesList()) {
            if (table.getTable().equals(entry.table.toString())) {
                return table.getState().isEmpty()
                        || NEEDS_ITS_DUMP.contains(table.getState())
                        || table.getDump().equals(entry.id);
            }
        }
        // The table has left the slave's set. But a slave that just started reports nothing yet.
        return report.getLanesCount() == 0;
    }

    @Override
    public boolean send(SlaveCommand command) {
        try {
            gate.send(command);
            return true;
        } catch (ReadyGate.EndedException e) {
            return false;
        }
    }

    @Override
    public void supersede() {
        gate.fail(Status.ABORTED.withDescription("a newer connection of slave '" + slave.name() + "' took over"));
        ended();
    }

    @Override
    public void revoke(String reason) {
        gate.fail(Status.PERMISSION_DENIED.withDescription(reason));
        ended();
    }

    @Override
    public void onError(Throwable error) {
        ended();
        gate.fail(Status.CANCELLED);
    }

    @Override
    public void onCompleted() {
        ended();
        gate.complete();
    }

    private void ended() {
        slave.controlClosed(this);
        commands.disconnected(slave.name(), this);
    }
}
