package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableShare;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A queue as {@link ReplicationQueue} describes it, in memory: for the model check. What {@link MemoryDisk} holds is
 * durable; what was appended since the last sync is lost with this object.
 */
public final class MemoryQueue implements ReplicationQueue {
    static final int RECORD_BYTES = 100;

    private final MemoryDisk disk;
    private final SchemaHistory schemas = new SchemaHistory();
    /** Without what waits for the disk: a new segment begins when all before it is durable. */
    private final SchemaHistory durableSchemas = new SchemaHistory();

    private final List<StoredRecord> pending = new ArrayList<>();
    private final boolean rebuilt;
    private Position last;
    private StoredRecord hint;

    public MemoryQueue(MemoryDisk disk) throws IOException {
        this.disk = disk;
        this.rebuilt = disk.takeIndexLost();
        for (MemoryDisk.Segment segment : disk.segments) {
            for (SchemaHistory history : List.of(schemas, durableSchemas)) {
                segment.opening.forEach(schema -> history.add(segment.base.seq(), schema));
                for (StoredRecord record : segment.records) {
                    note(record, history);
                }
            }
        }
        if (hasHistory()) {
            last = durableTail();
        }
    }

    private static void note(StoredRecord record, SchemaHistory history) throws IOException {
        if (record.header().kind() == RecordKind.SCHEMA) {
            history.add(record.header().seq(), record.schema());
        } else if (record.header().isTransaction()) {
            history.transactionAppended();
        }
    }

    /** The next record to be appended, if its image is this one's: what was decoded stays decoded. */
    public void hint(StoredRecord record) {
        hint = record;
    }

    /** Makes the first records that wait durable, as a crash in mid-sync may. */
    public void syncSome(int count) throws IOException {
        int many = Math.min(count, pending.size());
        for (StoredRecord record : List.copyOf(pending.subList(0, many))) {
            disk.append(record, durableSchemas);
            note(record, durableSchemas);
        }
        pending.subList(0, many).clear();
    }

    public int unsynced() {
        return pending.size();
    }

    @Override
    public RecoveryReport recovery() {
        return new RecoveryReport(Optional.empty(), rebuilt, 0);
    }

    @Override
    public boolean hasHistory() {
        return !disk.segments.isEmpty();
    }

    @Override
    public void startHistory(Position base) throws IOException {
        writer().sync();
        if (hasHistory() && base.seq() < last.seq()) {
            throw new IllegalArgumentException("a history from seq " + base.seq() + " would use numbers twice");
        }
        disk.roll(base, durableSchemas.opening());
        last = base;
    }

    @Override
    public void resetTo(Position base) throws IOException {
        pending.clear();
        disk.segments.clear();
        disk.resets++;
        disk.roll(base, List.of());
        schemas.clear();
        durableSchemas.clear();
        last = base;
    }

    @Override
    public Position durableTail() {
        return disk.tail();
    }

    @Override
    public long durableLsn() {
        return disk.sourceLsn();
    }

    @Override
    public long firstSeq() {
        return disk.firstSeq();
    }

    @Override
    public Epoch epoch() {
        return durableTail().epoch();
    }

    @Override
    public long sizeBytes() {
        return disk.segments.stream()
                .mapToLong(segment -> (long) segment.records.size() * RECORD_BYTES)
                .sum();
    }

    @Override
    public QueueWriter writer() {
        return new Writer();
    }

    @Override
    public MemoryReader readAfter(Position after) throws IOException {
        return MemoryReader.after(disk, pending, after);
    }

    @Override
    public MemoryReader readFromStart() throws IOException {
        return MemoryReader.fromStart(disk, pending);
    }

    @Override
    public Optional<Position> positionOf(long seq) {
        if (seq > durableTail().seq()) {
            return Optional.empty();
        }
        return disk.find(seq).map(record -> record.header().position()).or(() -> disk.baseAt(seq));
    }

    @Override
    public Position epochStart() {
        return disk.startOf(epoch());
    }

