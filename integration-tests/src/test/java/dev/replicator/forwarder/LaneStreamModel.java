package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.MemoryQueue;
import dev.replicator.queue.store.MemoryReader;
import dev.replicator.queue.store.PositionPrunedException;
import dev.replicator.queue.store.StoredRecord;
import dev.replicator.queue.wire.LaneStart;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One lane's stream: {@link LaneSender} without its thread and bytes. Grants, trimming and table sets are the product's. */
public final class LaneStreamModel implements Slave.Stream {
    private final MemoryQueue queue;
    private final Slave slave;
    private final LaneStarts.Accepted lane;
    private final MemoryReader reader;
    private final Deque<LaneMessage> messages = new ArrayDeque<>();
    private Set<Integer> wanted;
    private Position lastTransaction;
    private long watermark = -1;
    private boolean ended;

    LaneStreamModel(MemoryQueue queue, Slave slave, LaneStarts.Accepted lane) {
        this.queue = queue;
        this.slave = slave;
        this.lane = lane;
        this.reader = (MemoryReader) lane.reader();
        this.reader.showWritten();
        this.lastTransaction = lane.position();
        this.wanted = lane.grants().granted(lane.tables());
    }

    public LaneStart start() {
        return LaneStarts.start(lane, false);
    }

    /** The next message, or null when there is nothing to tell. */
    public LaneMessage take() throws IOException {
        while (messages.isEmpty() && !ended) {
            if (!step()) {
                return null;
            }
        }
        return messages.poll();
    }

    public void acknowledge(Position applied) {
        if (!ended) {
            slave.cursor(lane.name(), applied);
        }
    }

    /** The slave's side is gone. */
    public void close() {
        ended = true;
        slave.closed(lane.name(), this);
    }

    void end(String reason) {
        if (!ended) {
            close();
            messages.add(new LaneMessage.Ended(reason));
        }
    }

    @Override
    public void supersede() {
        end("a newer connection took over");
    }

    @Override
    public void revoke(String reason) {
        end(reason);
    }

    private boolean step() throws IOException {
        RecordHeader header;
        try {
            header = reader.next(wanted);
        } catch (PositionPrunedException e) {
            end(e.getMessage());
            return true;
        }
        if (header == null) {
            return watermark();
        }
        if (!header.position().epoch().equals(lane.position().epoch())) {
            end("a new epoch begins");
            return true;
        }
        if (header.isTransaction()) {
            transaction(header);
            lastTransaction = header.position();
        } else {
            control(header);
        }
        return true;
    }

    private void transaction(RecordHeader header) throws IOException {
        RecordHeader sent = RecordTrimmer.header(header, wanted::contains);
        if (!sent.tables().isEmpty()) {
            List<StoredRecord.TableChanges> blocks = reader.record().changes(queue).stream()
                    .filter(block -> wanted.contains(block.tableId()))
                    .toList();
            messages.add(new LaneMessage.Transaction(sent, blocks));
        }
    }

    private void control(RecordHeader header) throws IOException {
        switch (header.kind()) {
            case SCHEMA -> schema(header);
            case TABLE_SET -> tableSet(header);
            case HEARTBEAT -> {}
            default -> {
                if (!RecordTrimmer.header(header, lane.grants()::grants)
                        .tables()
                        .isEmpty()) {
                    watermark();
                    messages.add(new LaneMessage.Marker(
                            header.seq(),
                            ControlRecords.markerText(reader.record().json())));
                }
            }
        }
    }

    private void schema(RecordHeader header) throws IOException {
        TableSchema schema = reader.record().schema();
        boolean changed =
                !header.hasFlag(RecordHeader.FLAG_REPEATED) && lane.grants().schema(schema);
        if (changed) {
            watermark();
        }
        if (lane.grants().grants(schema.tableId())) {
            messages.add(new LaneMessage.Schema(header.seq(), schema));
        }
        if (changed) {
            tellTableSet(header.seq());
        }
    }

    private void tableSet(RecordHeader header) throws IOException {
        TableSets.Entry entry = TableSets.Entry.fromJson(TableSets.controlJson(reader), header.seq());
        if (entry.slave().equals(slave.name()) && entry.version() > lane.tableSetVersion()) {
            lane.apply(entry);
            watermark();
            tellTableSet(header.seq());
        }
    }

    private void tellTableSet(long atSeq) {
        Set<TableName> subscribed = lane.tables();
        wanted = lane.grants().granted(subscribed);
        if (lane.isMain()) {
            messages.add(new LaneMessage.Tables(lane.tableSet(atSeq, false)));
        }
    }

    private boolean watermark() throws IOException {
        long seq = Math.max(reader.passedSeq(), lastTransaction.seq());
        if (seq == watermark) {
            return false;
        }
        Optional<Position> position = positionOf(seq);
        if (position.isEmpty()) {
            return false;
        }
        messages.add(new LaneMessage.Passed(position.get()));
        watermark = seq;
        return true;
    }

    private Optional<Position> positionOf(long seq) throws IOException {
        if (seq == lastTransaction.seq()) {
            return Optional.of(lastTransaction);
        }
        Position tail = queue.durableTail();
        return tail.seq() == seq ? Optional.of(tail) : queue.positionOf(seq);
    }
}
