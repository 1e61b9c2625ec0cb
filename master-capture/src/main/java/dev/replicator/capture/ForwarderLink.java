package dev.replicator.capture;

import com.google.protobuf.ByteString;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.store.ForkedHistoryException;
import dev.replicator.queue.store.PositionPrunedException;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.store.SegmentSummary;
import dev.replicator.queue.wire.CaptureAck;
import dev.replicator.queue.wire.CaptureHello;
import dev.replicator.queue.wire.CaptureWelcome;
import dev.replicator.queue.wire.DumpFailed;
import dev.replicator.queue.wire.FromCapture;
import dev.replicator.queue.wire.WirePositions;
import dev.replicator.runtime.Backoff;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the spool to the forwarder, from where the forwarder stands, and prunes what it holds durably. Connects again for
 * ever; meanwhile the spool grows. Everything is sent by the link's own thread.
 */
final class ForwarderLink implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(ForwarderLink.class);
    private static final Duration WELCOME_WAIT = Duration.ofSeconds(10);
    private static final Duration PROGRESS_WAIT = Duration.ofMillis(50);
    private static final long STATUS_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long READY_WAIT_MILLIS = 20;

    private final ForwarderClient client;
    private final Spool spool;
    private final StatusBoard board;
    private final LinkOrders orders;
    private final Supplier<String> systemIdentifier;
    private final boolean awaitsAcks;
    private final Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5));
    private final ConcurrentLinkedQueue<DumpFailed> failedDumps = new ConcurrentLinkedQueue<>();

    private volatile boolean stopping;
    /** The forwarder's queue is full and nothing may give way there: records wait in the spool. */
    private volatile boolean held;

    private volatile long ackedSeq;
    private volatile long ackedLsn;
    private long statusAt;
    private String problem = "";

    /** @param awaitsAcks whether the master is told that a transaction is safe only when the forwarder has it durably */
    ForwarderLink(
            ForwarderClient client,
            Spool spool,
            StatusBoard board,
            LinkOrders orders,
            Supplier<String> systemIdentifier,
            boolean awaitsAcks) {
        this.client = client;
        this.spool = spool;
        this.board = board;
        this.orders = orders;
        this.systemIdentifier = systemIdentifier;
        this.awaitsAcks = awaitsAcks;
    }

    /** Up to where the forwarder has everything durably; 0 until it has said so. */
    long durableLsn() {
        return ackedLsn;
    }

    /** Tells the forwarder, now or after the next connect, that a dump has failed. */
    void dumpFailed(String dumpId, String reason, boolean retry) {
        failedDumps.add(DumpFailed.newBuilder()
                .setDumpId(dumpId)
                .setReason(reason)
                .setRetry(retry)
                .build());
    }

    /** Makes {@link #run} end soon, after a last status. */
    void stop() {
        stopping = true;
        backoff.cancel();
    }

    @Override
    public void run() {
        try {
            while (!stopping) {
                runOnce();
                if (!backoff.pause()) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("Forwarder link was interrupted");
        }
    }

    private void runOnce() throws InterruptedException {
        ForwarderCall call = new ForwarderCall(orders, this::acknowledged);
        try {
            client.stub().connect(call);
            if (hasHistory()) {
                connection(call);
            } else {
                prepare(call);
            }
        } catch (ForkedHistoryException e) {
            board.forwarderProblem(e.getMessage());
            report(e);
            sendStatus(call);
            call.end();
        } catch (IOException | RuntimeException e) {
            report(e);
            call.cancel("the connection failed at capture");
        } finally {
            board.forwarderConnected(false);
        }
    }

    private void report(Exception e) {
        String why = String.valueOf(e.getMessage());
        if (stopping) {
            return;
        }
        if (!why.equals(problem)) {
            LOG.warn("Connection to the forwarder: {}; trying again", why);
        }
        LOG.debug("Connection to the forwarder failed", e);
        problem = why;
    }

    private boolean hasHistory() {
        return spool.queue().hasHistory() && spool.commitLog() != null;
    }

    /** Until there is a history to stream, the forwarder is told what its beginning waits for. */
    private void prepare(ForwarderCall call) throws IOException, InterruptedException {
        call.send(FromCapture.newBuilder().setHello(client.hello()).build());
        call.awaitWelcome(WELCOME_WAIT);
        backoff.reset();
        while (!stopping && !hasHistory()) {
            if (System.nanoTime() - statusAt >= STATUS_NANOS || board.takeChanged()) {
                sendStatus(call);
            }
            call.rest(PROGRESS_WAIT.toMillis());
        }
        call.end();
    }

    private void connection(ForwarderCall call) throws IOException, InterruptedException {
        held = false;
        call.send(FromCapture.newBuilder().setHello(hello()).build());
        CaptureWelcome welcome = call.awaitWelcome(WELCOME_WAIT);
        board.forwarderConnected(true);
        List<TableSchema> theirSchemas = HistoryAdoption.schemas(welcome);
        List<TableName> overtaken = spool.tables().overtakenBy(theirSchemas);
        if (!overtaken.isEmpty()) {
            LOG.warn(
                    "The forwarder knows later incarnations of {} than the spool does, which seems to come from a backup:"
                            + " these tables join anew",
                    overtaken);
        }
        sendStatus(call);
        try (QueueReader reader = reader(call, welcome, theirSchemas)) {
            LOG.info("Connected to the forwarder, which has everything up to seq {}", reader.passedSeq());
            backoff.reset();
            problem = "";
            board.forwarderProblem("");
            stream(call, new RecordSender(call, reader));
        }
    }

    private void stream(ForwarderCall call, RecordSender sender) throws IOException, InterruptedException {
        ReplicationQueue queue = spool.queue();
        while (!stopping) {
            lookAround(call);
            long seenRecords = queue.durableRecords();
            long seenLsn = queue.durableLsn();
            if (held) {
                call.throwIfEnded();
                queue.noticeProgress(seenLsn, seenRecords, PROGRESS_WAIT);
            } else if (call.awaitReady(READY_WAIT_MILLIS) && !sender.sendSome()) {
                queue.noticeProgress(seenLsn, seenRecords, PROGRESS_WAIT);
            }
        }
        sendStatus(call);
        call.end();
    }

    private CaptureHello hello() throws IOException {
        CaptureHello.Builder hello = client.hello()
                .setTail(WirePositions.toWire(spool.queue().durableTail()))
                .setSystemIdentifier(systemIdentifier.get())
                .setAwaitsAcks(awaitsAcks);
        Position base = spool.base()
                .orElseThrow(
                        () -> new IOException("the spool does not know the position before its first transaction"));
        return hello.setBase(WirePositions.toWire(base)).build();
    }

    /** A reader behind the forwarder's tail; behind our first record when the forwarder is empty. */
    private QueueReader reader(ForwarderCall call, CaptureWelcome welcome, List<TableSchema> theirSchemas)
            throws IOException, InterruptedException {
        if (!welcome.hasTail()) {
            return spool.queue().readAfter(spool.base().orElseThrow());
        }
        Position theirs = WirePositions.fromWire(welcome.getTail());
        HistoryComparison comparison = new HistoryComparison(spool.commitLog(), theirs, welcome.getCommitLogList());
        comparison.compare(spool.queue());
        // Ahead of us: what we lack comes again from the master under the same numbers, and is compared then (R06).
        while (spool.queue().durableTail().seq() < theirs.seq()) {
            board.forwarderProblem("the forwarder holds everything up to " + theirs + ", we have captured up to "
                    + spool.queue().durableTail() + ": reading the master's log again");
            lookAround(call);
            call.awaitReady(READY_WAIT_MILLIS);
            spool.queue()
                    .awaitProgress(spool.queue().durableLsn(), spool.queue().durableRecords(), PROGRESS_WAIT);
            if (stopping) {
                throw new IOException("stopping");
            }
            comparison.compare(spool.queue());
        }
        acknowledged(theirs.seq(), welcome.getDurableLsn());
        repeatSchemas(call, theirs, theirSchemas);
        try {
            return spool.queue().readAfter(theirs);
        } catch (PositionPrunedException e) {
            throw new IOException(
                    "the forwarder stands at " + theirs + ", the spool begins behind "
                            + spool.base().map(Position::toString).orElse("nothing") + ": it must begin anew there",
                    e);
        }
    }

    /**
     * What was announced before the forwarder's tail is not sent from the spool, and the forwarder need not have it: it may have
     * lost its disk, or been ahead of a spool that came from a backup.
     */
    private void repeatSchemas(ForwarderCall call, Position at, List<TableSchema> theirs) {
        for (TableSchema schema : SchemaGap.between(spool.queue().schemasAt(at.seq()), theirs)) {
            call.send(FromCapture.newBuilder()
                    .setRecords(ByteString.copyFrom(ControlRecords.schema(at, schema, true)))
                    .build());
        }
    }

    private void lookAround(ForwarderCall call) throws IOException {
        for (DumpFailed failed = failedDumps.poll(); failed != null; failed = failedDumps.poll()) {
            call.send(FromCapture.newBuilder().setDumpFailed(failed).build());
        }
        boolean due = System.nanoTime() - statusAt >= STATUS_NANOS;
        if (due) {
            prune();
        }
        if (due || board.takeChanged()) {
            sendStatus(call);
        }
    }

    private void sendStatus(ForwarderCall call) {
        statusAt = System.nanoTime();
        Instant now = Instant.now();
        long micros = TimeUnit.SECONDS.toMicros(now.getEpochSecond()) + now.getNano() / 1000;
        call.send(FromCapture.newBuilder().setStatus(board.toWire(micros)).build());
    }

    private void acknowledged(CaptureAck ack) {
        held = ack.getHold();
        acknowledged(ack.getDurable().getSeq(), ack.getDurableLsn());
    }

    private void acknowledged(long seq, long lsn) {
        ackedSeq = seq;
        ackedLsn = lsn;
    }

    /** Removes whole segments that the forwarder holds durably. */
    private void prune() throws IOException {
        List<SegmentSummary> segments = spool.queue().segments();
        if (!segments.isEmpty() && segments.get(0).isOverAt(ackedSeq)) {
            spool.pruneUpTo(ackedSeq);
        }
    }
}
