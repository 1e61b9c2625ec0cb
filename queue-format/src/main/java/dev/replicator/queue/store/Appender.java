package dev.replicator.queue.store;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** The queue's one writer: checks order (rule R07), closes full segments, and leads large transactions in. */
final class Appender implements QueueWriter, LargeTransaction.Owner {
    private static final Runnable NOTHING = () -> {};

    private final SegmentShelf shelf;
    private final GroupCommit commit;
    private final SchemaHistory schemas;
    private final long segmentBytes;

    private volatile Position last;
    private boolean largeOpen;

    Appender(SegmentShelf shelf, GroupCommit commit, SchemaHistory schemas, long segmentBytes) {
        this.shelf = shelf;
        this.commit = commit;
        this.schemas = schemas;
        this.segmentBytes = segmentBytes;
    }

    /** Goes on behind a position. */
    void resume(Position tail) {
        last = tail;
    }

    @Override
    public void append(RecordHeader header, ByteBuffer image) throws IOException {
        if (header.totalLength() != image.remaining()) {
            throw new IllegalArgumentException(
                    header + " says " + header.totalLength() + " bytes, the image has " + image.remaining());
        }
        check(header);
        if (header.isTransaction()) {
            refuseWhileLarge("another transaction");
        }
        TableSchema schema =
                header.kind() == RecordKind.SCHEMA ? TableSchemas.fromJson(ControlRecords.jsonOf(header, image)) : null;
        if (!largeOpen && commit.activeBytes() >= segmentBytes) {
            roll(last);
        }
        commit.append(header, image, schema == null ? NOTHING : () -> schemas.add(header.seq(), schema));
        image.position(image.limit());
        if (header.isTransaction()) {
            schemas.transactionAppended();
            last = header.position();
        }
    }

    /** Begins the next segment at the tail. */
    private void roll(Position base) throws IOException {
        commit.between(
                current -> shelf.roll(current, base, current.segment().stats().sourceLsn()), null);
    }

    /** Begins the next history. */
    void startHistory(Position base) throws IOException {
        commit.between(
                current -> shelf.roll(current, base, base.lsn()),
                durable -> new Durable(base, base.lsn(), durable.records()));
        last = base;
    }

    /** Gives up everything and begins anew; the caller removes the old segments. */
    void reset(Position base) throws IOException {
        commit.between(
                current -> shelf.reset(current, base), durable -> new Durable(base, base.lsn(), durable.records()));
        last = base;
    }

    @Override
    public void check(RecordHeader header) throws OutOfOrderException {
        Position tail = last;
        if (tail == null) {
            throw new OutOfOrderException("the queue has no history yet: " + header + " cannot follow");
        }
        long expected = header.isTransaction() ? tail.seq() + 1 : tail.seq();
        Position position = header.position();
        if (position.seq() != expected || !position.epoch().equals(tail.epoch())) {
            throw new OutOfOrderException(header + " of epoch " + position.epoch() + " does not follow " + tail
                    + " (epoch " + tail.epoch() + "): expected seq " + expected);
        }
        if (header.isTransaction() && Long.compareUnsigned(position.lsn(), tail.lsn()) < 0) {
            throw new OutOfOrderException(header + " lies before the end of the transaction before it, " + tail);
        }
    }

    @Override
    public LargeRecord beginLarge() throws IOException {
        refuseWhileLarge("another large transaction");
        if (last == null) {
            throw new OutOfOrderException("the queue has no history yet: a transaction cannot follow");
        }
        LargeTransaction large = shelf.beginLarge(commit.target().segment(), this);
        largeOpen = true;
        return large;
    }

    void refuseWhileLarge(String what) {
        if (largeOpen) {
            throw new IllegalStateException(what + " cannot begin while a large transaction is being written");
        }
    }

    @Override
    public List<TableSchema> schemas() {
        return schemas.opening();
    }

    @Override
    public void publish(Segment large, RecordHeader header) throws IOException {
        commit.between(
                current -> shelf.join(
                        current,
                        large,
                        header.position(),
                        SegmentStats.later(current.segment().stats().sourceLsn(), header.lsn())),
                durable -> new Durable(
                        header.position(),
                        SegmentStats.later(durable.sourceLsn(), header.lsn()),
                        durable.records() + 1));
        schemas.transactionAppended();
        last = header.position();
    }

    @Override
    public void ended() {
        largeOpen = false;
    }

    @Override
    public long lastSeq() {
        return last == null ? 0 : last.seq();
    }

    @Override
    public void write() throws IOException {
        commit.write();
    }

    @Override
    public void sync() throws IOException {
        commit.sync();
    }
}
