package dev.replicator.forwarder;

import com.google.protobuf.ByteString;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.TableSchemas;
import dev.replicator.queue.store.PositionPrunedException;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.wire.ToLane;
import dev.replicator.queue.wire.Watermark;
import dev.replicator.queue.wire.WirePositions;
import io.grpc.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends one lane its part of the queue: reads headers, passes over what the lane does not carry, cuts the rest to what it
 * carries, and tells with watermarks what was passed over. One thread; ends when the stream or the queue does.
 */
final class LaneSender implements Runnable, Slave.Stream {
    private static final Logger LOG = LoggerFactory.getLogger(LaneSender.class);

    /** Records up to this length are read whole; larger ones pass block by block. */
    private static final int WHOLE_BYTES = 1 << 20;

    private static final Duration IDLE_WAIT = Duration.ofMillis(200);
    private static final long WATERMARK_NANOS = Duration.ofMillis(250).toNanos();
    private static final Set<Integer> NO_TABLES = Set.of();
    private static final int LATELY = 63;

    private final ReplicationQueue queue;
    private final Slave slave;
    private final LaneStarts.Accepted lane;
    private final ReadyGate<ToLane> gate;
    private final OutBatch batch;
    private final QueueReader reader;
    private final Set<Long> schemasSent = new HashSet<>();

    private Set<Integer> wanted = NO_TABLES;
    /** Of {@link #schemasSent}, those met lately, by their low bits: looked at for each block. */
    private final long[] lately = new long[LATELY + 1];

    private boolean pausedTold;
    private Position lastTransaction;
    private long lastCommitMicros;
    /** The lane got this transaction, which tells as much as a watermark. */
    private long sentSeq = -1;

    private long watermarkSeq = -1;
    private long watermarkLsn;
    private long watermarkNanos;

    LaneSender(ReplicationQueue queue, Slave slave, LaneStarts.Accepted lane, ReadyGate<ToLane> gate) {
        this.queue = queue;
        this.slave = slave;
        this.lane = lane;
        this.gate = gate;
        this.reader = lane.reader();
        // Capture sends it again, the same, should we lose it: the slave need not wait for our disk (rule R06).
        reader.showWritten();
        this.batch = new OutBatch(this::sendSlice);
        this.lastTransaction = lane.position();
    }

    @Override
    public void run() {
        try (reader) {
            begin();
            while (!gate.isEnded()) {
                step();
            }
        } catch (ReadyGate.EndedException e) {
            LOG.debug("lane {} of slave {} ended", lane.name(), slave.name());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            gate.fail(Status.UNAVAILABLE.withDescription("the forwarder is stopping"));
        } catch (PositionPrunedException e) {
            gate.fail(Status.ABORTED.withDescription("the queue was pruned below this lane: " + e.getMessage()));
        } catch (CorruptRecordException e) {
            LOG.atError().addKeyValue("slave", slave.name()).log("Cannot send: {}", e.getMessage());
            gate.fail(Status.DATA_LOSS.withDescription(e.getMessage()));
        } catch (IOException e) {
            LOG.atWarn().addKeyValue("slave", slave.name()).log("Cannot send: {}", e.getMessage());
            gate.fail(Status.UNAVAILABLE.withDescription("the forwarder cannot read its queue: " + e.getMessage()));
        } catch (RuntimeException e) {
            LOG.atError().addKeyValue("slave", slave.name()).setCause(e).log("Lane sender failed");
            gate.fail(Status.INTERNAL.withDescription("the forwarder's sender failed: " + e));
        } finally {
            slave.closed(lane.name(), this);
            gate.complete();
        }
    }

    @Override
    public void supersede() {
        gate.fail(Status.ABORTED.withDescription("a newer connection of lane '" + lane.name() + "' took over"));
    }

    @Override
    public void revoke(String reason) {
        gate.fail(Status.PERMISSION_DENIED.withDescription(reason));
    }

    private void begin() throws IOException {
        pausedTold = slave.isPaused();
        gate.send(
                ToLane.newBuilder().setStart(LaneStarts.start(lane, pausedTold)).build());
        grantsChanged();
        for (TableSchema rare : slave.rareSchemas()) {
            if (lane.grants().grants(rare.tableId())) {
                putSchema(rare);
            }
        }
    }

