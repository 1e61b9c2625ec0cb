package dev.replicator.forwarder;

import dev.replicator.queue.TableName;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.wire.DumpPart;
import dev.replicator.queue.wire.FetchDumpRequest;
import dev.replicator.queue.wire.FromLane;
import dev.replicator.queue.wire.LaneStart;
import dev.replicator.queue.wire.RequireDumpsReply;
import dev.replicator.queue.wire.RequireDumpsRequest;
import dev.replicator.queue.wire.SlaveCommand;
import dev.replicator.queue.wire.SlaveLinkGrpc;
import dev.replicator.queue.wire.SlaveReport;
import dev.replicator.queue.wire.Subscribe;
import dev.replicator.queue.wire.ToLane;
import dev.replicator.runtime.net.Peer;
import dev.replicator.runtime.net.Servers;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls of the slave daemons. A slave acts for itself only: its token says who it is. */
final class SlaveService extends SlaveLinkGrpc.SlaveLinkImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(SlaveService.class);

    /** One main lane, one lane per re-sync group or parked table: far more than any slave needs at once. */
    private static final int LANES_MAX = 1000;

    private final String cluster;
    private final ReplicationQueue queue;
    private final Slaves slaves;
    private final LaneStarts starts;
    private final DumpRequirements requirements;
    private final DumpCatalog dumps;
    private final SlaveCommands commands;
    private final Workers workers;

    SlaveService(
            String cluster,
            ReplicationQueue queue,
            Slaves slaves,
            LaneStarts starts,
            DumpRequirements requirements,
            DumpCatalog dumps,
            SlaveCommands commands,
            Workers workers) {
        this.cluster = cluster;
        this.queue = queue;
        this.slaves = slaves;
        this.starts = starts;
        this.requirements = requirements;
        this.dumps = dumps;
        this.commands = commands;
        this.workers = workers;
    }

    @Override
    public StreamObserver<FromLane> subscribe(StreamObserver<ToLane> lane) {
        return Calls.streaming(lane, () -> {
            Peer peer = Servers.require(Peer.Role.SLAVE);
            return new LaneStream(peer, new ReadyGate<>((ServerCallStreamObserver<ToLane>) lane));
        });
    }

    @Override
    public StreamObserver<SlaveReport> control(StreamObserver<SlaveCommand> down) {
        return Calls.streaming(down, () -> {
            Slave slave = slave(Servers.require(Peer.Role.SLAVE));
            ControlStream stream = new ControlStream(
                    slave, commands, dumps, new ReadyGate<>((ServerCallStreamObserver<SlaveCommand>) down));
            stream.open();
            revokeIfUnknown(stream);
            return stream;
        });
    }

    @Override
    public void requireDumps(RequireDumpsRequest request, StreamObserver<RequireDumpsReply> answer) {
        Calls.unary(answer, () -> {
            Slave slave = slave(Servers.require(Peer.Role.SLAVE));
            checkName(slave, request.getSlave());
            answer.onNext(requirements.require(slave, request));
            answer.onCompleted();
        });
    }

    @Override
    public void fetchDump(FetchDumpRequest request, StreamObserver<DumpPart> answer) {
        ReadyGate<DumpPart> gate = new ReadyGate<>((ServerCallStreamObserver<DumpPart>) answer);
        try {
            Slave slave = slave(Servers.require(Peer.Role.SLAVE));
            checkName(slave, request.getSlave());
            Optional<DumpEntry> found = dumps.find(request.getDumpId());
            if (found.isEmpty()) {
                gate.send(DumpPart.newBuilder()
                        .setFailed("there is no dump " + request.getDumpId() + " any more")
                        .build());
                gate.complete();
                return;
            }
            DumpEntry entry = found.get();
            checkGranted(slave, entry.table, "dump " + entry.id);
            BooleanSupplier known = Servers.stillKnown();
            dumps.want(entry, slave.name());
            workers.run(
                    "fetch-" + slave.name() + "-" + entry.id,
                    new DumpFetch(
                            dumps,
                            entry,
                            slave,
                            request.getChunksHeldList(),
                            () -> known.getAsBoolean() && isGranted(slave, entry.table),
                            gate));
        } catch (IOException e) {
            gate.fail(Status.UNAVAILABLE.withDescription("the forwarder cannot serve the dump: " + e.getMessage()));
        } catch (RuntimeException e) {
            gate.fail(Calls.status(e));
        }
    }

    private Slave slave(Peer peer) {
        return slaves.find(peer.name()).orElseThrow(() -> Status.PERMISSION_DENIED
                .withDescription("slave '" + peer.name() + "' has no file in slaves.d any more")
                .asRuntimeException());
    }

    private static void checkName(Slave slave, String claimed) {
        if (!claimed.equals(slave.name())) {
            throw Status.PERMISSION_DENIED
                    .withDescription("the token belongs to slave '" + slave.name() + "', the call is for slave '"
                            + claimed + "'; check slave.yaml")
                    .asRuntimeException();
        }
    }

    /** A reload ends the calls it finds; one that was let in before it and noted behind it ends here. */
    private static void revokeIfUnknown(Slave.Stream stream) {
        if (!Servers.stillKnown().getAsBoolean()) {
            stream.revoke("the token has changed");
        }
    }

    private boolean isGranted(Slave slave, TableName table) {
        return slaves.file(slave.name())
                .map(file -> file.tables().contains(table))
                .orElse(false);
    }

    private void checkGranted(Slave slave, TableName table, String what) {
        if (!isGranted(slave, table)) {
            LOG.atWarn()
                    .addKeyValue("slave", slave.name())
                    .addKeyValue("asked", what)
                    .log("Refused: the slave is not granted this table");
            throw Status.PERMISSION_DENIED
                    .withDescription("slave '" + slave.name() + "' is not granted the table of " + what
                            + "; add it to the slave's file on the forwarder and reload")
                    .asRuntimeException();
        }
    }

    /** The up side of one lane: its subscription, then acknowledgements. */
    private final class LaneStream implements StreamObserver<FromLane> {
        private final Peer peer;
        private final ReadyGate<ToLane> gate;
        private Slave slave;
        private String lane;

        LaneStream(Peer peer, ReadyGate<ToLane> gate) {
            this.peer = peer;
            this.gate = gate;
        }

        @Override
        public void onNext(FromLane message) {
            try {
                switch (message.getMessageCase()) {
                    case SUBSCRIBE -> begin(message.getSubscribe());
                    case ACK -> acknowledge(message);
                    case MESSAGE_NOT_SET -> throw new IllegalArgumentException("an empty message on a lane");
                }
            } catch (IOException e) {
                LOG.atWarn().addKeyValue("slave", peer.name()).log("Cannot begin a lane: {}", e.getMessage());
                gate.fail(Status.UNAVAILABLE.withDescription("the forwarder cannot read its queue: " + e.getMessage()));
            } catch (RuntimeException e) {
                gate.fail(Calls.status(e));
            }
        }

        private void acknowledge(FromLane message) {
            if (slave == null) {
                throw new IllegalArgumentException("an acknowledgement before the subscription");
            }
            slave.cursor(lane, Positions.fromWire(message.getAck().getApplied()));
        }

        private void begin(Subscribe subscribe) throws IOException {
            if (slave != null) {
                throw new IllegalArgumentException("a second subscription on one lane's stream");
            }
            Slave candidate = slave(peer);
            checkName(candidate, subscribe.getSlave());
            if (!subscribe.getCluster().equals(cluster)) {
                throw new IllegalArgumentException("slave '" + candidate.name() + "' belongs to cluster '"
                        + subscribe.getCluster() + "', this forwarder to '" + cluster + "'");
            }
            if (subscribe.getLane().isEmpty() || candidate.cursors().size() > LANES_MAX) {
                throw new IllegalArgumentException("a lane needs a name, and a slave has at most " + LANES_MAX);
            }
            LaneStarts.Decision decision = starts.decide(candidate.name(), subscribe);
            if (decision.accepted() == null) {
                refuse(candidate, subscribe.getLane(), decision.refused());
                return;
            }
            slave = candidate;
            lane = subscribe.getLane();
            LaneSender sender = new LaneSender(queue, slave, decision.accepted(), gate);
            slave.open(lane, sender).ifPresent(Slave.Stream::supersede);
            revokeIfUnknown(sender);
            slave.refusal(lane, null);
            if (lane.equals(Slave.MAIN) && !subscribe.hasPosition()) {
                slave.beginsAnew(decision.accepted().position());
            } else {
                slave.goesOnFrom(lane, decision.accepted().position());
            }
            workers.run("lane-" + slave.name() + "-" + lane, sender);
        }

        private void refuse(Slave refused, String name, LaneStart start) throws IOException {
            LOG.atWarn()
                    .addKeyValue("slave", refused.name())
                    .addKeyValue("lane", name)
                    .log("Lane refused: {}: {}", start.getRefusal(), start.getDetail());
            refused.refusal(name, start.getRefusal() + ": " + start.getDetail());
            gate.send(ToLane.newBuilder().setStart(start).build());
            gate.complete();
        }

        @Override
        public void onError(Throwable error) {
            gate.fail(Status.CANCELLED);
        }

        @Override
        public void onCompleted() {
            gate.complete();
        }
    }
}
