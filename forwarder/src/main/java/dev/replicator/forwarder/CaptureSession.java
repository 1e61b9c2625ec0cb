package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.CorruptQueueException;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.OutOfOrderException;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.wire.CaptureAck;
import dev.replicator.queue.wire.CaptureHello;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.FromCapture;
import dev.replicator.queue.wire.ToCapture;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.Steps;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of capture: greeting, records in, acknowledgements out. Messages come in order from gRPC; sending is
 * guarded by the monitor, because orders and acknowledgements come from other threads.
 */
final class CaptureSession implements StreamObserver<FromCapture>, CaptureLink.Connection {
    private static final Logger LOG = LoggerFactory.getLogger(CaptureSession.class);
    private static final Duration ACK_WAIT = Duration.ofMillis(500);

    private final CaptureContext context;
    private final ServerCallStreamObserver<ToCapture> capture;
    private final CaptureIntake intake;
    private Position announced;
    private volatile boolean welcomed;
    private boolean asks;
    private volatile boolean ended;

    CaptureSession(CaptureContext context, ServerCallStreamObserver<ToCapture> capture) {
        this.context = context;
        this.capture = capture;
        this.intake = new CaptureIntake(
                "capture's stream",
                context.queue(),
                context.appender(),
                QueueOptions.DEFAULT_LARGE_TRANSACTION_BYTES,
                new Events(),
                context.link()::obstacle);
        capture.setOnCancelHandler(() -> ended("capture disconnected"));
    }

    @Override
    public void onNext(FromCapture message) {
        if (ended) {
            return;
        }
        try {
            handle(message);
        } catch (QueueAppender.SupersededException e) {
            end(Status.ABORTED.withDescription(e.getMessage()));
        } catch (ForkedHistoryException | OutOfOrderException e) {
            LOG.atError().log("Refused capture: {}", e.getMessage());
            end(Status.FAILED_PRECONDITION.withDescription(e.getMessage()));
        } catch (CorruptQueueException e) {
            end(Status.UNAVAILABLE.withDescription("the forwarder's queue is damaged: " + e.getMessage()));
            context.failure().accept(e);
        } catch (CorruptRecordException e) {
            LOG.atError().log("Capture sent damaged records: {}", e.getMessage());
            end(Status.DATA_LOSS.withDescription(e.getMessage()));
        } catch (IOException e) {
            if (ended) {
                LOG.debug("capture's connection ended in mid-append", e);
                return;
            }
            // After a failed write or fsync the queue is not to be trusted until it was opened again (rule R16).
            end(Status.UNAVAILABLE.withDescription("the forwarder cannot write its queue: " + e.getMessage()));
            context.failure().accept(e);
        } catch (RuntimeException e) {
            LOG.atError().setCause(e).log("Taking in from capture failed");
            end(
                    Status.fromThrowable(e).getCode() == Status.Code.UNKNOWN
                            ? Status.INTERNAL.withDescription("taking in failed: " + e)
                            : Status.fromThrowable(e));
        }
    }

    private void handle(FromCapture message) throws IOException {
        if (asks && message.hasStatus()) {
            context.link().reportPreparing(this, message.getStatus());
            return;
        }
        if (!welcomed && message.getMessageCase() != FromCapture.MessageCase.HELLO) {
            throw Status.INVALID_ARGUMENT
                    .withDescription("capture must begin with a hello, it sent " + message.getMessageCase())
                    .asRuntimeException();
        }
        switch (message.getMessageCase()) {
            case HELLO -> greet(message.getHello());
                // What was on its way when the queue's budget was used up is taken in, too: the status behind it tells
                // what
                // is visible on the master, and nothing can be freed above that.
            case RECORDS -> intake.feed(ByteBuffer.wrap(message.getRecords().toByteArray()));
            case STATUS -> {
                context.link().report(this, message.getStatus());
                context.statusChanged().run();
            }
            case DUMP_FAILED -> context.dumps()
                    .failed(
                            message.getDumpFailed().getDumpId(),
                            message.getDumpFailed().getReason(),
                            message.getDumpFailed().getRetry());
            case MESSAGE_NOT_SET -> throw Status.INVALID_ARGUMENT
                    .withDescription("an empty message from capture")
                    .asRuntimeException();
        }
    }