    private void step() throws IOException, InterruptedException {
        long seenLsn = queue.durableLsn();
        long seenRecords = queue.durableRecords();
        long seenWritten = queue.writtenRecords();
        RecordHeader header = reader.next(wanted);
        if (header == null) {
            batch.flush();
            if (Math.max(reader.passedSeq(), lastTransaction.seq()) != sentSeq || isWatermarkDue()) {
                watermark(seenLsn);
            }
            tellPause();
            if (reader.waitsForDisk()) {
                queue.awaitProgress(seenLsn, seenRecords, IDLE_WAIT);
            } else {
                queue.awaitWritten(seenWritten, IDLE_WAIT);
            }
            return;
        }
        if (!header.position().epoch().equals(lane.position().epoch())) {
            batch.flush();
            gate.fail(Status.ABORTED.withDescription(
                    "a new epoch begins behind " + lastTransaction + "; subscribe again"));
            return;
        }
        if (header.isTransaction()) {
            transaction(header);
            lastTransaction = header.position();
            lastCommitMicros = header.commitMicros();
        } else {
            control(header);
        }
        if (isWatermarkDue() && batch.isEmpty()) {
            watermark(reader.passedLsn());
        }
    }

    private boolean isWatermarkDue() {
        return System.nanoTime() - watermarkNanos > WATERMARK_NANOS;
    }

    private void transaction(RecordHeader header) throws IOException {
        RecordHeader sent = RecordTrimmer.header(header, wanted::contains);
        if (sent.tables().isEmpty()) {
            return;
        }
        sentSeq = header.seq();
        if (header.totalLength() > WHOLE_BYTES) {
            reader.blocks(wanted, new LargeForwarder(sent));
            return;
        }
        ByteBuffer image = reader.image(WHOLE_BYTES, block -> ensureSchema(block, header.seq()));
        if (sent == header) {
            batch.put(image);
        } else {
            batch.put(sent.encode());
            RecordTrimmer.blocks(header, image, wanted::contains, (block, bytes) -> batch.put(bytes));
        }
    }

    private void control(RecordHeader header) throws IOException {
        switch (header.kind()) {
            case SCHEMA -> schema(header);
            case TABLE_SET -> tableSet(header);
            case HEARTBEAT -> lastCommitMicros = Math.max(lastCommitMicros, header.commitMicros());
            default -> granted(header);
        }
    }

    private void schema(RecordHeader header) throws IOException {
        TableSchema schema = TableSchemas.fromJson(TableSets.controlJson(reader));
        boolean repeated = header.hasFlag(RecordHeader.FLAG_REPEATED);
        boolean changed = !repeated && lane.grants().schema(schema);
        if (changed) {
            passedUpToHere();
        }
        if (lane.grants().grants(schema.tableId()) && (!repeated || !schemasSent.contains(key(schema)))) {
            batch.put(ControlRecords.schema(header.position(), schema, repeated));
            noteSent(key(schema));
        }
        if (changed) {
            tellTableSet(header.seq());
        }
    }

    private void tableSet(RecordHeader header) throws IOException {
        TableSets.Entry entry = TableSets.Entry.fromJson(TableSets.controlJson(reader), header.seq());
        if (entry.slave().equals(slave.name()) && entry.version() > lane.tableSetVersion()) {
            lane.apply(entry);
            passedUpToHere();
            tellTableSet(header.seq());
        }
    }

    /** Markers and whatever other kinds concern tables: what the slave is granted of them (rule R24). */
    private void granted(RecordHeader header) throws IOException {
        RecordHeader sent = RecordTrimmer.header(header, lane.grants()::grants);
        if (!sent.tables().isEmpty()) {
            // A marker settles a boundary where it stands, behind whatever the dump holds of other tables'
            // transactions.
            passedUpToHere();
            batch.put(sent.encode());
            ByteBuffer image = reader.image(WHOLE_BYTES);
            RecordTrimmer.blocks(header, image, lane.grants()::grants, (block, bytes) -> batch.put(bytes));
        }
    }

    /**
     * Before what happens at a place of the stream. If it ends the slave's session, that begins again from the position it
     * has stored, and where that never moves, two such records that contradict each other would be met for ever.
     */
    private void passedUpToHere() throws IOException {
        watermark(reader.passedLsn());
    }

    private void tellTableSet(long atSeq) throws IOException {
        grantsChanged();
        if (lane.isMain()) {
            batch.flush();
            gate.send(ToLane.newBuilder()
                    .setTableSet(lane.tableSet(atSeq, pausedTold))
                    .build());
        }
    }

