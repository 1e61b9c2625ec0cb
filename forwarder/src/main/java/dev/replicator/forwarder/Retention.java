package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.queue.store.SegmentSummary;
import dev.replicator.runtime.cli.Human;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prunes the queue and the dump cache (rules R02, R16, R17). The queue is held by the lanes of slaves that have
 * connected, by dumps in the making or in use, and by V; a cached dump nobody uses only wishes to hold it. At the budget
 * they give way in this order: unused dumps by oldest baseSeq; then whoever holds firstSeq.
 *
 * <p>Used by the housekeeping thread; {@link #holders} by any.
 */
final class Retention {
    private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

    private final ReplicationQueue queue;
    private final Slaves slaves;
    private final DumpCatalog dumps;
    private final Visibility visibility;
    private final Room room;
    private final Budget budget;
    private final boolean indexRebuilt;
    private final Clock clock;

    /**
     * Limits from the configuration.
     *
     * @param queueBytes hard budget of the queue
     * @param onFull what gives way
     * @param dumpBytes budget of the dump cache
     * @param dumpMaxAge older unused dumps go
     */
    record Budget(long queueBytes, ForwarderConfig.OnFull onFull, long dumpBytes, Duration dumpMaxAge) {}

    /**
     * Somebody who needs everything after a seq.
     *
     * @param slave null for a dump or for V
     * @param lane of the slave; else null
     * @param dump id of a dump; else null
     * @param seq nothing above it may go
     */
    record Holder(String slave, String lane, String dump, long seq) {
        /** V of rule R02. */
        boolean isVisibility() {
            return slave == null && dump == null;
        }
    }

    Retention(
            ReplicationQueue queue,
            Slaves slaves,
            DumpCatalog dumps,
            Visibility visibility,
            Room room,
            Budget budget,
            Clock clock) {
        this.queue = queue;
        this.slaves = slaves;
        this.dumps = dumps;
        this.visibility = visibility;
        this.room = room;
        this.budget = budget;
        this.indexRebuilt = queue.recovery().indexRebuilt();
        this.clock = clock;
    }

    /** One round. */
    void run() throws IOException {
        trimCache();
        if (!queue.hasHistory()) {
            return;
        }
        if (mayPrune()) {
            prune(limit());
        }
        if (queue.sizeBytes() > budget.queueBytes()) {
            makeRoom();
        }
        if (queue.sizeBytes() <= budget.queueBytes()) {
            room.open();
        }
        dumps.retireUnusable();
    }

    /** After the index was rebuilt the cursors are unknown until every slave was here (rule R16). */
    private boolean mayPrune() {
        return missed().isEmpty();
    }

    /** Slaves of which nobody knows what they need: the index was lost, and they have not connected since. */
    List<String> missed() {
        return indexRebuilt
                ? slaves.all().stream()
                        .filter(slave -> !slave.isSeenSinceStart())
                        .map(Slave::name)
                        .toList()
                : List.of();
    }

    /** Why nothing is taken in, when {@code on-full: stop} has come to that; else null. */
    String obstacle() {
        if (!room.isClosed()) {
            return null;
        }
        return "queue.max-size (" + Human.bytes(budget.queueBytes())
                + ") is used up and on-full is 'stop': nothing is taken in from capture until those who hold it have"
                + " acknowledged, or are removed; raise max-size to go on at once";
    }

    /** Who holds the queue, lowest first; without wishes. */
    List<Holder> holders() {
        List<Holder> holders = new ArrayList<>();
        OptionalLong visible = visibility.visibleSeq();
        holders.add(new Holder(null, null, null, visible.orElse(0)));
        long first = queue.hasHistory() ? queue.firstSeq() : 0;
        for (Slave slave : slaves.all()) {
            for (Map.Entry<String, Position> cursor : slave.cursors().entrySet()) {
                // A cursor of an ended epoch or below what is here holds nothing: its lane needs dumps anyway.
                boolean alive = queue.hasHistory()
                        && cursor.getValue().epoch().equals(queue.epoch())
                        && cursor.getValue().seq() >= first - 1;
                if (slave.isKnown() && alive) {
                    holders.add(new Holder(
                            slave.name(),
                            cursor.getKey(),
                            null,
                            cursor.getValue().seq()));
                }
            }
        }
        for (DumpEntry entry : dumps.list()) {
            long hold = dumps.holdOf(entry);
            if (!dumps.isWish(entry) && hold != Long.MAX_VALUE && hold >= first - 1) {
                holders.add(new Holder(null, null, entry.id, hold));
            }
        }
        holders.sort(Comparator.comparingLong(Holder::seq));
        return holders;
    }

    /** Who needs the first transaction, besides what the master has not shown yet. */
    private String needing() {
        return holders().stream()
                .filter(holder -> !holder.isVisibility())
                .findFirst()
                .map(holder -> holder.slave() == null
                        ? "dump " + holder.dump()
                        : "slave " + holder.slave() + ", lane " + holder.lane())
                .orElse("nobody else");
    }

    /** Up to where nobody needs anything, nor wishes to: a dump without its marker would be taken for a good one. */
    private long limit() {
        long limit = holders().get(0).seq();
        for (DumpEntry wish : dumps.wishes()) {
            limit = Math.min(limit, dumps.holdOf(wish));
        }
        return limit;
    }

    private void makeRoom() throws IOException {
        for (DumpEntry wish : dumps.wishes()) {
            if (queue.sizeBytes() <= budget.queueBytes()) {
                return;
            }
            dumps.retire(wish, "it gave way at the queue's budget");
            if (mayPrune()) {
                prune(limit());
            }
        }
        if (budget.onFull() == ForwarderConfig.OnFull.STOP) {
            if (!room.isClosed() && queue.sizeBytes() > budget.queueBytes()) {
                room.close();
                LOG.atError()
                        .addKeyValue("bytes", queue.sizeBytes())
                        .addKeyValue("heldBy", needing())
                        .log("The queue is full: {}", obstacle());
            }
            return;
        }
        while (queue.sizeBytes() > budget.queueBytes() && sacrifice()) {
            LOG.atInfo().addKeyValue("bytes", queue.sizeBytes()).log("Made room in the queue");
        }
    }

    /** Lets the fewest holders go that free at least one segment; returns false when nothing can be freed. */
    private boolean sacrifice() throws IOException {
        List<Holder> holders = holders();
        long tail = queue.durableTail().seq();
        for (int count = 1; count <= holders.size(); count++) {
            long limit = count < holders.size() ? holders.get(count).seq() : tail;
            if (frees(Math.min(limit, tail))) {
                for (Holder holder : holders.subList(0, count)) {
                    letGo(holder);
                }
                return prune(Math.min(limit, tail)) > 0;
            }
        }
        return false;
    }

    private boolean frees(long limit) {
        for (SegmentSummary segment : queue.segments()) {
            if (segment.isOverAt(limit)) {
                return true;
            }
        }
        return false;
    }

    private void letGo(Holder holder) throws IOException {
        if (holder.isVisibility()) {
            LOG.atWarn().log("The queue's budget overrides what dumps may still need: new dumps wait");
        } else if (holder.dump() != null) {
            dumps.giveUp(holder.dump(), "the queue's budget was used up");
        } else {
            LOG.atWarn()
                    .addKeyValue("slave", holder.slave())
                    .addKeyValue("lane", holder.lane())
                    .addKeyValue("seq", holder.seq())
                    .log("The lane is dropped at the queue's budget; its tables need new dumps");
            slaves.find(holder.slave()).ifPresent(slave -> {
                slave.dropCursor(holder.lane());
                slave.refusal(
                        holder.lane(), LaneStarts.NEEDS_RESYNC + ": it was dropped at the queue's budget (max-size)");
            });
        }
    }

    private long prune(long limit) throws IOException {
        if (limit < queue.firstSeq()) {
            return 0;
        }
        return queue.pruneUpTo(limit);
    }

    private void trimCache() throws IOException {
        List<DumpEntry> oldestFirst = new ArrayList<>(dumps.wishes());
        oldestFirst.sort(Comparator.comparing(entry -> entry.createdAt));
        for (DumpEntry entry : oldestFirst) {
            if (entry.createdAt.plus(budget.dumpMaxAge()).isBefore(clock.instant())) {
                dumps.retire(entry, "it is older than max-age");
            } else if (dumps.sizeBytes() > budget.dumpBytes()) {
                dumps.retire(entry, "the dump cache is full (max-size)");
            }
        }
    }
}
