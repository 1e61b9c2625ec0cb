package dev.replicator.forwarder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.TableName;
import java.time.Instant;
import java.util.Set;

/**
 * What the catalogue knows of one dump beside its manifest. Mutable; guarded by the catalogue's monitor.
 *
 * <p>States: {@code requested -> running -> complete}, or {@code failed} from each of the first two. A dump whose snapshot
 * was lost fails and names its successor: chunks of two snapshots are never mixed (rule R03).
 */
final class DumpEntry {
    /** No order has left, so nothing is held. */
    static final long NO_HOLD = -1;

    /** Where a dump stands for those who wait for it. */
    enum State {
        REQUESTED,
        RUNNING,
        COMPLETE,
        FAILED;

        String text() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }

        boolean isOpen() {
            return this == REQUESTED || this == RUNNING;
        }
    }

    final String id;
    final TableName table;
    final Instant createdAt;
    final Set<String> wantedBy = new java.util.concurrent.ConcurrentSkipListSet<>();
    final Set<String> servedTo = new java.util.concurrent.ConcurrentSkipListSet<>();
    String group;
    /** Written under the monitor; read by fetches without it. */
    volatile State state = State.REQUESTED;
    /** Nothing above this seq is pruned until the draft manifest is here (rule R02). */
    long holdSeq = NO_HOLD;

    /** Markers of the group that came by: one for each snapshot taken under it. */
    final Set<String> markers = new java.util.concurrent.ConcurrentSkipListSet<>();

    volatile String error;
    String successor;
    /** Readers at the moment: fetches under way. */
    int fetching;
    /** Connection of capture the order was sent on; 0: none. */
    long orderedOn;

    /** When capture said that it cannot make this dump, by {@link System#nanoTime}; 0: it did not. */
    long refusedNanos;

    long notBeforeNanos;

    /** A mark that was ordered when all but the dump's own marker was here; null: none. */
    String fence;

    long fenceNanos;
    int attempts;

    DumpEntry(String id, TableName table, String group, Instant createdAt) {
        this.id = id;
        this.table = table;
        this.group = group;
        this.createdAt = createdAt;
    }

    /** Whether a marker settles a snapshot of this dump's group; each snapshot has a marker of its own. */
    boolean isMarkedBy(String marker) {
        return marker.equals(group) || marker.startsWith(group + "/");
    }

    String toJson() {
        ObjectNode node = Json.object()
                .put("id", id)
                .put("table", table.toString())
                .put("group", group)
                .put("createdAt", createdAt.toString())
                .put("state", state.name())
                .put("holdSeq", holdSeq)
                .put("error", error)
                .put("successor", successor);
        ArrayNode wanted = node.putArray("wantedBy");
        wantedBy.forEach(wanted::add);
        ArrayNode served = node.putArray("servedTo");
        servedTo.forEach(served::add);
        ArrayNode seen = node.putArray("markers");
        markers.forEach(seen::add);
        return node.toString();
    }

    static DumpEntry fromJson(String json) {
        JsonNode node = Json.read(json, "stored dump request");
        DumpEntry entry = new DumpEntry(
                node.path("id").asText(),
                TableName.parse(node.path("table").asText()),
                node.path("group").asText(),
                Instant.parse(node.path("createdAt").asText()));
        entry.state = State.valueOf(node.path("state").asText());
        entry.holdSeq = node.path("holdSeq").asLong(NO_HOLD);
        entry.error = node.path("error").asText(null);
        entry.successor = node.path("successor").asText(null);
        entry.wantedBy.addAll(Json.strings(node.path("wantedBy")));
        entry.servedTo.addAll(Json.strings(node.path("servedTo")));
        entry.markers.addAll(Json.strings(node.path("markers")));
        return entry;
    }
}