    private void tellPause() throws IOException {
        boolean paused = slave.isPaused();
        if (paused != pausedTold) {
            pausedTold = paused;
            gate.send(ToLane.newBuilder()
                    .setTableSet(lane.tableSet(reader.passedSeq(), paused))
                    .build());
        }
    }

    /** Which tables pass is decided anew; each granted one's schema goes before its first block. */
    private void grantsChanged() throws IOException {
        Set<TableName> subscribed = lane.tables();
        wanted = lane.grants().granted(subscribed);
        for (TableSchema schema : lane.grants().tables()) {
            if (!schemasSent.contains(key(schema))) {
                putSchema(schema);
            }
        }
    }

    private void ensureSchema(BlockHeader block, long seq) throws IOException {
        long key = key(block.tableId(), block.fingerprint());
        if (key == 0 || lately[(int) key & LATELY] != key) {
            ensureSchema(key, block, seq);
        }
    }

    private void ensureSchema(long key, BlockHeader block, long seq) throws IOException {
        if (!wanted.contains(block.tableId())) {
            return;
        }
        if (!schemasSent.contains(key)) {
            putSchema(schemaOf(block, seq));
        }
        lately[(int) key & LATELY] = key;
    }

    private TableSchema schemaOf(BlockHeader block, long seq) throws IOException {
        Optional<TableSchema> schema = queue.schema(block.tableId(), block.fingerprint());
        return schema.orElseThrow(() -> new CorruptRecordException(
                reader.file().toString(),
                reader.offset(),
                "transaction " + seq + " has a block of table " + block.tableId() + " whose schema "
                        + Long.toHexString(block.fingerprint()) + " the queue never got"));
    }

    private void putSchema(TableSchema schema) throws IOException {
        batch.put(ControlRecords.schema(lastTransaction, schema, true));
        noteSent(key(schema));
    }

    private void noteSent(long key) {
        schemasSent.add(key);
    }

    /** Tells what was passed, if it is more than the lane was told already. */
    private void watermark(long lsn) throws IOException {
        long seq = Math.max(reader.passedSeq(), lastTransaction.seq());
        if (seq == watermarkSeq && Long.compareUnsigned(lsn, watermarkLsn) <= 0) {
            return;
        }
        Optional<Position> position = positionOf(seq);
        if (position.isEmpty()) {
            return;
        }
        batch.flush();
        long known = Long.compareUnsigned(lsn, position.get().lsn()) < 0
                ? position.get().lsn()
                : lsn;
        gate.send(ToLane.newBuilder()
                .setWatermark(Watermark.newBuilder()
                        .setPosition(WirePositions.toWire(position.get()))
                        .setLsn(known)
                        .setCommitMicros(lastCommitMicros))
                .build());
        watermarkSeq = seq;
        watermarkLsn = lsn;
        watermarkNanos = System.nanoTime();
    }

    private Optional<Position> positionOf(long seq) throws IOException {
        if (seq == lastTransaction.seq()) {
            return Optional.of(lastTransaction);
        }
        Position tail = queue.durableTail();
        return tail.seq() == seq ? Optional.of(tail) : queue.positionOf(seq);
    }

    private void sendSlice(ByteString slice) throws IOException {
        gate.send(ToLane.newBuilder().setRecords(slice).build());
        slave.sent(slice.size());
    }

    private static long key(TableSchema schema) {
        return key(schema.tableId(), schema.fingerprint());
    }

    private static long key(int tableId, long fingerprint) {
        return fingerprint * 31 + tableId;
    }

    /** Streams the wanted blocks of a transaction that is not held in memory. */
    private final class LargeForwarder implements RecordHandler {
        private final RecordHeader sent;

        LargeForwarder(RecordHeader sent) {
            this.sent = sent;
        }

        @Override
        public void header(RecordHeader header) throws IOException {
            batch.put(sent.encode());
        }

        @Override
        public void block(BlockHeader header, ByteBuffer block) throws IOException {
            if (!wanted.contains(header.tableId())) {
                return;
            }
            if (!schemasSent.contains(key(header.tableId(), header.fingerprint()))) {
                // A schema cannot be sent inside a record. The next session begins with it.
                slave.remember(schemaOf(header, sent.seq()));
                gate.fail(Status.UNAVAILABLE.withDescription(
                        "transaction " + sent.seq() + " needs a schema that must come first; subscribe again"));
                throw new ReadyGate.EndedException();
            }
            batch.put(block);
        }

        @Override
        public void end(RecordHeader header) {
            // The header said how long it is.
        }
    }
}
