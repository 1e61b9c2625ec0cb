package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordKind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What a {@link MemoryQueue} has on disk. A copy is a backup. */
public final class MemoryDisk implements KeyValueStore {
    final List<Segment> segments = new ArrayList<>();
    private final TreeMap<String, String> values = new TreeMap<>();
    private final int recordsPerSegment;
    private long nextNumber;
    private boolean indexLost;
    /** Grows when everything is given up. */
    int resets;

    /** A segment file. */
    static final class Segment {
        final long number;
        final Position base;
        final List<TableSchema> opening;
        final List<StoredRecord> records = new ArrayList<>();
        private final long baseLsn;

        Segment(long number, Position base, long baseLsn, List<TableSchema> opening) {
            this.number = number;
            this.base = base;
            this.baseLsn = baseLsn;
            this.opening = List.copyOf(opening);
        }

        long lastSeq() {
            return tail().seq();
        }

        Position tail() {
            for (int i = records.size() - 1; i >= 0; i--) {
                if (records.get(i).header().isTransaction()) {
                    return records.get(i).header().position();
                }
            }
            return base;
        }
    }

    public MemoryDisk(int recordsPerSegment) {
        this.recordsPerSegment = recordsPerSegment;
    }

    /** The same content, independent from here on. */
    public MemoryDisk copy() {
        MemoryDisk copy = new MemoryDisk(recordsPerSegment);
        for (Segment segment : segments) {
            Segment same = new Segment(segment.number, segment.base, segment.baseLsn, segment.opening);
            same.records.addAll(segment.records);
            copy.segments.add(same);
        }
        copy.values.putAll(values);
        copy.nextNumber = nextNumber;
        copy.indexLost = indexLost;
        return copy;
    }

    /** The index is damaged: its values are gone, the segments are not. */
    public void loseIndex() {
        values.clear();
        indexLost = true;
    }

    boolean takeIndexLost() {
        boolean was = indexLost;
        indexLost = false;
        return was;
    }

    void roll(Position base, List<TableSchema> opening) {
        long lsn = segments.isEmpty() || !base.epoch().equals(tail().epoch()) ? base.lsn() : sourceLsn();
        segments.add(new Segment(nextNumber++, base, lsn, opening));
    }

    void append(StoredRecord record, SchemaHistory schemas) {
        Segment active = segments.get(segments.size() - 1);
        if (active.records.size() >= recordsPerSegment) {
            roll(tail(), schemas.opening());
            active = segments.get(segments.size() - 1);
        }
        active.records.add(record);
    }

    Position tail() {
        return segments.get(segments.size() - 1).tail();
    }

    long sourceLsn() {
        Segment active = segments.get(segments.size() - 1);
        long lsn = active.baseLsn;
        for (StoredRecord record : active.records) {
            RecordKind kind = record.header().kind();
            if (kind == RecordKind.TRANSACTION || kind == RecordKind.HEARTBEAT) {
                lsn = Math.max(lsn, record.header().lsn());
            }
        }
        return lsn;
    }

    long firstSeq() {
        for (Segment segment : segments) {
            if (segment.lastSeq() > segment.base.seq()) {
                return segment.base.seq() + 1;
            }
        }
        return tail().seq() + 1;
    }

    Optional<StoredRecord> find(long seq) {
        for (Segment segment : segments) {
            if (segment.base.seq() < seq && seq <= segment.lastSeq()) {
                return segment.records.stream()
                        .filter(record -> record.header().isTransaction()
                                && record.header().seq() == seq)
                        .findFirst();
            }
        }
        return Optional.empty();
    }

    Position startOf(Epoch epoch) {
        return segments.stream()
                .map(segment -> segment.base)
                .filter(base -> base.epoch().equals(epoch))
                .findFirst()
                .orElseThrow();
    }

    Optional<Position> baseAt(long seq) {
        for (int i = segments.size() - 1; i >= 0; i--) {
            if (segments.get(i).base.seq() == seq) {
                return Optional.of(segments.get(i).base);
            }
        }
        return Optional.empty();
    }

    @Override
    public Optional<String> get(String key) {
        return Optional.ofNullable(values.get(key));
    }

    @Override
    public void put(String key, String value) {
        values.put(key, value);
    }

    @Override
    public void delete(String key) {
        values.remove(key);
    }

    @Override
    public Map<String, String> list(String prefix) {
        Map<String, String> found = new LinkedHashMap<>();
        for (Map.Entry<String, String> entry : values.tailMap(prefix, true).entrySet()) {
            if (!entry.getKey().startsWith(prefix)) {
                break;
            }
            found.put(entry.getKey(), entry.getValue());
        }
        return found;
    }
}
