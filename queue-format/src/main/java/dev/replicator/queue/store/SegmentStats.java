package dev.replicator.queue.store;

import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableShare;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Sums over the records of one segment, and its sparse index while it is open. Thread-safe. */
final class SegmentStats {
    /** Distance of index entries in bytes: about what one read fetches. */
    static final long INDEX_STEP = 64 << 10;

    private final Set<Integer> tableIds = new TreeSet<>();
    private final List<Long> schemaOffsets = new ArrayList<>();
    /** Pairs of seq and offset of its record, ascending. */
    private final List<long[]> sparse = new ArrayList<>();

    /** Met last: mostly the next one's, too. */
    private int lastTableId;

    private long records;
    private long transactions;
    private long changes;
    private long lastSeq;
    private long lastLsn;
    private long sourceLsn;
    private boolean controlRecords;
    /** Some stand behind the last transaction; of a segment closed before the start it is not known, so that any counts. */
    private boolean controlBehind;

    SegmentStats(SegmentHeader header) {
        lastSeq = header.base().seq();
        lastLsn = header.base().lsn();
        sourceLsn = header.sourceLsn();
    }

    SegmentStats(SegmentFooter footer) {
        records = footer.records();
        transactions = footer.transactions();
        changes = footer.changes();
        lastSeq = footer.lastSeq();
        lastLsn = footer.lastLsn();
        sourceLsn = footer.sourceLsn();
        controlRecords = (footer.flags() & SegmentFooter.FLAG_CONTROL_RECORDS) != 0;
        controlBehind = controlRecords;
        Arrays.stream(footer.tableIds()).forEach(tableIds::add);
        Arrays.stream(footer.schemaOffsets()).forEach(schemaOffsets::add);
    }

    /** Takes a record into account that stands at an offset. */
    synchronized void add(RecordHeader record, long offset) {
        records++;
        if (record.isTransaction()) {
            transactions++;
            controlBehind = false;
            changes += record.changeCount();
            lastSeq = record.seq();
            lastLsn = record.lsn();
            sourceLsn = later(sourceLsn, record.lsn());
            List<TableShare> tables = record.tables();
            for (int i = 0; i < tables.size(); i++) {
                add(tables.get(i).tableId());
            }
            if (sparse.isEmpty() || offset - sparse.get(sparse.size() - 1)[1] >= INDEX_STEP) {
                sparse.add(new long[] {record.seq(), offset});
            }
        } else if (record.kind() == RecordKind.HEARTBEAT) {
            sourceLsn = later(sourceLsn, record.lsn());
        } else if (!record.hasFlag(RecordHeader.FLAG_REPEATED)) {
            controlRecords = true;
            controlBehind = true;
        }
        if (record.kind() == RecordKind.SCHEMA && !record.hasFlag(RecordHeader.FLAG_REPEATED)) {
            schemaOffsets.add(offset);
        }
    }

    private void add(int tableId) {
        if (tableId != lastTableId || tableIds.isEmpty()) {
            tableIds.add(tableId);
            lastTableId = tableId;
        }
    }

    /** Offset of the nearest index entry at or below a seq, or -1. */
    synchronized long floor(long seq) {
        int low = 0;
        int high = sparse.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sparse.get(middle)[0] <= seq) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low == 0 ? -1 : sparse.get(low - 1)[1];
    }

    synchronized List<long[]> sparse() {
        return List.copyOf(sparse);
    }

    synchronized void forgetSparse() {
        sparse.clear();
    }

    synchronized long records() {
        return records;
    }

    synchronized long lastSeq() {
        return lastSeq;
    }

    synchronized long lastLsn() {
        return lastLsn;
    }

    synchronized long sourceLsn() {
        return sourceLsn;
    }

    synchronized boolean hasControlRecords() {
        return controlRecords;
    }

    synchronized boolean hasControlRecordsBehind() {
        return controlBehind;
    }

    synchronized Set<Integer> tableIds() {
        return Set.copyOf(tableIds);
    }

    synchronized List<Long> schemaOffsets() {
        return List.copyOf(schemaOffsets);
    }

    synchronized boolean concernsAny(Collection<Integer> ids) {
        return ids.stream().anyMatch(tableIds::contains);
    }

    synchronized SegmentFooter footer(long offset, long openingStart, long openingEnd, int contentCrc) {
        return new SegmentFooter(
                offset,
                records,
                transactions,
                changes,
                lastSeq,
                lastLsn,
                sourceLsn,
                openingStart,
                openingEnd,
                controlRecords ? SegmentFooter.FLAG_CONTROL_RECORDS : 0,
                contentCrc,
                tableIds.stream().mapToInt(Integer::intValue).toArray(),
                schemaOffsets.stream().mapToLong(Long::longValue).toArray());
    }

    static long later(long a, long b) {
        return Long.compareUnsigned(a, b) >= 0 ? a : b;
    }
}
