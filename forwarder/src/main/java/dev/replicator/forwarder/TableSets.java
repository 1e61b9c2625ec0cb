package dev.replicator.forwarder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableSelection;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.store.PositionPrunedException;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The history of every slave's table set, as recorded in the queue (rule R11): which set is in force at which seq. The
 * records rule; the queue's values hold a copy, so that opening need not read the whole queue.
 *
 * <p>Thread-safe.
 */
final class TableSets {
    private static final Logger LOG = LoggerFactory.getLogger(TableSets.class);
    private static final String PREFIX = "table-set/";
    private static final String SCANNED = "table-sets-scanned";
    private static final Duration CHECKPOINT = Duration.ofSeconds(60);

    private final ReplicationQueue queue;
    private final QueueAppender appender;
    private final Map<String, List<Entry>> bySlave = new HashMap<>();
    /** Last set handed to the appender, which may not have its place yet. Guards itself. */
    private final Map<String, Entry> announced = new HashMap<>();

    private Position checkpoint;
    private long checkpointNanos;

    /**
     * One recorded table set.
     *
     * @param slave whose
     * @param version rises with every record of the slave; tells a record read again from a new one
     * @param seq transaction behind which it is in force
     * @param selection the set
     */
    record Entry(String slave, long version, long seq, TableSelection selection) {
        String toJson() {
            ObjectNode node = Json.object().put("slave", slave).put("version", version);
            ArrayNode tables = node.putArray("tables");
            selection.tables().forEach(tables::add);
            ArrayNode exclude = node.putArray("exclude");
            selection.exclude().forEach(exclude::add);
            return node.toString();
        }

        static Entry fromJson(String json, long seq) {
            JsonNode node = Json.read(json, "TABLE_SET record");
            TableSelection selection =
                    new TableSelection(Json.strings(node.path("tables")), Json.strings(node.path("exclude")));
            return new Entry(node.path("slave").asText(), node.path("version").asLong(), seq, selection);
        }

        private String key() {
            return PREFIX + slave + "/" + String.format(Locale.ROOT, "%019d", version);
        }
    }

    TableSets(ReplicationQueue queue, QueueAppender appender) {
        this.queue = queue;
        this.appender = appender;
    }

    /** Reads the stored copy and all records behind the place up to which it is known to be whole. */
    synchronized void open() throws IOException {
        for (String value : queue.values().list(PREFIX).values()) {
            JsonNode node = Json.read(value, "stored table set");
            remember(Entry.fromJson(value, node.path("seq").asLong()));
        }
        if (!queue.hasHistory()) {
            return;
        }
        try (QueueReader reader = readerFromScanned()) {
            for (RecordHeader header = reader.next(Set.of()); header != null; header = reader.next(Set.of())) {
                if (header.kind() == RecordKind.TABLE_SET) {
                    Entry entry = Entry.fromJson(controlJson(reader), header.seq());
                    if (remember(entry)) {
                        store(entry);
                    }
                }
            }
        }
        storeCheckpoint();
    }

    /** Notes now and then that the stored copy is whole up to here: a start reads the queue from there. */
    synchronized void checkpoint() throws IOException {
        boolean due = System.nanoTime() - checkpointNanos >= CHECKPOINT.toNanos();
        if (due && queue.hasHistory() && !queue.durableTail().equals(checkpoint)) {
            storeCheckpoint();
        }
    }

    private void storeCheckpoint() throws IOException {
        checkpoint = queue.durableTail();
        checkpointNanos = System.nanoTime();
        queue.values().put(SCANNED, Positions.toText(checkpoint));
    }

    /**
     * Records a slave's table set unless it is the last one recorded; without a history it is recorded when one begins.
     *
     * @return true when a record was written
     */
    boolean record(String slave, TableSelection selection) throws IOException {
        // The monitor is not held while appending: the appender's owner calls back with its own monitor held.
        synchronized (announced) {
            Entry last = announced.get(slave);
            if (last == null) {
                last = latest(slave).orElse(null);
            }
            if (!queue.hasHistory() || last != null && last.selection().equals(selection)) {
                return false;
            }
            long version = last == null ? 1 : last.version() + 1;
            Entry unplaced = new Entry(slave, version, 0, selection);
            announced.put(slave, unplaced);
            appender.appendTableSet(unplaced.toJson(), seq -> place(new Entry(slave, version, seq, selection)));
            return true;
        }
    }

    /** Forgets every record: the queue was emptied. Versions go on rising. */
    synchronized void reset(long baseSeq) throws IOException {
        for (Map.Entry<String, List<Entry>> slave : bySlave.entrySet()) {
            Entry last = slave.getValue().get(slave.getValue().size() - 1);
            for (Entry entry : slave.getValue()) {
                queue.values().delete(entry.key());
            }
            slave.getValue().clear();
            Entry kept = new Entry(last.slave(), last.version(), baseSeq, last.selection());
            slave.getValue().add(kept);
            store(kept);
        }
        storeCheckpoint();
    }

    /** The set in force behind transaction {@code seq}; the oldest known one before its record. */
    synchronized Optional<Entry> inForce(String slave, long seq) {
        List<Entry> entries = bySlave.getOrDefault(slave, List.of());
        for (int i = entries.size() - 1; i >= 0; i--) {
            if (entries.get(i).seq() <= seq || i == 0) {
                return Optional.of(entries.get(i));
            }
        }
        return Optional.empty();
    }

    synchronized Optional<Entry> latest(String slave) {
        List<Entry> entries = bySlave.getOrDefault(slave, List.of());
        return entries.isEmpty() ? Optional.empty() : Optional.of(entries.get(entries.size() - 1));
    }

    /** JSON text of the control record a reader stands on: that of its first block. */
    static String controlJson(QueueReader reader) throws IOException {
        List<String> texts = new ArrayList<>(1);
        reader.blocks(null, new RecordHandler() {
            @Override
            public void header(RecordHeader header) {
                // The caller has it.
            }

            @Override
            public void block(BlockHeader header, ByteBuffer block) throws IOException {
                if (texts.isEmpty()) {
                    texts.add(ControlRecords.jsonOf(block));
                }
            }

            @Override
            public void end(RecordHeader header) {
                // One record only.
            }
        });
        return texts.isEmpty() ? "{}" : texts.get(0);
    }

    private synchronized void place(Entry entry) throws IOException {
        remember(entry);
        store(entry);
    }

    private boolean remember(Entry entry) {
        List<Entry> entries = bySlave.computeIfAbsent(entry.slave(), slave -> new ArrayList<>());
        if (!entries.isEmpty() && entries.get(entries.size() - 1).version() >= entry.version()) {
            return false;
        }
        entries.add(entry);
        return true;
    }

    private void store(Entry entry) throws IOException {
        ObjectNode node = (ObjectNode) Json.read(entry.toJson(), "table set");
        queue.values().put(entry.key(), node.put("seq", entry.seq()).toString());
    }

    private QueueReader readerFromScanned() throws IOException {
        Optional<String> scanned = queue.values().get(SCANNED);
        if (scanned.isPresent()) {
            try {
                return queue.readAfter(Positions.fromText(scanned.get()));
            } catch (PositionPrunedException e) {
                LOG.debug("the place up to which table sets were read is pruned; reading from the start", e);
            }
        }
        return queue.readFromStart();
    }
}