    @Override
    public Optional<RecordHeader> transaction(long seq) {
        if (seq > durableTail().seq()) {
            return Optional.empty();
        }
        return disk.find(seq).map(StoredRecord::header);
    }

    @Override
    public Optional<TableSchema> schema(int tableId, long fingerprint) {
        return schemas.find(tableId, fingerprint);
    }

    @Override
    public Map<Integer, TableSchema> schemasAt(long seq) {
        return schemas.at(seq);
    }

    @Override
    public KeyValueStore values() {
        return disk;
    }

    @Override
    public long pruneUpTo(long seq) {
        long freed = 0;
        while (segments().get(0).isOverAt(seq)) {
            freed += (long) disk.segments.remove(0).records.size() * RECORD_BYTES + 1;
        }
        return freed;
    }

    @Override
    public List<SegmentSummary> segments() {
        List<SegmentSummary> summaries = new ArrayList<>();
        for (MemoryDisk.Segment segment : disk.segments) {
            boolean closed = segment != disk.segments.get(disk.segments.size() - 1);
            summaries.add(new SegmentSummary(
                    Path.of("model"),
                    segment.base.epoch(),
                    segment.base.seq() + 1,
                    segment.lastSeq(),
                    segment.records.size(),
                    (long) segment.records.size() * RECORD_BYTES,
                    closed,
                    segment.records.stream()
                            .anyMatch(record -> !record.header().isTransaction()
                                    && record.header().kind() != RecordKind.HEARTBEAT),
                    tablesOf(segment)));
        }
        return summaries;
    }

    private static Set<Integer> tablesOf(MemoryDisk.Segment segment) {
        Set<Integer> tables = new HashSet<>();
        for (StoredRecord record : segment.records) {
            if (record.header().isTransaction()) {
                record.header().tables().stream().map(TableShare::tableId).forEach(tables::add);
            }
        }
        return tables;
    }

    @Override
    public boolean awaitProgress(long seenLsn, long seenRecords, Duration timeout) {
        return false;
    }

    @Override
    public void mayGather(boolean allowed) {
        // Becomes durable when the scheduler says so.
    }

    @Override
    public boolean noticeProgress(long seenLsn, long seenRecords, Duration timeout) {
        return false;
    }

    @Override
    public boolean awaitWritten(long seenRecords, Duration timeout) {
        return false;
    }

    @Override
    public long writtenRecords() {
        return durableRecords() + pending.size();
    }

    @Override
    public long durableRecords() {
        return disk.segments.stream()
                .mapToLong(segment -> segment.records.size())
                .sum();
    }

    @Override
    public boolean nothingFor(Collection<Integer> tableIds, long afterSeq) {
        return segments().stream()
                .filter(segment -> segment.lastSeq() > afterSeq)
                .noneMatch(segment -> tableIds.stream().anyMatch(segment.tableIds()::contains));
    }

    @Override
    public void close() {
        pending.clear();
    }

    private final class Writer implements QueueWriter {
        @Override
        public void append(RecordHeader header, ByteBuffer image) throws IOException {
            long expected = header.isTransaction() ? last.seq() + 1 : last.seq();
            if (header.seq() != expected || !header.position().epoch().equals(last.epoch())) {
                throw new OutOfOrderException(header + " does not follow " + last);
            }
            if (header.isTransaction() && Long.compareUnsigned(header.lsn(), last.lsn()) < 0) {
                throw new OutOfOrderException(header + " lies before the end of " + last);
            }
            boolean known = hint != null && hint.header() == header && hint.isImage(image);
            StoredRecord record = known ? hint : StoredRecord.copyOf(header, image);
            hint = null;
            note(record, schemas);
            pending.add(record);
            if (header.isTransaction()) {
                last = header.position();
            }
        }

        @Override
        public LargeRecord beginLarge() {
            throw new UnsupportedOperationException("no transaction of the model is large");
        }

        @Override
        public long lastSeq() {
            return last == null ? 0 : last.seq();
        }

        @Override
        public void write() {
            // A reader that shows what is written sees it at once.
        }

        @Override
        public void sync() throws IOException {
            syncSome(Integer.MAX_VALUE);
        }
    }
}