    private void greet(CaptureHello hello) throws IOException {
        if (!hello.getCluster().equals(context.cluster())) {
            throw Status.FAILED_PRECONDITION
                    .withDescription("capture belongs to cluster '" + hello.getCluster() + "', this forwarder to '"
                            + context.cluster() + "'; set the same cluster in capture.yaml and forwarder.yaml")
                    .asRuntimeException();
        }
        String known = context.link().systemIdentifier();
        LOG.atInfo()
                .addKeyValue("systemIdentifier", hello.getSystemIdentifier())
                .addKeyValue("formerly", known)
                .log("Capture connects");
        if (!hello.hasTail()) {
            asks = true;
            // It only asks what there is: whoever streams goes on, and it comes again once it has a history.
            send(ToCapture.newBuilder()
                    .setWelcome(context.histories().whatThereIs())
                    .build());
            return;
        }
        announced = Positions.fromWire(hello.getTail());
        context.appender().takeOver(intake);
        CaptureWelcome welcome;
        try {
            welcome = context.histories().welcome(intake, hello);
        } catch (ForkedHistoryException e) {
            context.link().refused(e.getMessage());
            throw e;
        }
        send(ToCapture.newBuilder().setWelcome(welcome).build());
        welcomed = true;
        context.link().connected(this, hello.getSystemIdentifier(), announced.epoch());
        context.queue().mayGather(!hello.getAwaitsAcks());
        Thread acknowledger = new Thread(this::acknowledge, "capture-ack");
        acknowledger.setDaemon(true);
        acknowledger.start();
    }

    /** Tells capture what is durable, as soon as it is; where the master waits for that, nothing is gathered. */
    private void acknowledge() {
        long ackedLsn = -1;
        long ackedSeq = -1;
        boolean held = false;
        try {
            while (!ended && context.queue().hasHistory()) {
                long seenLsn = context.queue().durableLsn();
                long seenRecords = context.queue().durableRecords();
                Position tail = context.queue().durableTail();
                boolean hold = context.room().isClosed();
                if (tail.seq() != ackedSeq || seenLsn != ackedLsn || hold != held) {
                    Steps.reached("forwarder.records-durable");
                    send(ToCapture.newBuilder()
                            .setAck(CaptureAck.newBuilder()
                                    .setDurable(WirePositions.toWire(tail))
                                    .setDurableLsn(seenLsn)
                                    .setHold(hold))
                            .build());
                    held = hold;
                    ackedSeq = tail.seq();
                    ackedLsn = seenLsn;
                }
                context.queue().noticeProgress(seenLsn, seenRecords, ACK_WAIT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            if (!ended) {
                LOG.atWarn().log("Cannot acknowledge to capture: {}", e.toString());
                end(Status.UNAVAILABLE.withDescription("the forwarder's queue cannot be asked: " + e.getMessage()));
            }
        }
    }

    @Override
    public synchronized void send(ToCapture message) {
        if (!ended && !capture.isCancelled()) {
            capture.onNext(message);
        }
    }

    @Override
    public void supersede() {
        LOG.atWarn().log("Another capture connected; the older connection is ended");
        end(Status.ABORTED.withDescription("another capture connected with the same token"));
    }

    @Override
    public void onError(Throwable error) {
        ended("capture disconnected: " + Status.fromThrowable(error).getCode());
    }

    @Override
    public void onCompleted() {
        ended("capture said goodbye");
        synchronized (this) {
            if (!capture.isCancelled()) {
                capture.onCompleted();
            }
        }
    }

    private void end(Status status) {
        boolean first;
        synchronized (this) {
            first = !ended;
            ended = true;
        }
        if (first) {
            ended(status.getDescription());
            synchronized (this) {
                capture.onError(status.asRuntimeException());
            }
        }
    }

    private void ended(String reason) {
        ended = true;
        intake.cancel();
        context.link().disconnected(this, reason);
        try {
            context.appender().release(intake);
        } catch (IOException e) {
            LOG.atWarn().log("Cannot remove a half received transaction: {}", e.getMessage());
        }
    }

    /** What the intake tells. */
    private final class Events implements CaptureIntake.Observer {
        @Override
        public void schema(TableSchema schema, Position at) throws IOException {
            context.slaves().tableSeen(schema);
            context.dumps().schemaChanged(schema);
        }

        @Override
        public void marker(String json, Position at) throws IOException {
            String text = ControlRecords.markerText(json);
            context.dumps().marker(text);
            context.markers().arrived(text, at);
        }

        @Override
        public void newEpoch(Position base) throws IOException {
            // The first record does not tell the LSN its epoch begins at; a tail without transactions does.
            boolean told = announced.epoch().equals(base.epoch()) && announced.seq() == base.seq();
            context.histories().newEpoch(intake, told ? announced : base);
        }

        @Override
        public void transaction(RecordHeader header) {
            context.ingested().accept(header);
        }
    }
}
