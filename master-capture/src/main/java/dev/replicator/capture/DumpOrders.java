package dev.replicator.capture;

import dev.replicator.queue.wire.DumpOrder;
import dev.replicator.queue.wire.DumpOrderTable;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Which dumps are asked for and worked on. An order that comes again is worked off once; one that comes again when its dump
 * was sent, has failed or was refused is a new one. A dump is known by group and id: a forwarder that lost its disk counts
 * ids from the beginning, but its groups are new. Thread-safe.
 */
final class DumpOrders {
    /** The group under which an id is wanted now. */
    private final Map<String, String> wanted = new ConcurrentHashMap<>();

    /**
     * What of an order is not being worked on.
     *
     * @param forgotten told ids by which the forwarder means another dump from now on
     */
    DumpOrder fresh(DumpOrder order, Consumer<String> forgotten) {
        DumpOrder.Builder fresh = DumpOrder.newBuilder().setGroup(order.getGroup());
        for (DumpOrderTable table : order.getTablesList()) {
            String former = wanted.put(table.getDumpId(), order.getGroup());
            if (!order.getGroup().equals(former)) {
                if (former != null) {
                    forgotten.accept(table.getDumpId());
                }
                fresh.addTables(table);
            }
        }
        return fresh.build();
    }

    /** A dump that was read before a restart is sent now. */
    void resumed(String group, String dumpId) {
        wanted.put(dumpId, group);
    }

    /** Nobody wants the dump any more. */
    void cancel(String dumpId) {
        wanted.remove(dumpId);
    }

    boolean isCancelled(String group, String dumpId) {
        return !group.equals(wanted.get(dumpId));
    }

    /** The forwarder has all of it, does not want it, or it could not be made; true when it was wanted until now. */
    boolean over(String group, String dumpId) {
        return wanted.remove(dumpId, group);
    }
}
